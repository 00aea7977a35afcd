import { describe, expect, it } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { decodeSecret, signatureHeaders } from '../../../src/core/webhook/signature.ts';

const secretOf = (bytes: number, fill = 7) => `whsec_${Buffer.alloc(bytes, fill).toString('base64')}`;
const BODY = '{"title":"Grüße 👋"}';
const now = () => Math.floor(Date.now() / 1000);

describe('signatures', () => {
  it('are accepted by the standardwebhooks package', () => {
    const headers = signatureHeaders([secretOf(32)], 'msg_1', now(), BODY);
    expect(new Webhook(secretOf(32)).verify(BODY, headers as Record<string, string>)).toEqual({ title: 'Grüße 👋' });
  });

  it('are given by both secrets during a rotation', () => {
    const headers = signatureHeaders([secretOf(24, 1), secretOf(64, 2)], 'msg_1', now(), BODY) as Record<
      string,
      string
    >;
    expect(headers['webhook-signature']!.split(' ')).toHaveLength(2);
    for (const secret of [secretOf(24, 1), secretOf(64, 2)]) new Webhook(secret).verify(BODY, headers);
    expect(() => new Webhook(secretOf(32, 3)).verify(BODY, headers)).toThrow('No matching signature');
  });

  it('are not sent without a secret', () => {
    expect(signatureHeaders([], 'msg_1', now(), BODY)).toEqual({});
  });

  it.each([
    ['no prefix', Buffer.alloc(32).toString('base64')],
    ['not base64', 'whsec_fake~fake~fake~fake~fake~fake~fake'],
    ['too short', secretOf(23)],
    ['too long', secretOf(65)],
    ['empty', ''],
  ])('a bad secret is refused without being shown: %s', (_, secret) => {
    let message = '';
    try {
      decodeSecret(secret, 'webhook.secret');
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toMatch(/^webhook\.secret: /);
    if (secret) expect(message).not.toContain(secret.slice(6));
  });
});

import { request } from 'node:http';
import { afterEach, describe, expect, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { ipAllowList } from '../../src/sandbox/receiver/ip-allow-list.ts';
import { rateLimiter } from '../../src/sandbox/receiver/rate-limit.ts';
import { cleanUp, payload, post, sandbox } from './support.ts';

afterEach(cleanUp);
const INVALID_TOKEN = { status: 'error', message: 'Invalid or missing authentication token' };

async function answerOf(response: Response | Promise<Response>): Promise<[number, unknown]> {
  const { status, ...rest } = { status: (await response).status, body: await (await response).json() };
  return [status, rest.body];
}

describe('the contract', () => {
  test('a new recording is created, a known one updated, with running numbers', async () => {
    const box = await sandbox();
    const success = (action: string, recording_id: number | string, pk: number) => ({
      status: 'success',
      message: `Recording ${action} successfully`,
      recording_id,
      pk,
      action,
    });
    expect(await answerOf(post(box, payload()))).toEqual([201, success('created', 3, 1)]);
    expect(await answerOf(post(box, payload({ recording_id: 'x-1' })))).toEqual([201, success('created', 'x-1', 2)]);
    expect(await answerOf(post(box, payload({ title: 'New' })))).toEqual([200, success('updated', 3, 1)]);
    expect(box.receiver.recording(3)).toMatchObject({ pk: 1, received: 2, payload: { title: 'New' } });
    expect(box.receiver.recordings().map(({ recording_id }) => recording_id)).toEqual([3, 'x-1']);
  });

  test.each<[string, Record<string, string>]>([
    ['missing', { 'X-Webhook-Token': '' }],
    ['wrong', { 'X-Webhook-Token': 'sandbox-webhook-tokeN' }],
    ['longer', { 'X-Webhook-Token': 'sandbox-webhook-token1' }],
  ])('a token that is %s is answered with 401', async (_, headers) => {
    const box = await sandbox();
    expect(await answerOf(post(box, payload(), headers))).toEqual([401, INVALID_TOKEN]);
    expect(box.receiver.recordings()).toEqual([]);
  });

  test('a token with something around it is not the token', async () => {
    const box = await sandbox({ receiver: { token: 'abc' } });
    expect((await post(box, payload(), { 'X-Webhook-Token': 'abc' })).status).toBe(201);
    expect((await post(box, payload(), { 'X-Webhook-Token': '"abc"' })).status).toBe(401);
  });

  test('an e-mail without a user is answered with 404, case-sensitively', async () => {
    const box = await sandbox();
    const email = 'Souvik@fyelabs.com';
    expect(await answerOf(post(box, payload({ user_info: { email } })))).toEqual([
      404,
      { status: 'error', message: `No user found with email: ${email}` },
    ]);
    const other = await sandbox({ receiver: { users: [email] } });
    expect((await post(other, payload({ user_info: { email } }))).status).toBe(201);
    const open = await sandbox({ receiver: { users: 'any' } });
    expect((await post(open, payload({ user_info: { email: 'anyone@example.org' } }))).status).toBe(201);
  });

  test.each([
    ['no recording_id', payload({ recording_id: undefined })],
    ['an empty recording_id', payload({ recording_id: '' })],
    ['no user_info', payload({ user_info: undefined })],
    ['no e-mail', payload({ user_info: { username: 'souvik' } })],
    ['an array', []],
    ['a text', '"text"'],
    ['null', 'null'],
  ])('a payload with %s is answered with 400', async (_, body) => {
    const box = await sandbox();
    const message = 'Missing required fields: recording_id or user_info.email';
    expect(await answerOf(post(box, body))).toEqual([400, { status: 'error', message }]);
  });

  test('what is no JSON is answered with 400', async () => {
    const box = await sandbox();
    expect(await answerOf(post(box, '{"recording_id":'))).toEqual([
      400,
      { status: 'error', message: 'Invalid JSON payload' },
    ]);
  });

  test('other methods are answered with 405', async () => {
    const box = await sandbox();
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const answer = await fetch(box.receiver.url, { method });
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST']);
    }
  });

  test('a body over 1 MiB is answered with 413', async () => {
    const box = await sandbox();
    expect((await post(box, payload({ title: 'x'.repeat(1024 * 1024) }))).status).toBe(413);
    expect((await post(box, payload({ title: 'x'.repeat(1000 * 1024) }))).status).toBe(201);
  });

  test('a webhook marked as a test is answered by the same rules and kept apart', async () => {
    const box = await sandbox();
    expect((await post(box, payload({ test: true }))).status).toBe(201);
    expect((await post(box, payload({ test: true }))).status).toBe(200);
    expect((await post(box, payload({ test: true }), { 'X-Webhook-Token': 'wrong' })).status).toBe(401);
    expect(box.receiver.recordings()).toEqual([]);
    expect(box.receiver.testRecordings()).toHaveLength(1);
    expect(await answerOf(post(box, payload()))).toMatchObject([201, { pk: 1 }]);
  });
});

describe('what the server tells of itself', () => {
  test('recordings are listed and shown', async () => {
    const box = await sandbox();
    await post(box, payload());
    const get = (path: string) => answerOf(fetch(box.receiver.baseUrl + path));
    expect(await get('/recordings/')).toMatchObject([200, [{ recording_id: 3, pk: 1 }]]);
    expect(await get('/recordings/3/')).toMatchObject([200, { payload: payload() }]);
    expect(await get('/recordings/4/')).toEqual([404, { status: 'error', message: 'Not found' }]);
  });

  test('the log shows bodies and answers, and no token', async () => {
    const box = await sandbox();
    await post(box, payload());
    await post(box, '{', { 'X-Webhook-Token': 'secret-guess' });
    const text = await (await fetch(`${box.receiver.baseUrl}/__requests`)).text();
    expect(JSON.parse(text)).toMatchObject([
      { method: 'POST', path: '/recordings/webhook/', token: 'valid', status: 201, body: JSON.stringify(payload()) },
      { token: 'invalid', status: 401, body: '{', address: '127.0.0.1' },
    ]);
    expect(text).not.toContain(box.receiver.token);
    expect(text).not.toContain('secret-guess');
    await fetch(`${box.receiver.baseUrl}/__requests`, { method: 'DELETE' });
    expect(box.receiver.requests()).toEqual([]);
  });

  test('failed authentications are listed with address and reason', async () => {
    const box = await sandbox();
    await post(box, payload(), { 'X-Webhook-Token': '' });
    await post(box, payload(), { 'X-Webhook-Token': 'wrong' });
    const expected = [
      { address: '127.0.0.1', reason: 'token missing' },
      { address: '127.0.0.1', reason: 'token invalid' },
    ];
    expect(box.receiver.authFailures()).toMatchObject(expected);
    expect(await answerOf(fetch(`${box.receiver.baseUrl}/__auth_failures`))).toMatchObject([200, expected]);
  });
});

describe('signatures', () => {
  const OLD = `whsec_${Buffer.alloc(24, 1).toString('base64')}`;
  const NEW = `whsec_${Buffer.alloc(24, 2).toString('base64')}`;
  const body = JSON.stringify(payload());
  const sign = (secret: string, at: Date, text = body) => ({
    'webhook-id': 'msg_1',
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': new Webhook(secret).sign('msg_1', at, text),
  });

  test.each<[string, number, (now: Date) => Record<string, string>]>([
    ['by the secret', 201, now => sign(NEW, now)],
    ['by the secret of before', 201, now => sign(OLD, now)],
    ['just within the tolerance', 201, now => sign(NEW, new Date(now.getTime() - 300_000))],
    ['too old', 401, now => sign(NEW, new Date(now.getTime() - 301_000))],
    ['too far ahead', 401, now => sign(NEW, new Date(now.getTime() + 302_000))],
    ['of another body', 401, now => sign(NEW, now, '{}')],
    ['by another secret', 401, now => sign(`whsec_${Buffer.alloc(24, 3).toString('base64')}`, now)],
    ['of another id', 401, now => ({ ...sign(NEW, now), 'webhook-id': 'msg_2' })],
    ['missing', 401, () => ({})],
  ])('a signature %s is answered with %d', async (_, status, headers) => {
    const now = new Date(1_700_000_000_000);
    const box = await sandbox({ now: () => now.getTime(), receiver: { signature: { secrets: [NEW, OLD] } } });
    const answer = await post(box, body, headers(now));
    expect(answer.status).toBe(status);
    expect(box.receiver.authFailures()).toHaveLength(status === 401 ? 1 : 0);
  });
});

describe('addresses', () => {
  test('only those of the allow-list get in', async () => {
    const box = await sandbox({ receiver: { allowIps: ['127.0.0.2', '10.0.0.0/8'] } });
    expect((await post(box, payload())).status).toBe(403);
    const fromSecond = await new Promise<number | undefined>((resolve, reject) => {
      const headers = { 'X-Webhook-Token': box.receiver.token };
      const req = request(
        box.receiver.url,
        { method: 'POST', localAddress: '127.0.0.2', headers, agent: false },
        res => {
          res.resume();
          resolve(res.statusCode);
        },
      );
      req.on('error', reject).end(JSON.stringify(payload()));
    });
    expect(fromSecond).toBe(201);
    expect(box.receiver.authFailures()).toMatchObject([{ address: '127.0.0.1', reason: 'address not allowed' }]);
  });

  test.each<[string[], string, boolean]>([
    [['192.0.2.1'], '192.0.2.1', true],
    [['192.0.2.1'], '192.0.2.2', false],
    [['192.0.2.1'], '::ffff:192.0.2.1', true],
    [['192.0.2.0/24'], '192.0.2.255', true],
    [['192.0.2.0/24'], '192.0.3.0', false],
    [['2001:db8::/32'], '2001:db8:1::1', true],
    [['2001:db8::/32'], '2001:db9::1', false],
    [['0.0.0.0/0'], '::1', false],
    [[], '127.0.0.1', false],
    [['fe80::/10'], 'fe80::1%eth0', true],
  ])('the list %j and %s: %s', (entries, address, allowed) => {
    expect(ipAllowList(entries)(address)).toBe(allowed);
  });

  test.each(['localhost', '192.0.2.0/33', '192.0.2.0/', '1.2.3', '::/129', '::/x', ''])('%j is no entry', entry => {
    expect(() => ipAllowList([entry])).toThrow('neither an address nor a CIDR range');
  });

  test('behind a proxy the last forwarded address counts, where it is trusted', async () => {
    const receiver = { allowIps: ['192.0.2.7'], trustForwardedFor: true };
    const box = await sandbox({ receiver });
    const from = (forwarded: string) => post(box, payload(), { 'X-Forwarded-For': forwarded });
    expect((await from('203.0.113.1, 192.0.2.7')).status).toBe(201);
    expect((await from('192.0.2.7, 203.0.113.1')).status).toBe(403);
  });
});

describe('the rate limit', () => {
  test('more than n requests are told when to come again', async () => {
    let now = 1_700_000_000_000;
    const box = await sandbox({ now: () => now, receiver: { rateLimit: { requests: 2, windowMs: 60_000 } } });
    expect((await post(box, payload())).status).toBe(201);
    expect((await post(box, payload())).status).toBe(200);
    const refused = await post(box, payload());
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '30']);
    now += 30_000;
    expect((await post(box, payload())).status).toBe(200);
    expect((await post(box, payload())).status).toBe(429);
  });

  test('each address has its own bucket, and a full one holds no more than n', () => {
    let now = 0;
    const take = rateLimiter({ requests: 1, windowMs: 1000 }, () => now);
    expect(take('a')).toEqual({});
    expect(take('b')).toEqual({});
    expect(take('a')).toEqual({ retryAfterSeconds: 1 });
    now = 1_000_000;
    expect(take('a')).toEqual({});
    expect(take('a')).toEqual({ retryAfterSeconds: 1 });
  });
});

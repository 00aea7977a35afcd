import { describe, expect, test } from '@jest/globals';
import { findCauses } from '../../../src/core/alerts/cause.ts';
import { alertBody } from '../../../src/core/alerts/message.ts';
import type { StateOverview } from '../../../src/core/status/overview.ts';

const NOW = Date.UTC(2026, 0, 1);
const MINUTE = 60_000;
const OPTIONS = { stuckAfterMs: 60 * MINUTE, now: NOW };

type Looked = Pick<StateOverview, 'counts' | 'oldest' | 'endpoints' | 'refused'>;
const FINE: Looked = {
  counts: {
    recording: 0,
    uploading: 0,
    partial: 0,
    queued: 0,
    refused: 0,
    done: 9,
    removed: 0,
    waiting: 0,
    held: 0,
    delivered: 9,
    superseded: 0,
  },
  oldest: { partial: null, upload: null, queued: null, refused: null, waiting: null },
  endpoints: [],
  refused: [],
};
const refusal = (name: string, reason: string): StateOverview['refused'][number] => ({
  dir: `/recordings/${name}`,
  recordingId: name,
  origin: 'found',
  asked: {} as StateOverview['refused'][number]['asked'],
  state: 'refused',
  reason,
  hint: null,
  since: NOW,
  askedAt: NOW,
  updatedAt: NOW,
  nextAt: NOW,
});

describe('causes', () => {
  test('there are none where all is well, or only young', () => {
    const oldest = { ...FINE.oldest, upload: NOW - 59 * MINUTE, waiting: NOW - 59 * MINUTE, partial: NOW - 9 * MINUTE };
    expect(findCauses({ ...FINE, oldest }, [], OPTIONS)).toEqual([]);
  });

  test('webhooks that are held are one for each endpoint and reason', () => {
    const held = [
      { endpoint: 'a', reason: 'rejected', count: 300 },
      { endpoint: 'a', reason: 'exhausted', count: 1 },
      { endpoint: 'b', reason: 'rejected', count: 2 },
    ];
    expect(findCauses(FINE, held, OPTIONS)).toEqual([
      { key: 'held:a:rejected', event: 'held', text: '300 webhooks to a are held (rejected)', count: 300 },
      { key: 'exhausted:a', event: 'exhausted', text: '1 webhook to a is held after three days of tries', count: 1 },
      { key: 'held:b:rejected', event: 'held', text: '2 webhooks to b are held (rejected)', count: 2 },
    ]);
  });

  test('an endpoint that refuses the token is one, together with what it holds', () => {
    const endpoints = [{ name: 'a', reason: 'refuses the token', since: NOW }];
    const held = [{ endpoint: 'a', reason: 'refused', count: 7 }];
    expect(findCauses({ ...FINE, endpoints }, held, OPTIONS)).toEqual([
      { key: 'disabled:a', event: 'disabled', text: 'no webhook is sent to a: refuses the token', count: null },
    ]);
  });

  test('folders that were refused for the same reason are one', () => {
    const refused = [
      refusal('1', '/recordings/1 has no video'),
      refusal('2', '/recordings/2 has no video'),
      refusal('3', '/recordings/3/video.mkv may not be read by this user'),
    ];
    expect(findCauses({ ...FINE, refused }, [], OPTIONS).map(({ key, text }) => [key, text])).toEqual([
      ['failed:refused:… has no video', '2 recordings were refused: … has no video'],
      [
        'failed:refused:…/video.mkv may not be read by this user',
        '1 recording was refused: …/video.mkv may not be read by this user',
      ],
    ]);
  });

  test('work that does not end is stuck, and an upload that stays broken off has failed', () => {
    const old = NOW - 61 * MINUTE;
    const oldest = { partial: NOW - 11 * MINUTE, upload: old, queued: old, refused: old, waiting: old };
    const found = findCauses({ ...FINE, counts: { ...FINE.counts, partial: 2 }, oldest }, [], OPTIONS);
    expect(found.map(({ key }) => key)).toEqual(['failed:partial', 'stuck:upload', 'stuck:queued', 'stuck:webhook']);
  });
});

describe('a message', () => {
  const cause = { key: 'k', event: 'held', text: '2 webhooks are held', count: 2, since: NOW - 90 * MINUTE } as const;
  const body = (...args: Parameters<typeof alertBody>) => JSON.parse(alertBody(...args)) as Record<string, unknown>;

  test('is what Slack, Mattermost and Discord show, and what programs read', () => {
    expect(body('held', cause, { machine: 'studio-a', now: NOW })).toEqual({
      text: 'recordupload on studio-a: 2 webhooks are held. Next: recordupload status',
      content: 'recordupload on studio-a: 2 webhooks are held. Next: recordupload status',
      allowed_mentions: { parse: [] },
      version: 1,
      event: 'held',
      cause: 'k',
      count: 2,
      machine: 'studio-a',
      since: '2025-12-31T22:30:00.000Z',
      at: '2026-01-01T00:00:00.000Z',
    });
    expect(body('recovered', cause, { machine: '', now: NOW }).text).toBe(
      'recordupload: recovered after 1 h 30 min: 2 webhooks are held',
    );
  });

  test('mentions nobody and links nowhere, whatever a server or a folder says', () => {
    const text = '<!channel> @everyone <https://evil.example|click> &lt;\u202e\u001b[31m\nnext line';
    const shown = String(body('held', { ...cause, text }, { machine: 'a', now: NOW }).text);
    expect(shown).not.toMatch(/[<>@&\n\u001b\u202e]/);
    expect(shown).toContain('next line');
  });

  test('fits into a message of Discord', () => {
    const { content } = body('held', { ...cause, text: 'x'.repeat(5_000) }, { machine: 'a', now: NOW });
    expect([...String(content)].length).toBeLessThanOrEqual(2_000);
  });
});

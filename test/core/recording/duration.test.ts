import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { systemClock } from '../../../src/core/clock.ts';
import { measureDuration, parseDuration } from '../../../src/core/recording/duration.ts';
import { readMediaFacts } from '../../../src/core/recording/media-facts.ts';
import { type MadeMedia, makeMedia } from './make-media.ts';
import { find, fixture, tempFolder } from './support.ts';

const measure = (path: string, limitMs = 30_000) => measureDuration(find(path), { clock: systemClock, limitMs });

test.each([
  ['3', 10],
  ['live-muxed', 10],
  ['cut-in-half', 4],
])('recordings/%s plays %d s', async (name, seconds) => {
  expect(await measure(fixture(`recordings/${name}/video.mkv`))).toEqual({ ok: true, seconds });
});

test.each<[string, MadeMedia]>([
  ['an MKV whose clock begins at 50,000 s', { format: 'mkv', startSeconds: 50_000, seconds: 10 }],
  ['an MP4 whose clock begins at 7 s', { format: 'mp4', startSeconds: 7, seconds: 10 }],
  ['a TS whose clock begins at 50,000 s', { format: 'ts', startSeconds: 50_000, seconds: 10 }],
  // The clock has 33 bits of 1/90,000 s, so it starts over after 95,443.7 s.
  ['a TS across the wrap of its clock', { format: 'ts', startSeconds: 95_440, seconds: 10 }],
  ['a TS that begins at the wrap', { format: 'ts', startSeconds: 95_443.7, seconds: 10 }],
])('%s is 10 s long', async (_what, media) => {
  const path = join(tempFolder(), 'video.mkv');
  await makeMedia(path, media);
  expect(await measure(path)).toEqual({ ok: true, seconds: 10 });
});

test.each<[string, MadeMedia, number]>([
  ['a later second track', { format: 'mkv', startSeconds: 500, seconds: 10, secondTrackAfterSeconds: 4 }, 14],
  ['a long TS across the wrap', { format: 'ts', startSeconds: 95_140, seconds: 600 }, 600],
])('the duration goes from the first start to the last end: %s', async (_what, media, seconds) => {
  const path = join(tempFolder(), 'video.mkv');
  await makeMedia(path, media);
  expect(await measure(path)).toEqual({ ok: true, seconds });
});

test.each([
  ['no media', Buffer.from('no media')],
  ['zeros', Buffer.alloc(300_000)],
  ['a header and nothing else', readFileSync(fixture('recordings/3/video.mkv')).subarray(0, 600)],
])('%s has no duration, and a reason', async (_what, bytes) => {
  const path = join(tempFolder(), 'video.mkv');
  writeFileSync(path, bytes);
  expect(await measure(path)).toEqual({ ok: false, reason: expect.stringMatching(/\w/) });
});

test('a file that is not there has no duration', async () => {
  const nowhere = { path: '/nowhere/video.mkv', device: '1', inode: '1' };
  expect(await measureDuration(nowhere, { clock: systemClock, limitMs: 1 })).toMatchObject({ ok: false });
});

test('a playlist that calls itself a video makes no request', async () => {
  let requests = 0;
  const server = createServer((_request, response) => {
    requests++;
    response.end();
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const path = join(tempFolder(), 'video.mkv');
  const { port } = server.address() as AddressInfo;
  writeFileSync(path, `#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:5,\nhttp://127.0.0.1:${port}/x.ts\n#EXT-X-ENDLIST\n`);
  try {
    expect(await measure(path)).toMatchObject({ ok: false });
    expect(requests).toBe(0);
  } finally {
    await new Promise(resolve => server.close(resolve));
  }
});

test('measuring ends at its limit, and lets the file go', async () => {
  let nowMs = 0;
  const clock = { monotonic: () => (nowMs += 1000) };
  const path = find(fixture('recordings/live-muxed/video.mkv'));
  const openFiles = () => (existsSync('/proc/self/fd') ? readdirSync('/proc/self/fd').length : 0);
  const before = openFiles();
  expect(await measureDuration(path, { clock, limitMs: 500 })).toEqual({
    ok: false,
    reason: 'it takes more than 0.5 s',
  });
  expect(openFiles()).toBe(before);
});

test('an abort between two reads ends it with its reason', async () => {
  const controller = new AbortController();
  const clock = {
    monotonic: () => {
      controller.abort(new Error('stop'));
      return 0;
    },
  };
  const path = find(fixture('recordings/3/video.mkv'));
  const measuring = measureDuration(path, { clock, limitMs: 500, signal: controller.signal });
  await expect(measuring).rejects.toThrow('stop');
});

test('what is thrown before a read comes through', async () => {
  const beforeRead = () => {
    throw new Error('no further');
  };
  await expect(readMediaFacts(find(fixture('recordings/3/video.mkv')), beforeRead)).rejects.toThrow('no further');
});

test.each([
  ['0', 0],
  ['77', 77],
  ['00:01:17', 77],
  ['100:00:00', 360_000],
  ['', undefined],
  ['1.5', undefined],
  ['-1', undefined],
  ['1:17', undefined],
  ['00:60:00', undefined],
  ['99999999999', undefined],
])('--duration %p is %p s', (text, seconds) => {
  expect(parseDuration(text)).toBe(seconds);
});

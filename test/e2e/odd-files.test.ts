import { readdirSync, statSync, truncateSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { openDesk, openSandbox, webhooksOf } from '../support/desk.ts';
import { makeOld } from '../support/make-old.ts';
import { makeRecording } from '../support/make-recording.ts';

test('A sparse video is uploaded whole, and its size is that of its content', async () => {
  const sandbox = await openSandbox();
  const dir = makeRecording({ name: '7', videoBytes: 4096 });
  const video = join(dir, 'video.mkv');
  truncateSync(video, 20_000_000);
  makeOld(dir);
  expect(statSync(video).blocks * 512).toBeLessThan(1_000_000);
  expect((await openDesk(sandbox).run(['upload', dir])).code).toBe(0);
  expect(sandbox.s3.objects().find(({ key }) => key === '7/video.mkv')?.size).toBe(20_000_000);
  expect(webhooksOf(sandbox, '7')[0]?.body.file_info).toMatchObject({ individual_sizes_mb: { 'video.mkv': 19.07 } });
});

test.each([
  ['Unix', '1970-01-01T00:00:00Z'],
  ['ZIP, in New York', '1980-01-01T05:00:00Z'],
  ['ZIP, in Tokyo', '1979-12-31T15:00:00Z'],
])('A time stamp that is the beginning of time (%s) is not when the meeting was', async (_whose, time) => {
  const sandbox = await openSandbox();
  const dir = makeRecording({ name: '8', videoBytes: 4096 });
  for (const name of readdirSync(dir)) utimesSync(join(dir, name), new Date(time), new Date(time));
  const { code } = await openDesk(sandbox).run(['upload', dir]);
  expect(code).toBe(0);
  const { created_at: createdAt } = webhooksOf(sandbox, '8')[0]?.body ?? {};
  // The file's birth is the next best.
  const born = statSync(join(dir, 'video.mkv')).birthtimeMs;
  expect(Math.abs(Date.parse(`${String(createdAt).replace(' ', 'T').slice(0, 23)}Z`) - born)).toBeLessThan(1000);
});

import { rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { containerTime } from '../../../src/core/recording/container-time.ts';
import { formatUtc } from '../../../src/core/recording/timestamps.ts';
import { makeMedia, matroskaWithDate, setMovieTime } from './make-media.ts';
import { find, makeRecording, read, tempFolder } from './support.ts';

const RECORDED = new Date('2025-10-25T01:55:59.500Z');
const SINCE_1904 = 2_082_844_800;

function timeIn(bytes: Buffer): string | undefined {
  const path = join(tempFolder(), 'video.mkv');
  writeFileSync(path, bytes);
  const time = containerTime(find(path));
  return time === undefined ? undefined : formatUtc(time);
}

test('Matroska says it to the nanosecond', () => {
  expect(timeIn(matroskaWithDate(RECORDED))).toBe('2025-10-25 01:55:59.500000');
});

test.each([
  ['since 1904, as the standard has it', SINCE_1904],
  ['since 1970, as some programs count', 0],
])('MP4 says it in seconds %s', async (_what, epoch) => {
  const path = join(tempFolder(), 'video.mp4');
  await makeMedia(path, { format: 'mp4', startSeconds: 0, seconds: 1 });
  setMovieTime(path, Math.floor(RECORDED.getTime() / 1000) + epoch);
  expect(formatUtc(containerTime(find(path)) ?? 0n)).toBe('2025-10-25 01:55:59.000000');
});

test.each([
  ['a recorder whose clock has lost its battery', matroskaWithDate(new Date('1980-01-06T00:00:00Z'))],
  ['a file that ends in its header', matroskaWithDate(RECORDED).subarray(0, -4)],
  ['no media', Buffer.from('no media')],
  ['an empty file', Buffer.alloc(0)],
  ['zeros', Buffer.alloc(100_000)],
  ['boxes of no length', Buffer.from('0000000866726565'.repeat(5000), 'hex')],
])('%s says nothing', (_what, bytes) => {
  expect(timeIn(bytes)).toBeUndefined();
});

test('the container’s time beats the times of the file, and the recorder’s notes beat it', async () => {
  const dir = makeRecording();
  const video = join(dir, 'video.mkv');
  writeFileSync(video, matroskaWithDate(RECORDED));
  utimesSync(video, 1_500_000_000, 1_500_000_000);
  const deps = { warn: () => {} };
  expect((await read(dir, { deps })).details.createdAt).toBe('2025-10-25 01:55:59.500000');
  writeFileSync(join(dir, 'recording.json'), '{"created_at": "2024-01-02 03:04:05"}');
  expect((await read(dir, { deps })).details.createdAt).toBe('2024-01-02 03:04:05.000000');
});

test('so does a tag with a time of day', async () => {
  const dir = makeRecording();
  const video = join(dir, 'video.mkv');
  await makeMedia(video, {
    format: 'mkv',
    startSeconds: 0,
    seconds: 2,
    raw: { DATE_RECORDED: RECORDED.toISOString() },
  });
  expect((await read(dir)).details.createdAt).toBe('2025-10-25 01:55:59.500000');
  await makeMedia(video, { format: 'mkv', startSeconds: 0, seconds: 2, raw: { DATE_RECORDED: '2025-10-25' } });
  utimesSync(video, 1_700_000_010, 1_700_000_010);
  expect((await read(dir)).details.createdAt).toBe('2023-11-14 22:13:28.000000');
});

test('a clock that begins late does not move the start back', async () => {
  const dir = makeRecording();
  const video = join(dir, 'video.mkv');
  rmSync(video);
  await makeMedia(join(dir, 'video.ts'), { format: 'ts', startSeconds: 50_000, seconds: 10 });
  utimesSync(join(dir, 'video.ts'), 1_700_000_010, 1_700_000_010);
  const { createdAt, durationSeconds } = (await read(dir)).details;
  expect(createdAt).toBe('2023-11-14 22:13:20.000000');
  expect(durationSeconds).toBe(10);
});

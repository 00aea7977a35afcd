import { appendFileSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { awaitSettled, type SeenFile, type Unsettled, unsettledText } from '../../../src/core/recording/settle.ts';
import { virtualClock } from '../storage/virtual-clock.ts';
import { failure, makeRecording, read } from './support.ts';

const NOW = Date.parse('2026-01-02T03:04:05Z');

/** A file that was written so long ago, as it is at the beginning. */
function file(ageMs: number, sizeBytes = 100): SeenFile {
  return { path: '/r/42/video.mkv', sizeBytes, mtimeNs: String(BigInt(NOW - ageMs) * 1_000_000n), inode: '7' };
}

/** Waits for a file that `lookAt` finds after so many milliseconds. */
async function settle(
  lookAt: (elapsedMs: number) => SeenFile,
  options: { waitMs?: number; settleMs?: number; changed?: ReadonlySet<string> } = {},
) {
  const clock = virtualClock(NOW);
  const waits: Unsettled[] = [];
  const ended = awaitSettled(
    () => lookAt(clock.elapsed()),
    found => [found],
    {
      settleMs: 3_000,
      waitMs: 600_000,
      clock,
      signal: new AbortController().signal,
      onWait: wait => waits.push(wait),
      ...options,
    },
  );
  const error = await ended.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return { waitedMs: clock.elapsed(), waits, error };
}

test('an old file is settled at the first look', async () => {
  expect(await settle(() => file(3_000))).toEqual({ waitedMs: 0, waits: [], error: undefined });
});

test('a young file is waited for until it is old, and that is said once', async () => {
  const { waitedMs, waits } = await settle(() => file(1_000));
  expect(waitedMs).toBe(2_000);
  expect(waits.map(unsettledText)).toEqual(['was written 1.0 s ago']);
});

test('a file that grows is waited for until it has been quiet', async () => {
  const written = (elapsed: number) => Math.min(Math.floor(elapsed / 1_000) * 1_000, 20_000);
  const { waitedMs, error } = await settle(elapsed => file(-written(elapsed), written(elapsed)));
  expect(error).toBeUndefined();
  // It was seen to be quiet from the look at 21 s on.
  expect(waitedMs).toBe(24_000);
});

test('a file that grows while its time stamp stays young or old is still being written', async () => {
  const grows = await settle(elapsed => (elapsed < 10_000 ? file(2_000, 100 + elapsed) : file(2_000, 1)));
  expect(grows.error).toBeUndefined();
  expect(grows.waitedMs).toBeGreaterThanOrEqual(13_000);
  expect(grows.waits[0]?.why).toBe('young');
});

test.each([
  ['an hour', 3_600_000],
  ['a century', 100 * 366 * 86_400_000],
])('a time stamp %s in the future costs no more than two looks', async (_what, aheadMs) => {
  const { waitedMs, waits, error } = await settle(() => file(-aheadMs));
  expect(error).toBeUndefined();
  expect(waitedMs).toBe(3_000);
  expect(waits.map(unsettledText)).toEqual(['has a time stamp in the future']);
});

test('a file that grew since an earlier look has to be quiet, however old its time stamp is', async () => {
  const { waitedMs, waits } = await settle(() => file(3_600_000), { changed: new Set(['/r/42/video.mkv']) });
  expect(waitedMs).toBe(3_000);
  expect(waits.map(unsettledText)).toEqual(['is still being written']);
});

test('a file that grows while it is measured is read again once it is quiet', async () => {
  const dir = makeRecording();
  const video = join(dir, 'video.mkv');
  const clock = virtualClock();
  let grown = 0;
  const grow = () => {
    if (grown++ === 1) appendFileSync(video, 'more');
    utimesSync(video, 1_700_000_000, 1_700_000_000);
    return clock.monotonic();
  };
  grow();
  const waits: Unsettled[] = [];
  const signal = new AbortController().signal;
  const onWait = (wait: Unsettled) => waits.push(wait);
  const settle = { settleMs: 3_000, waitMs: 600_000, clock, signal, onWait };
  const { files } = await read(dir, { deps: { clock: { monotonic: grow }, settle } });
  expect(waits.map(({ why }) => why)).toEqual(['changing']);
  expect(files[0]?.sizeBytes).toBe(statSync(video).size);
});

test('a file in the future that grows is still being written', async () => {
  const { waitedMs } = await settle(elapsed => file(-3_600_000, Math.min(elapsed, 9_000)));
  expect(waitedMs).toBe(12_000);
});

test('the wait ends', async () => {
  const { waitedMs, error } = await settle(elapsed => file(-elapsed, elapsed), { waitMs: 60_000 });
  expect(waitedMs).toBe(60_000);
  expect(error).toMatchObject({
    code: 'RECORDING',
    message: '/r/42/video.mkv is still being written after 1 min',
    hint: 'run the command again once the recorder has finished',
  });
});

test('without a wait it is refused at once', async () => {
  const { waitedMs, waits, error } = await settle(() => file(1_000), { waitMs: 0 });
  expect(waitedMs).toBe(0);
  expect(waits).toEqual([]);
  expect(error).toMatchObject({
    code: 'RECORDING',
    message: '/r/42/video.mkv was written 1.0 s ago: the recording may not be finished',
    hint: 'run the command again 3.0 s after the recorder has finished, or with --finished if it has',
  });
});

test('a settle of 0 does not look', async () => {
  expect(await settle(() => file(-5_000), { settleMs: 0 })).toMatchObject({ waitedMs: 0, error: undefined });
});

test('an abort ends the wait with its reason', async () => {
  const controller = new AbortController();
  const clock = virtualClock(NOW);
  const waiting = awaitSettled(
    () => file(0),
    found => [found],
    {
      settleMs: 3_000,
      waitMs: 600_000,
      clock,
      signal: controller.signal,
      onWait: () => controller.abort(new Error('stop')),
    },
  );
  await expect(waiting).rejects.toThrow('stop');
});

test('what the look throws comes through', async () => {
  const { AppError } = await import('../../../src/core/errors.ts');
  const look = () => {
    throw new AppError('RECORDING', 'gone');
  };
  const clock = virtualClock(NOW);
  const signal = new AbortController().signal;
  const waiting = awaitSettled(look, () => [], { settleMs: 1, waitMs: 1, clock, signal, onWait: () => {} });
  expect((await failure(waiting)).message).toBe('gone');
});

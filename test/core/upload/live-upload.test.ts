import { renameSync, rmSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { createThrottle } from '../../../src/core/storage/throttle.ts';
import type { LiveUpload } from '../../../src/core/upload/live-upload.ts';
import {
  count,
  ID,
  lookAt,
  type Machine,
  MIB,
  machine,
  refOf,
  sandbox,
  sentParts,
  writeSource,
} from '../storage/support.ts';
import { DETAILS, isWhole, newRecording, ofType, openLive, PART, startLive, upload } from './live-support.ts';
import { fastStart, RECORDERS } from './recorders.ts';

describe('A recording in progress', () => {
  test.each(Object.entries(RECORDERS))(
    'as %s: finished stretches go up, and at its end little is left',
    async (_, make) => {
      const server = await sandbox();
      const here = await machine(server);
      const recording = newRecording(make);
      const run = here.run();
      const live = await openLive(run, recording.path);
      for (let written = 0; written < 60; written += 5) {
        recording.record(5 * MIB);
        await live.grown();
      }
      expect(server.s3.objects()).toEqual([]);
      // Where room is reserved, the end of the file is further away.
      const early = sentParts(server);
      expect(early.slice(0, 6)).toEqual([1, 2, 3, 4, 5, 6]);
      expect(early.length).toBeLessThan(8);
      await live.stop();
      recording.finish();
      server.s3.resetRequests();

      const { report, events } = await upload(here, recording.path);
      expect(report.outcome).toBe('uploaded');
      expect(await isWhole(server, recording.path)).toBe(true);
      const sent = sentParts(server);
      expect(sent.filter(number => number > 1 && early.includes(number))).toEqual([]);
      expect(report.sentBytes).toBeLessThanOrEqual(3 * PART);
      const [ended] = ofType({ events }, 'live-ended');
      const changedParts = sent.includes(1) ? 1 : 0;
      expect(ended).toMatchObject({ changedParts, keptParts: early.length - changedParts });
    },
  );

  test('that is rewritten as a whole at its end is sent as a whole', async () => {
    const { server, here, recording, live } = await startLive({ make: fastStart });
    recording.record(40 * MIB);
    await live.grown();
    await live.stop();
    recording.finish();
    server.s3.resetRequests();

    const run = await upload(here, recording.path);
    expect(sentParts(server)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await isWhole(server, recording.path)).toBe(true);
    expect(ofType(run, 'live-ended')).toMatchObject([{ keptParts: 0, changedParts: 4 }]);
  });

  test('is claimed and asked for once it has the length of two parts, and not before', async () => {
    const { server, here, recording, run, live } = await startLive();
    recording.record(2 * PART - 1);
    await live.grown();
    expect(server.s3.requests()).toEqual([]);
    expect(await here.journal.recording(refOf(run.session.bucket, 'video.mkv'))).toBeUndefined();
    recording.record(1);
    await live.grown();
    expect(sentParts(server)).toEqual([1]);
    expect(await here.journal.recording(refOf(run.session.bucket, 'video.mkv'))).toMatchObject({ state: 'recording' });
    await live.stop();
    await live.grown();
    expect(sentParts(server)).toEqual([1]);
  });

  test('keeps its parts over the end of its process, at any moment', async () => {
    const server = await sandbox();
    const here = await machine(server);
    const recording = newRecording(RECORDERS.matroska);
    const first = here.run();
    const live = await openLive(first, recording.path);
    recording.record(28 * MIB);
    await live.grown();
    await here.journal.release(refOf(first.session.bucket, 'video.mkv'));

    const second = here.run();
    const again = await openLive(second, recording.path);
    recording.record(20 * MIB);
    await again.grown();
    expect(count(server, 'CreateMultipartUpload')).toBe(1);
    expect(sentParts(server)).toEqual([1, 2, 3, 4, 5]);
    expect(ofType(second, 'live-started')).toMatchObject([{ resumedParts: 2 }]);
    await again.stop();
    recording.finish();
    await upload(here, recording.path);
    expect(await isWhole(server, recording.path)).toBe(true);
  });

  test('whose earlier bytes change after the last look is uploaded with the new ones, though nothing else shows it', async () => {
    const { server, here, recording, run, live } = await startLive();
    recording.record(30 * MIB);
    await live.grown();
    // Written between the reading of part 2 and the next look, which finds no stretch to send.
    recording.file.overwrite(PART + 5, 100);
    await live.grown();
    await live.stop();
    recording.finish();
    const ref = refOf(run.session.bucket, 'video.mkv');
    const { sizeBytes, mtimeNs, inode } = await lookAt(recording.path);
    await here.journal.fileLookedAt(ref, { sizeBytes, mtimeNs, inode, live: true });
    server.s3.resetRequests();

    await upload(here, recording.path);
    expect(sentParts(server)).toEqual([2, 3, 4]);
    expect(await isWhole(server, recording.path)).toBe(true);
  });

  test.each<[string, (recording: ReturnType<typeof newRecording>) => void, string]>([
    [
      'is replaced by another file',
      ({ path }) => {
        writeSource(`${path}.new`, 40 * MIB, 9);
        renameSync(`${path}.new`, path);
      },
      'was replaced by another file',
    ],
    [
      'is truncated and written again',
      ({ file }) => {
        file.truncate();
        file.append(20 * MIB);
      },
      'has become shorter',
    ],
  ])('that %s begins again under the same upload', async (_, change, said) => {
    const { server, here, recording, run, live } = await startLive();
    recording.record(33 * MIB);
    await live.grown();
    change(recording);
    server.s3.resetRequests();
    await live.grown();
    expect(sentParts(server)).toContain(1);
    expect(ofType(run, 'warning').map(({ message }) => message)).toEqual([expect.stringContaining(said)]);
    await live.stop();
    await upload(here, recording.path);
    expect(await isWhole(server, recording.path)).toBe(true);
    expect(count(server, 'CreateMultipartUpload')).toBe(0);
  });

  test('that has come to its end, as far as two looks can tell, has its new head sent again', async () => {
    const { server, here, recording, live } = await startLive({ make: RECORDERS.matroska });
    recording.record(33 * MIB);
    await live.grown();
    server.s3.resetRequests();
    recording.finish();
    await live.grown();
    expect(sentParts(server)).toEqual([]);
    await live.grown();
    await live.grown();
    expect(sentParts(server)).toEqual([1]);
    await live.stop();
    const run = await upload(here, recording.path);
    expect(sentParts(server)).toEqual([1, 4, 5]);
    expect(ofType(run, 'live-ended')).toMatchObject([{ keptParts: 3, changedParts: 0 }]);
    expect(await isWhole(server, recording.path)).toBe(true);
  });

  test('that becomes too short for parts is sent whole, and nothing is left of its parts', async () => {
    const { server, here, recording, live } = await startLive();
    recording.record(33 * MIB);
    await live.grown();
    recording.file.truncate();
    recording.record(5 * MIB);
    await live.stop();
    await upload(here, recording.path);
    expect(await isWhole(server, recording.path)).toBe(true);
  });

  test('that outgrows its parts begins again with larger ones', async () => {
    const { server, here, recording, run, live } = await startLive({
      settings: { partSizeBytes: 5 * MIB, maxParts: 13 },
    });
    recording.record(18 * MIB);
    await live.grown();
    expect(sentParts(server)).toEqual([1, 2]);
    recording.record(12 * MIB);
    server.s3.resetRequests();
    await live.grown();
    expect(sentParts(server)).toEqual([1, 2]);
    expect(ofType(run, 'warning')).toMatchObject([{ message: expect.stringContaining('starting over') }]);
    await live.stop();
    const { report } = await upload(here, recording.path);
    expect(report.sentBytes).toBe(10 * MIB);
    expect(await isWhole(server, recording.path)).toBe(true);
  });

  test.each([
    ['given up', (live: LiveUpload) => live.giveUp('its sidecar names another id')],
    [
      'removed while it goes up',
      async (live: LiveUpload, here: Machine, path: string) => {
        rmSync(path);
        await live.grown();
        here.clock.advance(3_000);
        await live.grown();
        await live.grown();
      },
    ],
  ])('that is %s leaves nothing in the bucket and nothing in the state', async (_, end) => {
    const { server, here, recording, run, live } = await startLive();
    recording.record(33 * MIB);
    await live.grown();
    await end(live, here, recording.path);
    expect(server.s3.uploads()).toEqual([]);
    expect(ofType(run, 'live-given-up')).toHaveLength(1);
    expect(await here.journal.recording(refOf(run.session.bucket, 'video.mkv'))).toBeUndefined();
  });

  test('whose file is gone for a moment only goes on', async () => {
    const { server, here, recording, run, live } = await startLive();
    recording.record(33 * MIB);
    renameSync(recording.path, `${recording.path}.moved`);
    await live.grown();
    renameSync(`${recording.path}.moved`, recording.path);
    here.clock.advance(10_000);
    await live.grown();
    expect(sentParts(server)).toEqual([1, 2, 3]);
    expect(ofType(run, 'live-given-up')).toEqual([]);
    await live.stop();
  });

  test('of an id that the bucket has already is left to its upload, which refuses it', async () => {
    const server = await sandbox();
    const there = await machine(server);
    const other = newRecording();
    other.record(PART);
    other.finish();
    await upload(there, other.path);

    const here = await machine(server);
    const recording = newRecording();
    const run = here.run();
    const live = await openLive(run, recording.path);
    recording.record(33 * MIB);
    server.s3.resetRequests();
    await live.grown();
    expect(sentParts(server)).toEqual([]);
    expect(count(server, 'CreateMultipartUpload')).toBe(0);
    expect(ofType(run, 'live-paused')).toMatchObject([{ reason: expect.stringContaining('the bucket has another') }]);
    expect(await here.journal.recording(refOf(run.session.bucket, 'video.mkv'))).toBeUndefined();
  });

  test('whose pace is limited goes at full pace once it is stopped', async () => {
    const server = await sandbox();
    const here = await machine(server);
    const recording = newRecording();
    const run = here.run();
    const throttle = createThrottle([{ minuteOfDay: 0, bytesPerSecond: 1_000 }], here.clock);
    const live = await openLive(run, recording.path, { throttle });
    recording.record(33 * MIB);
    const looking = live.grown();
    here.clock.at(100_000, () => live.stop());
    await looking;
    expect(here.clock.elapsed()).toBeLessThan(200_000);
    expect(sentParts(server, { whole: true })).toEqual([1, 2]);
  });

  test('that another process uploads is left to it', async () => {
    const server = await sandbox();
    const here = await machine(server);
    const recording = newRecording();
    const run = here.run();
    const { bucket } = run.session;
    await here.journal.begin(bucket.target, { id: ID, dir: '/r', details: DETAILS }, { webhooks: true, now: 1 });
    const live = await openLive(run, recording.path);
    recording.record(33 * MIB);
    await live.grown();
    expect(server.s3.requests()).toEqual([]);
    expect(ofType(run, 'live-paused')).toHaveLength(1);
  });
});

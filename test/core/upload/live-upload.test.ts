import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { CoreEvent } from '../../../src/core/events.ts';
import type { RecordingId } from '../../../src/core/recording/recording.ts';
import { createThrottle, unlimited } from '../../../src/core/storage/throttle.ts';
import { type LiveSettings, type LiveUpload, liveUploads } from '../../../src/core/upload/live-upload.ts';
import { uploadRecording } from '../../../src/core/upload/upload-recording.ts';
import type { UploadRequest } from '../../../src/core/upload/upload-report.ts';
import type { Sandbox } from '../../../src/sandbox/sandbox.ts';
import {
  afterTest,
  count,
  ID,
  isStored,
  KEY,
  lookAt,
  type Machine,
  MIB,
  machine,
  type Run,
  type RunOptions,
  refOf,
  sandbox,
  sentParts,
  tempFolder,
  writeSource,
} from '../storage/support.ts';
import { fastStart, RECORDERS, RecordedFile, type Recorder } from './recorders.ts';

const PART = 8 * MIB;
const DETAILS = { title: 'A meeting', createdAt: '2026-01-02 03:04:05.000000', user: { email: 'ada@example.com' } };
const REQUEST: UploadRequest = {
  force: false,
  endpoints: [],
  region: 'us-west-1',
  publicBaseUrl: 'https://cdn.example.com',
  uploadSource: 'watch',
};

/** A recording in progress in a folder of its own. */
function newRecording(make: (file: RecordedFile) => Recorder = RECORDERS.webm) {
  const path = join(tempFolder(), 'video.mkv');
  const file = new RecordedFile(path);
  let isOpen = true;
  const close = () => {
    if (isOpen) file.close();
    isOpen = false;
  };
  afterTest(close);
  const recorder = make(file);
  return {
    path,
    file,
    record: recorder.record,
    finish() {
      recorder.finish();
      close();
    },
  };
}

async function openLive(run: Run, path: string, settings: Partial<LiveSettings> = {}): Promise<LiveUpload> {
  const video = await lookAt(path);
  const live = liveUploads(run.session, { throttle: unlimited, ...settings });
  return live.open({ id: ID, dir: dirname(path), details: DETAILS, video });
}

/** Uploads the finished recording, as any command does. */
async function upload(here: Machine, path: string, options?: RunOptions) {
  const run = here.run(options);
  const files = [await lookAt(path)];
  const recording = { id: ID, dir: dirname(path), files, skipped: [], details: DETAILS };
  const report = await uploadRecording(recording, REQUEST, run.session);
  return { ...run, report };
}

const ofType = <T extends CoreEvent['type']>({ events }: Pick<Run, 'events'>, type: T) =>
  events.filter((event): event is Extract<CoreEvent, { type: T }> => event.type === type);

async function isWhole(server: Sandbox, path: string): Promise<boolean> {
  return (await isStored(server, await lookAt(path))) && server.s3.uploads().length === 0;
}

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
    const server = await sandbox();
    const here = await machine(server);
    const recording = newRecording(fastStart);
    const live = await openLive(here.run(), recording.path);
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
    const server = await sandbox();
    const here = await machine(server);
    const recording = newRecording();
    const run = here.run();
    const live = await openLive(run, recording.path);
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
    const server = await sandbox();
    const here = await machine(server);
    const recording = newRecording();
    const run = here.run();
    const live = await openLive(run, recording.path);
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
    const server = await sandbox();
    const here = await machine(server);
    const recording = newRecording();
    const run = here.run();
    const live = await openLive(run, recording.path);
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
    const server = await sandbox();
    const here = await machine(server);
    const recording = newRecording(RECORDERS.matroska);
    const live = await openLive(here.run(), recording.path);
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
    const server = await sandbox();
    const here = await machine(server);
    const recording = newRecording();
    const live = await openLive(here.run(), recording.path);
    recording.record(33 * MIB);
    await live.grown();
    recording.file.truncate();
    recording.record(5 * MIB);
    await live.stop();
    await upload(here, recording.path);
    expect(await isWhole(server, recording.path)).toBe(true);
  });

  test('that outgrows its parts begins again with larger ones', async () => {
    const server = await sandbox();
    const here = await machine(server);
    const recording = newRecording();
    const run = here.run();
    const live = await openLive(run, recording.path, { partSizeBytes: 5 * MIB, maxParts: 13 });
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
    const server = await sandbox();
    const here = await machine(server);
    const recording = newRecording();
    const run = here.run();
    const live = await openLive(run, recording.path);
    recording.record(33 * MIB);
    await live.grown();
    await end(live, here, recording.path);
    expect(server.s3.uploads()).toEqual([]);
    expect(ofType(run, 'live-given-up')).toHaveLength(1);
    expect(await here.journal.recording(refOf(run.session.bucket, 'video.mkv'))).toBeUndefined();
  });

  test('whose file is gone for a moment only goes on', async () => {
    const server = await sandbox();
    const here = await machine(server);
    const recording = newRecording();
    const run = here.run();
    const live = await openLive(run, recording.path);
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

describe('A live upload whose store', () => {
  test('refuses waits a minute, says so once, and tries again', async () => {
    const server = await sandbox();
    const here = await machine(server);
    const recording = newRecording();
    const run = here.run({ budgetMs: 1_000 });
    const live = await openLive(run, recording.path);
    recording.record(33 * MIB);
    server.s3.deny(['UploadPart']);
    await live.grown();
    await live.grown();
    here.clock.advance(60_000);
    await live.grown();
    expect(ofType(run, 'live-paused')).toHaveLength(1);
    server.s3.deny([]);
    await live.grown();
    expect(sentParts(server, { whole: true })).toEqual([]);
    here.clock.advance(60_000);
    await live.grown();
    expect(sentParts(server, { whole: true })).toEqual([1, 2, 3]);
    await live.stop();
  });

  test('has lost the upload begins it again', async () => {
    const server = await sandbox();
    const here = await machine(server);
    const recording = newRecording();
    const run = here.run();
    const live = await openLive(run, recording.path);
    recording.record(25 * MIB);
    await live.grown();
    const { bucket, journal } = run.session;
    const { uploadId } = (await journal.openUpload(refOf(bucket, 'video.mkv')))?.upload ?? {};
    await bucket.abortUpload(KEY, uploadId ?? '', new AbortController().signal);
    recording.record(16 * MIB);
    await live.grown();
    await live.grown();
    await live.stop();
    recording.finish();
    const { report } = await upload(here, recording.path);
    expect(report.sentBytes).toBeLessThanOrEqual(2 * PART);
    expect(await isWhole(server, recording.path)).toBe(true);
  });

  test('keeps a part that was sent before the process could note it: it is taken up', async () => {
    const server = await sandbox();
    const here = await machine(server);
    const recording = newRecording();
    const run = here.run();
    const { journal } = run.session;
    run.session.journal = {
      ...journal,
      async addParts(file, parts) {
        if (parts[0]?.number === 3) throw Object.assign(new Error('killed'), { code: 'EKILLED' });
        await journal.addParts(file, parts);
      },
    };
    const live = await openLive(run, recording.path);
    recording.record(33 * MIB);
    await live.grown();
    await live.stop();
    recording.finish();
    server.s3.resetRequests();
    await upload(here, recording.path);
    expect(sentParts(server)).toEqual([4, 5]);
    expect(await isWhole(server, recording.path)).toBe(true);
  });
});

describe('At the end of a recording, the upload', () => {
  async function recorded(
    server: Sandbox,
    finish = (recording: ReturnType<typeof newRecording>) => recording.finish(),
  ) {
    const here = await machine(server);
    const recording = newRecording(RECORDERS.matroska);
    const live = await openLive(here.run(), recording.path);
    recording.record(44 * MIB);
    await live.grown();
    await live.stop();
    finish(recording);
    server.s3.resetRequests();
    return { here, path: recording.path };
  }

  test('that breaks off while parts are checked is resumed, and each part is checked again', async () => {
    const server = await sandbox();
    const { here, path } = await recorded(server);
    const broken = here.run();
    const { journal } = broken.session;
    broken.session.journal = {
      ...journal,
      async fileLookedAt() {
        throw new Error('killed');
      },
    };
    const files = [await lookAt(path)];
    const recording = { id: ID, dir: dirname(path), files, skipped: [], details: DETAILS };
    await expect(uploadRecording(recording, REQUEST, broken.session)).rejects.toThrow('killed');
    server.s3.resetRequests();
    const { report, events } = await upload(here, path);
    expect(sentParts(server)).toEqual([]);
    expect(report.outcome).toBe('uploaded');
    expect(ofType({ events }, 'live-ended')).toMatchObject([{ keptParts: 6, changedParts: 0 }]);
    expect(await isWhole(server, path)).toBe(true);
  });

  test('of a file that grows again meanwhile completes nothing; the next one keeps what is still so', async () => {
    const server = await sandbox();
    const { here, path } = await recorded(server);
    const run = here.run();
    const { journal } = run.session;
    let grew = false;
    run.session.journal = {
      ...journal,
      async addParts(file, parts) {
        await journal.addParts(file, parts);
        if (!grew) writeFileSync(path, Buffer.alloc(PART, 3), { flag: 'a' });
        grew = true;
      },
    };
    const files = [await lookAt(path)];
    const recording = { id: ID, dir: dirname(path), files, skipped: [], details: DETAILS };
    const report = await uploadRecording(recording, REQUEST, run.session);
    expect(report).toMatchObject({ outcome: 'failed', files: [{ error: { code: 'SOURCE_CHANGED' } }] });
    expect(server.s3.objects()).toEqual([]);
    server.s3.resetRequests();
    const { report: next } = await upload(here, path);
    expect(next.sentBytes).toBeLessThanOrEqual(2 * PART);
    expect(await isWhole(server, path)).toBe(true);
  });

  test.each<[string, (path: string) => { id: RecordingId; path: string }, string]>([
    ['has another id', path => ({ id: 'late' as RecordingId, path }), 'has the id late now'],
    [
      'has a video of another name',
      path => {
        const now = path.replace('.mkv', '.mp4');
        renameSync(path, now);
        return { id: ID, path: now };
      },
      'no file of this name',
    ],
  ])('of a recording that %s leaves nothing of the live one, and says so once', async (_, change, said) => {
    const server = await sandbox();
    const { here, path: before } = await recorded(server);
    const { id, path } = change(before);
    const run = here.run();
    const files = [await lookAt(path)];
    const recording = { id, dir: dirname(path), files, skipped: [], details: DETAILS };
    const report = await uploadRecording(recording, REQUEST, run.session);
    expect(report.outcome).toBe('uploaded');
    expect(server.s3.uploads()).toEqual([]);
    expect(server.s3.objects().map(({ key }) => key)).toEqual([`${id}/${basename(path)}`, `${id}/metadata.json`]);
    expect(ofType(run, 'live-given-up')).toMatchObject([{ name: 'video.mkv', reason: expect.stringContaining(said) }]);
    const { target } = run.session.bucket;
    expect(await here.journal.unfinished(target)).toEqual([]);
  });

  test('with --force sends everything again', async () => {
    const server = await sandbox();
    const { here, path } = await recorded(server);
    const files = [await lookAt(path)];
    const recording = { id: ID, dir: dirname(path), files, skipped: [], details: DETAILS };
    await uploadRecording(recording, { ...REQUEST, force: true }, here.run().session);
    expect(sentParts(server)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await isWhole(server, path)).toBe(true);
  });

  test('is recognised by another machine, by its parts', async () => {
    const server = await sandbox();
    const { here, path } = await recorded(server);
    await upload(here, path);
    const there = await machine(server);
    const { report } = await upload(there, path);
    expect(report.outcome).toBe('unchanged');
  });

  test('of a store whose ETags prove nothing checks the parts all the same', async () => {
    const server = await sandbox({ s3: { etags: 'opaque' } });
    const { here, path } = await recorded(server);
    await upload(here, path);
    expect(sentParts(server)).toEqual([1, 5, 6]);
    expect(await isWhole(server, path)).toBe(true);
  });
});

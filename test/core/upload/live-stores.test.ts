import { describe, expect, test } from '@jest/globals';
import { KEY, MIB, machine, refOf, sandbox, sentParts } from '../storage/support.ts';
import { isWhole, newRecording, ofType, openLive, PART, startLive, upload } from './live-support.ts';

describe('A live upload whose store', () => {
  test('refuses waits a minute, says so once, and tries again', async () => {
    const { server, here, recording, run, live } = await startLive({ options: { budgetMs: 1_000 } });
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
    const { server, here, recording, run, live } = await startLive();
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

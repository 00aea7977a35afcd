import { renameSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { RecordingId } from '../../../src/core/recording/recording.ts';
import { uploadRecording } from '../../../src/core/upload/upload-recording.ts';
import type { Sandbox } from '../../../src/sandbox/sandbox.ts';
import { ID, MIB, machine, sandbox, sentParts } from '../storage/support.ts';
import { finished, isWhole, newRecording, ofType, openLive, PART, REQUEST, upload } from './live-support.ts';
import { RECORDERS } from './recorders.ts';

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
    await expect(uploadRecording(await finished(path), REQUEST, broken.session)).rejects.toThrow('killed');
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
    const report = await uploadRecording(await finished(path), REQUEST, run.session);
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
    const report = await uploadRecording(await finished(path, id), REQUEST, run.session);
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
    await uploadRecording(await finished(path), { ...REQUEST, force: true }, here.run().session);
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

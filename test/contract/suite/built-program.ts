import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { buildInto } from '../../../scripts/private-build.ts';
import type { Bucket } from '../../../src/core/storage/bucket.ts';
import { digest, MIB, tempFolder } from '../../core/storage/support.ts';
import { RecordedFile } from '../../core/upload/recorders.ts';
import { type Contract, contentOf, type RunningStore, signal } from './contract.ts';
import { makeRecording, partsStored, RECORDING_BYTES, RECORDING_FILES, startProgram } from './program.ts';

/** What users run, killed in mid-upload, and against a store that is killed in mid-upload. */
export function builtProgram(contract: Contract): void {
  describe('the built program', () => {
    let bucket: Bucket;
    let store: RunningStore;
    let build: string;
    let launcher: string;
    beforeAll(async () => {
      ({ bucket, store } = contract);
      build = mkdtempSync(join(tmpdir(), 'recordupload-contract-'));
      launcher = await buildInto(build);
    });
    afterAll(() => rmSync(build, { recursive: true, force: true }));

    const common = ['--no-webhook', '--duration', '60', '--json'];
    const slowly = ['--concurrency', '2', '--bwlimit', '20M'];
    const start = (home: string, ...args: string[]) => startProgram(launcher, store, home, args);
    const expectAllOf = async (dir: string, id: string) => {
      for (const file of RECORDING_FILES) {
        expect(digest(await contentOf(bucket, `${id}/${file}`))).toBe(digest(readFileSync(join(dir, file))));
      }
      const metadata = await contentOf(bucket, `${id}/metadata.json`);
      expect(JSON.parse(metadata.toString())).toMatchObject({ recording_id: id });
      expect(await bucket.listUploads(`${id}/video.mkv`, signal)).toEqual([]);
    };

    test('is killed in mid-upload, and goes on where it was', async () => {
      const home = tempFolder();
      const dir = makeRecording('killed');
      const first = start(home, 'upload', dir, ...common, ...slowly);
      await partsStored(bucket, 'killed/video.mkv', 1);
      first.child.kill('SIGKILL');
      expect((await first.ended).code).toBeNull();

      const second = await start(home, 'retry', '--json').ended;
      expect(second).toMatchObject({ code: 0, errors: '' });
      const [upload] = JSON.parse(second.output).result.uploads;
      expect(upload.outcome).toBe('uploaded');
      expect(upload.sentBytes).toBeLessThanOrEqual(RECORDING_BYTES - 8 * MIB);
      await expectAllOf(dir, 'killed');

      const third = await start(home, 'upload', dir, ...common).ended;
      expect(JSON.parse(third.output).result.recordings[0]).toMatchObject({ outcome: 'unchanged', sentBytes: 0 });
    });

    test('sends a recording while it is recorded, is killed, and goes on where it was', async () => {
      const home = tempFolder();
      const root = join(home, 'recordings');
      const dir = join(root, 'live');
      mkdirSync(dir, { recursive: true });
      const file = new RecordedFile(join(dir, 'video.mkv'));
      const first = start(home, 'watch', root);
      try {
        // Only what grows before the worker's eyes goes up.
        while ((await bucket.listUploads('live/video.mkv', signal)).length === 0) {
          file.append(2 * MIB);
          await sleep(100);
        }
        file.append(16 * MIB);
        await partsStored(bucket, 'live/video.mkv', 2);
        expect(await bucket.head('live/video.mkv', signal)).toBeUndefined();
        first.child.kill('SIGKILL');
        await first.ended;
        file.append(9 * MIB);
        file.overwrite(0, 4_096);
      } finally {
        file.close();
        first.child.kill('SIGKILL');
      }
      const second = start(home, 'watch', root);
      while (!(await bucket.head('live/metadata.json', signal))) await sleep(100);
      second.child.kill('SIGTERM');
      expect(await second.ended).toMatchObject({ code: 0, errors: expect.stringContaining('live upload ended') });
      const sent = digest(await contentOf(bucket, 'live/video.mkv'));
      expect(sent).toBe(digest(readFileSync(join(dir, 'video.mkv'))));
      expect(await bucket.listUploads('live/video.mkv', signal)).toEqual([]);
    });

    if (!contract.does.keepsOverRestarts) return;
    test('outlives a store that is killed in mid-upload and comes back', async () => {
      const home = tempFolder();
      const dir = makeRecording('outlived');
      const upload = start(home, 'upload', dir, ...common, ...slowly);
      await partsStored(bucket, 'outlived/video.mkv', 1);
      await store.restart();
      const { code, output } = await upload.ended;
      expect(code).toBe(0);
      expect(JSON.parse(output).result.recordings[0]).toMatchObject({ outcome: 'uploaded' });
      await expectAllOf(dir, 'outlived');
    });
  });
}

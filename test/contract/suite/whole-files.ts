import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { RecordingFile } from '../../../src/core/recording/recording.ts';
import type { Bucket } from '../../../src/core/storage/bucket.ts';
import { StorageFailure } from '../../../src/core/storage/failure.ts';
import {
  abortAfterParts,
  breakOff,
  digest,
  failure,
  KEY,
  MIB,
  machine,
  makeSource,
  type Run,
  THREE_PARTS,
} from '../../core/storage/support.ts';
import { anHourLater, type Contract, contentOf, type RunningStore, signal } from './contract.ts';

/** The upload engine: files arrive once, whatever breaks. */
export function wholeFiles(contract: Contract): void {
  describe('whole files', () => {
    let bucket: Bucket;
    let store: RunningStore;
    beforeAll(() => {
      ({ bucket, store } = contract);
    });
    const isThere = async (file: RecordingFile) =>
      digest(await contentOf(bucket, KEY)) === digest(readFileSync(file.path));
    // By the whole key: some stores find none by its beginning.
    const noUploads = async () => expect(await bucket.listUploads(KEY, signal)).toEqual([]);
    const lose = (run: Run, call: 'createUpload' | 'completeUpload') => {
      const real = run.session.bucket;
      let lost = false;
      const losing = async (...args: never[]) => {
        const answer = await (real[call] as (...args: never[]) => Promise<unknown>)(...args);
        if (lost) return answer;
        lost = true;
        throw new StorageFailure('the answer was lost', {
          kind: 'transient',
          status: undefined,
          reason: 'ECONNRESET',
        });
      };
      run.session.bucket = { ...real, [call]: losing };
    };

    test.each([0, 1, 100_000, 8 * MIB, 8 * MIB + 1, THREE_PARTS])('of %d bytes arrive, and only once', async size => {
      const file = await makeSource(size, size);
      expect(await (await machine(store)).run().upload(file)).toMatchObject({ outcome: 'uploaded', sentBytes: size });
      expect(await isThere(file)).toBe(true);
      expect(await (await machine(store)).run().upload(file)).toMatchObject({ outcome: 'unchanged', sentBytes: 0 });
      await noUploads();
    });

    test('are gone on with where they were broken off', async () => {
      const here = await machine(store);
      const file = await makeSource(25 * MIB, 11);
      await breakOff(here, file, 2);
      expect(await here.run().upload(file)).toMatchObject({ sentBytes: 9 * MIB });
      expect(await isThere(file)).toBe(true);
      await noUploads();
    });

    test('are gone on with where the state is lost', async () => {
      const file = await makeSource(25 * MIB, 12);
      await breakOff(await machine(store), file, 2);
      expect(await anHourLater((await machine(store)).run()).upload(file)).toMatchObject({ sentBytes: 9 * MIB });
      expect(await isThere(file)).toBe(true);
      await noUploads();
    });

    test('survive a Complete whose answer is lost', async () => {
      const file = await makeSource(THREE_PARTS, 13);
      const run = (await machine(store)).run();
      lose(run, 'completeUpload');
      expect(await run.upload(file)).toMatchObject({ sentBytes: THREE_PARTS });
      expect(await isThere(file)).toBe(true);
      await noUploads();
    });

    test('survive a Create whose answer is lost, without a second upload', async () => {
      const file = await makeSource(THREE_PARTS, 14);
      const run = (await machine(store)).run();
      lose(run, 'createUpload');
      expect(await run.upload(file)).toMatchObject({ sentBytes: THREE_PARTS });
      expect(await isThere(file)).toBe(true);
      await noUploads();
    });

    test('survive that their upload is removed', async () => {
      const here = await machine(store);
      const file = await makeSource(THREE_PARTS, 15);
      await breakOff(here, file, 2);
      const listed = await bucket.listUploads(KEY, signal);
      expect(listed).toHaveLength(1);
      for (const { key, uploadId } of listed) await bucket.abortUpload(key, uploadId, signal);
      expect(await here.run().upload(file)).toMatchObject({ sentBytes: THREE_PARTS });
      expect(await isThere(file)).toBe(true);
      await noUploads();
    });

    test('survive that their upload is removed just before Complete', async () => {
      const file = await makeSource(THREE_PARTS, 19);
      const run = (await machine(store)).run();
      const real = run.session.bucket;
      let removed = false;
      run.session.bucket = {
        ...real,
        async completeUpload(key, uploadId, ...call) {
          if (!removed) await real.abortUpload(key, uploadId, signal);
          removed = true;
          await real.completeUpload(key, uploadId, ...call);
        },
      };
      expect(await run.upload(file)).toMatchObject({ outcome: 'uploaded' });
      expect(await isThere(file)).toBe(true);
      await noUploads();
    });

    test('survive that the process dies between Complete and its own note of it', async () => {
      const here = await machine(store);
      const file = await makeSource(THREE_PARTS, 16);
      const run = here.run();
      run.session.journal = {
        ...run.session.journal,
        async fileUploaded() {
          throw new Error('killed');
        },
      };
      await expect(run.upload(file)).rejects.toThrow('killed');
      expect(await here.run().upload(file)).toMatchObject({ sentBytes: 0 });
      expect(await isThere(file)).toBe(true);
      await noUploads();
    });

    test('that changed meanwhile leave nothing of the old upload', async () => {
      const here = await machine(store);
      const file = await makeSource(THREE_PARTS, 17);
      const run = here.run();
      abortAfterParts(run, 1);
      await failure(run.upload(file));
      const now = await makeSource(THREE_PARTS + 5, 18);
      expect(await here.run().upload(now)).toMatchObject({ sentBytes: now.sizeBytes });
      expect(await isThere(now)).toBe(true);
      await noUploads();
    });
  });
}

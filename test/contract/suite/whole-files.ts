import { readFileSync } from 'node:fs';
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { RecordingFile } from '../../../src/core/recording/recording.ts';
import type { Bucket } from '../../../src/core/storage/bucket.ts';
import { StorageFailure } from '../../../src/core/storage/failure.ts';
import { abortAbandonedUploads, findAbandonedUploads } from '../../../src/core/upload/clean-up-uploads.ts';
import {
  abortAfterParts,
  breakOff,
  digest,
  failure,
  ID,
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
  const { does } = contract;
  describe('whole files', () => {
    let bucket: Bucket;
    let store: RunningStore;
    beforeAll(() => {
      ({ bucket, store } = contract);
    });
    // Every test is about a recording of its own, which nobody else has uploaded.
    beforeEach(() => bucket.delete(KEY, signal));
    const isThere = async (file: RecordingFile) =>
      digest(await contentOf(bucket, KEY)) === digest(readFileSync(file.path));
    // By the whole key: some stores find none by its beginning.
    const noUploads = async () => expect(await bucket.listUploads(KEY, signal)).toEqual([]);
    const lose = (run: Run, call: 'createUpload' | 'completeUpload', times = 1) => {
      const real = run.session.bucket;
      let lost = 0;
      const losing = async (...args: never[]) => {
        const answer = await (real[call] as (...args: never[]) => Promise<unknown>)(...args);
        if (lost === times) return answer;
        lost++;
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

    test('survive Creates whose answers are lost before the store shows them, and leave no upload', async () => {
      const file = await makeSource(THREE_PARTS, 20);
      const run = (await machine(store)).run();
      lose(run, 'createUpload', 2);
      const real = run.session.bucket;
      let looks = 0;
      run.session.bucket = {
        ...real,
        listUploads: async (...call) => (++looks <= 3 ? [] : await real.listUploads(...call)),
      };
      expect(await run.upload(file)).toMatchObject({ sentBytes: THREE_PARTS });
      expect(looks).toBeGreaterThan(3);
      expect(await isThere(file)).toBe(true);
      if (does.datesUploads) return await noUploads();
      for (const { key, uploadId } of await bucket.listUploads(KEY, signal))
        await bucket.abortUpload(key, uploadId, signal);
    });

    test('of another machine are not replaced, whether they are in one piece or in parts', async () => {
      for (const size of [1000, THREE_PARTS]) {
        await bucket.delete(KEY, signal);
        const theirs = await makeSource(size, 21);
        await (await machine(store)).run().upload(theirs);
        const ours = await makeSource(size, 22);
        expect(await failure((await machine(store)).run().upload(ours))).toMatchObject({ code: 'RECORDING' });
        // Both have looked before one of them has stored its file.
        const racing = (await machine(store)).run().upload(ours, { mayBeThere: async () => false });
        const isHeld = size > 8 * MIB ? does.conditionalComplete : does.conditionalPut;
        if (isHeld) expect(await failure(racing)).toMatchObject({ code: 'RECORDING' });
        else await racing;
        expect(await isThere(isHeld ? theirs : ours)).toBe(true);
        await noUploads();
      }
    });

    test('that are left behind are found by cleanup, and removed', async () => {
      const here = await machine(store);
      const file = await makeSource(THREE_PARTS, 23);
      await breakOff(here, file, 1);
      const { session } = here.run();
      const { bucket: own } = session;
      await here.journal.dropUpload({ target: own.target, recordingId: ID, name: file.name });
      const deps = { bucket: own, journal: here.journal, now: Date.now, signal };
      const uploads = await findAbandonedUploads({ olderThanMs: -60_000, elsewhere: false }, deps);
      expect(uploads).toMatchObject([{ key: KEY, parts: 1, begun: 'here' }]);
      await abortAbandonedUploads(uploads, deps);
      await noUploads();
      expect(await findAbandonedUploads({ olderThanMs: -60_000, elsewhere: false }, deps)).toEqual([]);
      expect(await here.journal.begunUploads(own.target)).toEqual([]);
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

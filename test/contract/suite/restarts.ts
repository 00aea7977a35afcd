import { readFileSync } from 'node:fs';
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { openBucket } from '../../../src/core/storage/s3/s3-bucket.ts';
import { breakOff, bucketSettings, digest, KEY, MIB, machine, makeSource } from '../../core/storage/support.ts';
import { anHourLater, body, type Contract, contentOf, type RunningStore, SETTINGS, signal } from './contract.ts';

/** What is left in the store after it was killed and started again; defined for stores that keep anything. */
export function restarts(contract: Contract): void {
  const { does } = contract;
  describe('a restart of the store', () => {
    let store: RunningStore;
    beforeAll(() => {
      store = contract.store;
    });
    beforeEach(() => contract.bucket.delete(KEY, signal));

    test('leaves objects, open uploads and their parts', async () => {
      const [object, key] = [contract.freshKey('thumbnail.jpg'), contract.freshKey()];
      const before = openBucket(bucketSettings(store));
      await before.put(object, body(Buffer.from('kept')), SETTINGS, signal);
      const { uploadId } = await before.createUpload(key, SETTINGS, signal);
      const { etag } = await before.uploadPart(key, uploadId, 1, body(Buffer.from('part')), signal);
      before.close();
      await store.restart();

      const bucket = openBucket(bucketSettings(store));
      expect((await contentOf(bucket, object)).toString()).toBe('kept');
      const parts = [{ number: 1, etag }];
      expect((await bucket.listParts(key, uploadId, signal)).parts).toMatchObject(parts);
      expect(await bucket.listUploads(key, signal)).toMatchObject([{ key, uploadId }]);
      const all = await bucket.listUploads('', signal);
      expect(all.some(upload => upload.uploadId === uploadId)).toBe(does.listsUploadsByPrefix);
      await bucket.completeUpload(key, uploadId, parts, {}, signal);
      expect((await contentOf(bucket, key)).toString()).toBe('part');
      bucket.close();
    });

    test('does not cost an upload that was broken off what it has sent', async () => {
      const here = await machine(store);
      const file = await makeSource(25 * MIB, 31);
      await breakOff(here, file, 2);
      await store.restart();
      expect(await here.run().upload(file)).toMatchObject({ sentBytes: 9 * MIB });
      expect(digest(await contentOf(contract.bucket, KEY))).toBe(digest(readFileSync(file.path)));
      expect(await contract.bucket.listUploads(KEY, signal)).toEqual([]);
    });

    test('does not hide such an upload from a machine that has lost its state', async () => {
      const file = await makeSource(25 * MIB, 32);
      await breakOff(await machine(store), file, 2);
      await store.restart();
      expect(await anHourLater((await machine(store)).run()).upload(file)).toMatchObject({ sentBytes: 9 * MIB });
      expect(digest(await contentOf(contract.bucket, KEY))).toBe(digest(readFileSync(file.path)));
      expect(await contract.bucket.listUploads(KEY, signal)).toEqual([]);
    });
  });
}

import { beforeAll, describe, expect, test } from '@jest/globals';
import type { Bucket } from '../../../src/core/storage/bucket.ts';
import { compositeEtag } from '../../../src/core/storage/checksum.ts';
import {
  body,
  type Contract,
  contentOf,
  inParallel,
  md5,
  refusal,
  SETTINGS,
  signal,
  WRONG_DIGEST,
} from './contract.ts';

/** Whole objects: what is put comes back, under any name. */
export function objects(contract: Contract): void {
  const { does } = contract;
  describe('objects', () => {
    let bucket: Bucket;
    beforeAll(() => {
      bucket = contract.bucket;
    });
    test('come back as they were put, with type, metadata and MD5', async () => {
      const key = contract.freshKey();
      const bytes = Buffer.from('Ada: shall we begin?\n');
      const metadata = { 'recordupload-token': 'a-token', other: 'x=1:2 y=3:4' };
      const { etag } = await bucket.put(key, body(bytes), { ...SETTINGS, metadata }, signal);
      expect(etag).toBe(md5(bytes));
      const head = await bucket.head(key, signal);
      expect(head).toMatchObject({ sizeBytes: bytes.length, etag, contentType: SETTINGS.contentType, metadata });
      expect(Math.abs((head?.lastModified?.getTime() ?? 0) - Date.now())).toBeLessThan(60_000);
      expect(await contentOf(bucket, key)).toEqual(bytes);
    });

    test('may be empty', async () => {
      const key = contract.freshKey();
      const { etag } = await bucket.put(key, body(Buffer.alloc(0)), SETTINGS, signal);
      expect(await bucket.head(key, signal)).toMatchObject({ sizeBytes: 0, etag });
      expect(await contentOf(bucket, key)).toEqual(Buffer.alloc(0));
    });

    test('are replaced by a later put', async () => {
      const key = contract.freshKey();
      await bucket.put(key, body(Buffer.from('one')), { ...SETTINGS, metadata: { a: '1' } }, signal);
      await bucket.put(key, body(Buffer.from('three')), { ...SETTINGS, metadata: { b: '2' } }, signal);
      expect((await bucket.head(key, signal))?.metadata).toEqual({ b: '2' });
      expect((await contentOf(bucket, key)).toString()).toBe('three');
    });

    test('that are not there are undefined, not errors; deleting them is none either', async () => {
      const key = contract.freshKey();
      expect(await bucket.head(key, signal)).toBeUndefined();
      expect(await bucket.get(key, signal)).toBeUndefined();
      await bucket.delete(key, signal);
    });

    test('that are deleted are gone', async () => {
      const key = contract.freshKey();
      await bucket.put(key, body(Buffer.from('x')), SETTINGS, signal);
      await bucket.delete(key, signal);
      expect(await bucket.head(key, signal)).toBeUndefined();
    });

    test(`whose bytes are not those of the signed digest are ${does.checksSignatures ? 'refused' : 'taken'}`, async () => {
      const key = contract.freshKey();
      const sending = bucket.put(
        key,
        body(Buffer.from('what was sent!'), Buffer.from('what was meant')),
        SETTINGS,
        signal,
      );
      if (does.checksSignatures) expect(await refusal(sending)).toEqual(WRONG_DIGEST);
      else await sending;
      expect((await bucket.head(key, signal)) !== undefined).toBe(!does.checksSignatures);
    });

    test.each([
      'with a blank.txt',
      'a#b?c.txt',
      '100%.txt',
      '%41.txt',
      'größe.txt',
      'gro\u0308ße.txt',
      '🎥 meeting.mkv',
      'plus+and&amp;.txt',
      'quote"s and \'s.txt',
      'semi;colon, (1)*!~=@$:[]{}|^`<>.txt',
      'back\\slash.txt',
      'ends with a blank ',
      '日本語.vtt',
    ])('may be called %j', async file => {
      const key = contract.freshKey(file);
      const bytes = Buffer.from(file);
      await bucket.put(key, body(bytes), SETTINGS, signal);
      expect(await bucket.head(key, signal)).toMatchObject({ sizeBytes: bytes.length });
      expect(await contentOf(bucket, key)).toEqual(bytes);
      const listed = await bucket.list(key.slice(0, key.indexOf('/') + 1), {}, signal);
      expect(listed.map(object => object.key)).toEqual([key]);

      const { uploadId } = await bucket.createUpload(key, SETTINGS, signal);
      const part = await bucket.uploadPart(key, uploadId, 1, body(bytes), signal);
      expect((await bucket.listUploads(key, signal)).map(upload => [upload.key, upload.uploadId])).toEqual([
        [key, uploadId],
      ]);
      await bucket.completeUpload(key, uploadId, [{ number: 1, etag: part.etag }], {}, signal);
      expect((await bucket.head(key, signal))?.etag).toBe(compositeEtag([md5(bytes)]));
      await bucket.delete(key, signal);
      expect(await bucket.head(key, signal)).toBeUndefined();
    });

    test('are listed by prefix, in the order of their bytes, over more than one page', async () => {
      const prefix = contract.freshKey('');
      await inParallel(1005, index => bucket.put(`${prefix}${index}`, body(Buffer.from(`${index}`)), SETTINGS, signal));
      const listed = await bucket.list(prefix, {}, signal);
      expect(listed.map(object => object.key)).toEqual(
        Array.from({ length: 1005 }, (_, index) => `${prefix}${index}`).sort(),
      );
      expect(listed[0]).toMatchObject({ sizeBytes: 1, lastModified: expect.any(Date) });
    });
  });
}

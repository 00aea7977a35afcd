import { beforeAll, describe, expect, test } from '@jest/globals';
import type { Bucket } from '../../../src/core/storage/bucket.ts';
import { compositeEtag } from '../../../src/core/storage/checksum.ts';
import { digest, MIB } from '../../core/storage/support.ts';
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

/** Multipart uploads, call by call. */
export function uploads(contract: Contract): void {
  const { does } = contract;
  describe('uploads in parts', () => {
    let bucket: Bucket;
    beforeAll(() => {
      bucket = contract.bucket;
    });
    test('become one object with the metadata of their beginning', async () => {
      const key = contract.freshKey();
      const metadata = { 'recordupload-token': 'a-token' };
      const { uploadId } = await bucket.createUpload(key, { contentType: 'video/x-matroska', metadata }, signal);
      const contents = [Buffer.alloc(5 * MIB, 1), Buffer.alloc(5 * MIB, 2), Buffer.alloc(100, 3)];
      const parts: { number: number; etag: string }[] = [];
      for (const number of [3, 1, 2]) {
        const { etag } = await bucket.uploadPart(key, uploadId, number, body(contents[number - 1]!), signal);
        expect(etag).toBe(md5(contents[number - 1]!));
        parts.push({ number, etag });
      }
      parts.sort((a, b) => a.number - b.number);
      expect(await bucket.head(key, signal)).toBeUndefined();

      const listed = await bucket.listParts(key, uploadId, signal);
      expect(listed.parts).toEqual(
        parts.map(part => ({
          ...part,
          sizeBytes: contents[part.number - 1]?.length,
          lastModified: expect.any(Date),
        })),
      );
      expect(Math.abs(listed.serverTime.getTime() - Date.now())).toBeLessThan(60_000);

      await bucket.completeUpload(key, uploadId, parts, {}, signal);
      expect(await bucket.head(key, signal)).toMatchObject({
        sizeBytes: 10 * MIB + 100,
        etag: compositeEtag(parts.map(part => part.etag)),
        contentType: 'video/x-matroska',
        metadata,
      });
      expect(digest(await contentOf(bucket, key))).toBe(digest(Buffer.concat(contents)));
      expect(await bucket.listUploads(key, signal)).toEqual([]);
    });

    test('take a part again: the last one counts', async () => {
      const key = contract.freshKey();
      const { uploadId } = await bucket.createUpload(key, SETTINGS, signal);
      await bucket.uploadPart(key, uploadId, 1, body(Buffer.from('first')), signal);
      const { etag } = await bucket.uploadPart(key, uploadId, 1, body(Buffer.from('second')), signal);
      expect((await bucket.listParts(key, uploadId, signal)).parts).toMatchObject([{ number: 1, etag, sizeBytes: 6 }]);
      await bucket.completeUpload(key, uploadId, [{ number: 1, etag }], {}, signal);
      expect((await contentOf(bucket, key)).toString()).toBe('second');
    });

    test(`${does.checksSignatures ? 'refuse' : 'take'} a part whose bytes are not those of the signed digest`, async () => {
      const key = contract.freshKey();
      const { uploadId } = await bucket.createUpload(key, SETTINGS, signal);
      const sent = body(Buffer.from('what was sent!'), Buffer.from('what was meant'));
      const sending = bucket.uploadPart(key, uploadId, 1, sent, signal);
      if (does.checksSignatures) expect(await refusal(sending)).toEqual(WRONG_DIGEST);
      else await sending;
      expect((await bucket.listParts(key, uploadId, signal)).parts).toHaveLength(does.checksSignatures ? 0 : 1);
      await bucket.abortUpload(key, uploadId, signal);
    });

    test('are not completed with a part that is not there, or another one', async () => {
      const key = contract.freshKey();
      const { uploadId } = await bucket.createUpload(key, SETTINGS, signal);
      const { etag } = await bucket.uploadPart(key, uploadId, 1, body(Buffer.from('x')), signal);
      const other = md5(Buffer.from('y'));
      for (const parts of [
        [{ number: 1, etag: other }],
        [
          { number: 1, etag },
          { number: 2, etag: other },
        ],
      ]) {
        expect(await refusal(bucket.completeUpload(key, uploadId, parts, {}, signal))).toEqual({
          kind: 'refused',
          status: 400,
          reason: 'InvalidPart',
        });
      }
      await bucket.completeUpload(key, uploadId, [{ number: 1, etag }], {}, signal);
    });

    test('are not completed with small parts in the middle', async () => {
      const key = contract.freshKey();
      const { uploadId } = await bucket.createUpload(key, SETTINGS, signal);
      const parts = [];
      for (const number of [1, 2]) {
        const { etag } = await bucket.uploadPart(key, uploadId, number, body(Buffer.from('x')), signal);
        parts.push({ number, etag });
      }
      expect(await refusal(bucket.completeUpload(key, uploadId, parts, {}, signal))).toEqual({
        kind: 'refused',
        status: 400,
        reason: 'EntityTooSmall',
      });
      await bucket.abortUpload(key, uploadId, signal);
    });

    test.each(['aborted', 'completed'])('that are %s are gone', async end => {
      const key = contract.freshKey();
      const { uploadId } = await bucket.createUpload(key, SETTINGS, signal);
      const { etag } = await bucket.uploadPart(key, uploadId, 1, body(Buffer.from('x')), signal);
      const parts = [{ number: 1, etag }];
      if (end === 'aborted') await bucket.abortUpload(key, uploadId, signal);
      else await bucket.completeUpload(key, uploadId, parts, {}, signal);

      // Some stores say NoSuchKey, as if the upload were an object.
      const gone = { kind: 'missing', status: 404, reason: expect.stringMatching(/^NoSuch(Upload|Key)$/) };
      expect(await refusal(bucket.listParts(key, uploadId, signal))).toEqual(gone);
      expect(await refusal(bucket.uploadPart(key, uploadId, 2, body(Buffer.from('y')), signal))).toEqual(
        does.partOfGoneUpload === 'missing' ? gone : expect.objectContaining({ kind: 'transient', status: 500 }),
      );
      if (does.abortOfGoneUpload === 'accepted') await bucket.abortUpload(key, uploadId, signal);
      else expect(await refusal(bucket.abortUpload(key, uploadId, signal))).toEqual(gone);
      expect(await bucket.listUploads(key, signal)).toEqual([]);
      expect((await bucket.head(key, signal))?.sizeBytes).toBe(end === 'aborted' ? undefined : 1);
    });

    test('that are aborted cannot be completed', async () => {
      const key = contract.freshKey();
      const { uploadId } = await bucket.createUpload(key, SETTINGS, signal);
      const { etag } = await bucket.uploadPart(key, uploadId, 1, body(Buffer.from('x')), signal);
      await bucket.abortUpload(key, uploadId, signal);
      const { status } = await refusal(bucket.completeUpload(key, uploadId, [{ number: 1, etag }], {}, signal));
      expect(status).toBe(does.completeOfAbortedUpload);
      expect(await bucket.head(key, signal)).toBeUndefined();
    });

    test('of one key stand side by side', async () => {
      const key = contract.freshKey();
      const ids = [];
      for (let index = 0; index < 3; index++) ids.push((await bucket.createUpload(key, SETTINGS, signal)).uploadId);
      const listed = await bucket.listUploads(key, signal);
      expect(listed.map(upload => upload.uploadId).sort()).toEqual(ids.sort());
      expect(listed[0]?.initiated).toBeInstanceOf(Date);
      for (const uploadId of ids) await bucket.abortUpload(key, uploadId, signal);
    });

    test('have their parts listed over more than one page', async () => {
      const key = contract.freshKey();
      const { uploadId } = await bucket.createUpload(key, SETTINGS, signal);
      await inParallel(1005, index => bucket.uploadPart(key, uploadId, index + 1, body(Buffer.from('x')), signal));
      const { parts } = await bucket.listParts(key, uploadId, signal);
      expect(parts.map(part => part.number)).toEqual(Array.from({ length: 1005 }, (_, index) => index + 1));
      await bucket.abortUpload(key, uploadId, signal);
    });

    test('are listed over more than one page', async () => {
      const prefix = contract.freshKey('');
      const keyOf = (index: number) => (does.listsUploadsByPrefix ? `${prefix}${index % 500}` : `${prefix}video.mkv`);
      await inParallel(1005, index => bucket.createUpload(keyOf(index), SETTINGS, signal));
      const byPrefix = await bucket.listUploads(prefix, signal);
      const listed = does.listsUploadsByPrefix ? byPrefix : await bucket.listUploads(keyOf(0), signal);
      expect(new Set(listed.map(upload => upload.uploadId)).size).toBe(1005);
      expect(listed).toHaveLength(1005);
      expect(byPrefix).toEqual(does.listsUploadsByPrefix ? listed : []);
    });
  });
}

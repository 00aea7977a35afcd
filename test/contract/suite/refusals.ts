import { beforeAll, describe, expect, test } from '@jest/globals';
import type { Bucket } from '../../../src/core/storage/bucket.ts';
import { openBucket } from '../../../src/core/storage/s3/s3-bucket.ts';
import { bucketSettings, failure } from '../../core/storage/support.ts';
import { body, type Contract, type RunningStore, refusal, SETTINGS, signal } from './contract.ts';

/** How the store says no, and what the tool makes of it. */
export function refusals(contract: Contract): void {
  const { does } = contract;
  describe('refusals', () => {
    let store: RunningStore;
    beforeAll(() => {
      store = contract.store;
    });
    const settings = (more: Partial<ReturnType<typeof bucketSettings>>) => openBucket(bucketSettings(store, more));
    const put = (other: Bucket) => other.put('a', body(Buffer.from('x')), SETTINGS, signal);
    const refusedPut = (more: Parameters<typeof settings>[0]) => {
      const other = settings(more);
      return failure(put(other)).finally(other.close);
    };

    test('of a bucket that is not there name what to check', async () => {
      expect(await refusedPut({ bucket: 'no-such-bucket' })).toMatchObject({
        status: 404,
        reason: 'NoSuchBucket',
        kind: 'refused',
        hint: expect.stringMatching(/bucket/),
      });
      const other = settings({ bucket: 'no-such-bucket' });
      expect(await other.head('a', signal)).toBeUndefined();
      expect(await refusal(other.get('a', signal))).toMatchObject({ reason: 'NoSuchBucket' });
      expect(await refusal(other.createUpload('a', SETTINGS, signal))).toMatchObject({ reason: 'NoSuchBucket' });
      expect(await refusal(other.listUploads('a', signal))).toMatchObject({ reason: 'NoSuchBucket' });
      expect(await refusal(other.list('a', {}, signal))).toMatchObject({ reason: 'NoSuchBucket' });
      other.close();
    });

    test(`${does.checksRegion ? 'come' : 'do not come'} for another region, and name what to check`, async () => {
      const other = settings({ region: 'eu-west-3' });
      if (does.checksRegion) {
        const hint = expect.stringMatching(/set region to us-west-1/);
        const named = { reason: 'AuthorizationHeaderMalformed', kind: 'refused', hint };
        expect(await failure(put(other))).toMatchObject(named);
        // Without a body there is no reason: what follows it has one.
        expect(await failure(other.head('a', signal))).toMatchObject({ status: 400, ...named });
      } else {
        await put(other);
        expect(await other.head('a', signal)).toMatchObject({ sizeBytes: 1 });
      }
      other.close();
    });

    if (!does.checksSignatures) {
      test('do not come for wrong keys', async () => {
        const other = settings({ credentials: { accessKeyId: 'NOBODY', secretAccessKey: 'wrong' } });
        await put(other);
        expect(await other.head('a', signal)).toMatchObject({ sizeBytes: 1 });
        other.close();
      });
      return;
    }

    test('of an unknown access key name what to check', async () => {
      const credentials = { accessKeyId: 'NOBODY', secretAccessKey: store.s3.secretAccessKey };
      expect(await refusedPut({ credentials })).toMatchObject({
        status: 403,
        reason: 'InvalidAccessKeyId',
        kind: 'refused',
        hint: expect.stringMatching(/accessKeyId/),
      });
    });

    test('of a wrong secret name what to check', async () => {
      const credentials = { accessKeyId: store.s3.accessKeyId, secretAccessKey: 'wrong' };
      expect(await refusedPut({ credentials })).toMatchObject({
        status: 403,
        reason: 'SignatureDoesNotMatch',
        kind: 'refused',
        hint: expect.stringMatching(/secretAccessKey/),
      });
    });

    test('of a HEAD get their reason from a GET that follows', async () => {
      const other = settings({ credentials: { accessKeyId: 'NOBODY', secretAccessKey: 'x' } });
      expect(await refusal(other.head('a', signal))).toMatchObject({
        status: 403,
        kind: 'refused',
        reason: 'InvalidAccessKeyId',
      });
      other.close();
    });
  });
}

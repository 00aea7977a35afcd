import { createHash } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { bufferBody } from '../../../../src/core/storage/body.ts';
import { openBucket } from '../../../../src/core/storage/s3/s3-bucket.ts';
import { unlimited } from '../../../../src/core/storage/throttle.ts';
import type { FaultAction } from '../../../../src/sandbox/sandbox.ts';
import { afterTest, bucketSettings, failure, sandbox } from '../support.ts';

const { signal } = new AbortController();
const BYTES = Buffer.from('some bytes that are to come back');

async function stored(action?: FaultAction) {
  const server = await sandbox();
  const bucket = openBucket(bucketSettings(server, { stallMs: action?.dripMs ? 1_500 : undefined }));
  afterTest(() => bucket.close());
  const body = bufferBody(BYTES, createHash('sha256').update(BYTES).digest(), { throttle: unlimited });
  await bucket.put('a', body, { contentType: 'text/plain', metadata: {} }, signal);
  if (action) server.faults.add({ server: 's3', operation: 'GetObject', action });
  const object = await bucket.get('a', signal);
  return Array.fromAsync(object?.stream ?? []);
}

test('An object that is read back comes as it is', async () => {
  expect(Buffer.concat(await stored())).toEqual(BYTES);
});

test.each<[string, FaultAction]>([
  ['breaks off', { truncateTo: 7 }],
  ['stalls', { dripMs: 60_000 }],
])('An object whose reading %s in mid-body is told as a failure that may pass', async (_, action) => {
  expect(await failure(stored(action))).toMatchObject({ code: 'STORAGE', kind: 'transient' });
});

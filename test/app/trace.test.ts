import { expect, test } from '@jest/globals';
import { type TracedRequest, traceBucket } from '../../src/app/observers/trace.ts';
import type { Bucket } from '../../src/core/storage/bucket.ts';
import { StorageFailure } from '../../src/core/storage/failure.ts';

const METHODS = [
  ...['head', 'put', 'get', 'delete', 'list'],
  ...['createUpload', 'uploadPart', 'listParts', 'listUploads', 'completeUpload', 'abortUpload'],
];
const refused = new StorageFailure('the store answered 403', { kind: 'refused', status: 403, reason: 'AccessDenied' });

/** A bucket of which every method does the same. */
function bucketThat(answers: () => Promise<unknown>): Bucket {
  const methods = METHODS.map(name => [name, answers]);
  return { name: 'b', target: 't', close() {}, ...Object.fromEntries(methods) };
}

async function traced(bucket: Bucket, call: (bucket: Bucket) => Promise<unknown>): Promise<TracedRequest[]> {
  const requests: TracedRequest[] = [];
  await call(traceBucket(bucket, request => requests.push(request))).catch(() => {});
  return requests;
}

const { signal } = new AbortController();

test.each(METHODS)('%s is traced, whether it succeeds or fails', async name => {
  const call = (bucket: Bucket) =>
    (bucket as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>)[name]!('3/a', 'u', 7, signal);
  const target = name === 'uploadPart' ? '3/a part 7' : '3/a';
  expect(
    await traced(
      bucketThat(async () => ({})),
      call,
    ),
  ).toMatchObject([{ target, ok: true, detail: 'ok' }]);
  const failing = bucketThat(() => Promise.reject(refused));
  expect(await traced(failing, call)).toMatchObject([{ target, ok: false, detail: 'the store answered 403' }]);
});

test('an object that is not there is said so', async () => {
  const requests = await traced(
    bucketThat(async () => undefined),
    bucket => bucket.head('3/a', signal),
  );
  expect(requests).toMatchObject([{ operation: 'HeadObject', detail: 'not there' }]);
});

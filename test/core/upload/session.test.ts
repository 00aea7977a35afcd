import { createHash } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { bufferBody } from '../../../src/core/storage/body.ts';
import type { Bucket, BucketMethods } from '../../../src/core/storage/bucket.ts';
import { unlimited } from '../../../src/core/storage/throttle.ts';
import { persistentBucket } from '../../../src/core/upload/session.ts';
import type { S3Operation } from '../../../src/sandbox/sandbox.ts';
import { count, failure, KEY, machine, sandbox } from '../storage/support.ts';

const { signal } = new AbortController();
const SETTINGS = { contentType: 'text/plain', metadata: {} };
const bytes = Buffer.from('a recording');
const body = () => bufferBody(bytes, createHash('sha256').update(bytes).digest(), { throttle: unlimited });

/** A call of each method, and what S3 calls it. */
const CALLS = {
  head: ['HeadObject', bucket => bucket.head(KEY, signal)],
  put: ['PutObject', bucket => bucket.put(KEY, body(), SETTINGS, signal)],
  get: ['GetObject', bucket => bucket.get(KEY, signal)],
  delete: ['DeleteObject', bucket => bucket.delete(KEY, signal)],
  list: ['ListObjectsV2', bucket => bucket.list('', {}, signal)],
  createUpload: ['CreateMultipartUpload', bucket => bucket.createUpload(KEY, SETTINGS, signal)],
  uploadPart: ['UploadPart', (bucket, id) => bucket.uploadPart(KEY, id, 1, body(), signal)],
  listParts: ['ListParts', (bucket, id) => bucket.listParts(KEY, id, signal)],
  listUploads: ['ListMultipartUploads', bucket => bucket.listUploads('', signal)],
  completeUpload: ['CompleteMultipartUpload', (bucket, id) => bucket.completeUpload(KEY, id, [], {}, signal)],
  abortUpload: ['AbortMultipartUpload', (bucket, id) => bucket.abortUpload(KEY, id, signal)],
} as const satisfies Record<keyof BucketMethods, [S3Operation, (bucket: Bucket, uploadId: string) => Promise<unknown>]>;

const names = Object.keys(CALLS) as (keyof typeof CALLS)[];
/** What a failed one has done all the same must be looked into first. */
const ONCE = ['createUpload', 'completeUpload'];

test.each(names.filter(name => !ONCE.includes(name)))('%s is tried again behind the retry layer', async name => {
  const [operation, call] = CALLS[name];
  const server = await sandbox();
  const { session } = (await machine(server)).run();
  const { uploadId } = await session.bucket.createUpload(KEY, SETTINGS, signal);
  server.faults.add({ server: 's3', operation, action: { answer: { status: 503, code: 'SlowDown' } } });
  await call(persistentBucket(session), uploadId);
  expect(count(server, operation)).toBe(2);
});

test.each(ONCE)('%s is tried once', async name => {
  const [operation, call] = CALLS[name as (typeof names)[number]];
  const server = await sandbox();
  const { session } = (await machine(server)).run();
  server.faults.add({ server: 's3', operation, action: { answer: { status: 503, code: 'SlowDown' } } });
  expect(await failure(call(persistentBucket(session), 'an-upload'))).toMatchObject({ kind: 'transient' });
  expect(count(server, operation)).toBe(1);
});

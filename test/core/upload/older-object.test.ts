import { expect, test } from '@jest/globals';
import { count, isStored, machine, makeSource, sandbox, sentParts, THREE_PARTS } from '../storage/support.ts';

const never = new AbortController().signal;

test('An older object of the same key does not prove that a failed Complete succeeded', async () => {
  // The two have one length, and the ETags tell nothing: only the token says whose object it is.
  const server = await sandbox({ s3: { etags: 'opaque' } });
  const here = await machine(server);
  const older = await makeSource(THREE_PARTS, 99);
  await here.run().upload(older);
  server.s3.resetRequests();

  const file = await makeSource(THREE_PARTS);
  const fault = server.faults.add({
    server: 's3',
    operation: 'CompleteMultipartUpload',
    action: { answer: { status: 404, code: 'NoSuchUpload' } },
  });
  const run = here.run();
  const { bucket } = run.session;
  run.session.bucket = {
    ...bucket,
    async completeUpload(key, uploadId, ...call) {
      if (fault.hits() === 0) await bucket.abortUpload(key, uploadId, never);
      await bucket.completeUpload(key, uploadId, ...call);
    },
  };
  expect(await run.upload(file, { force: true })).toMatchObject({ outcome: 'uploaded' });
  expect(count(server, 'CreateMultipartUpload')).toBe(2);
  expect(sentParts(server)).toEqual([1, 1, 2, 2, 3, 3]);
  expect(await isStored(server, file)).toBe(true);
});

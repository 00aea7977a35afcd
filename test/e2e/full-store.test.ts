import { expect, test } from '@jest/globals';
import { openDesk, openSandbox, sentBytes } from '../support/desk.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';

const always = Number.POSITIVE_INFINITY;
const MIB = 1024 * 1024;

test.each([
  [507, 'XMinioStorageFull', "the store's disks are full"],
  [400, 'XMinioAdminBucketQuotaExceeded', "the bucket's quota is used up"],
  [403, 'QuotaExceeded', "the bucket's quota is used up"],
])('a store that says %d %s is asked seldom, and what was sent in vain is said', async (status, code, hint) => {
  const sandbox = await openSandbox();
  const desk = openDesk(sandbox, { RECORDUPLOAD_UPLOAD_RETRY_BUDGET: '3s' });
  const id = freshId();
  const dir = makeRecording({ name: id, videoBytes: 60 * MIB });
  const fault = sandbox.faults.add({
    server: 's3',
    operation: 'UploadPart',
    times: always,
    action: { answer: { status, code } },
  });
  const { stdout, code: exit } = await desk.run(['upload', dir]);
  expect(exit).toBe(4);
  expect(stdout).toMatch(new RegExp(`${status} ${code}.*MB sent in vain.*${hint}`));
  // The parts that were on their way, and a few probes.
  expect(fault.hits()).toBeLessThan(8 + 4);

  fault.remove();
  sandbox.s3.resetRequests();
  expect((await desk.run(['retry'])).code).toBe(0);
  expect(sentBytes(sandbox, id)[`${id}/video.mkv`]).toBe(60 * MIB);
});

test('an upload goes on by itself once the store has room', async () => {
  const sandbox = await openSandbox();
  const desk = openDesk(sandbox);
  sandbox.faults.add({
    server: 's3',
    operation: 'PutObject',
    times: 4,
    action: { answer: { status: 507, code: 'XMinioStorageFull' } },
  });
  const { code, stderr } = await desk.run(['upload', makeRecording()]);
  expect(code).toBe(0);
  expect(stderr).toContain('the upload pauses');
});

import { expect, test } from '@jest/globals';
import { openDesk, openSandbox } from '../support/desk.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';

test('cleanup names the command that deletes what it has listed, and that deletes it', async () => {
  const sandbox = await openSandbox({ s3: { habits: { listsUploadsByPrefix: false } } });
  const id = freshId();
  const dir = makeRecording({ name: id, videoBytes: 17_000_000 });
  const action = { answer: { status: 403, code: 'AccessDenied' } };
  const first = openDesk(sandbox);
  sandbox.faults.add({ server: 's3', operation: 'CompleteMultipartUpload', times: Number.POSITIVE_INFINITY, action });
  expect((await first.run(['upload', dir])).code).toBe(4);
  sandbox.faults.clear();
  expect(sandbox.s3.uploads()).toHaveLength(1);

  const other = openDesk(sandbox);
  expect((await other.run(['upload', '--force', dir])).code).toBe(0);
  const listed = await other.run(['cleanup', '--elsewhere', '--older-than', '0s']);
  expect(listed.stdout).toContain(`${id}/video.mkv`);
  const [, command = ''] = /^next: recordupload (.*) deletes them$/m.exec(listed.stdout) ?? [];
  expect(command).toBe('cleanup --elsewhere --older-than 0s --yes');
  expect((await other.run(command.split(' '))).stdout).toContain('deleted from');
  expect(sandbox.s3.uploads()).toEqual([]);
});

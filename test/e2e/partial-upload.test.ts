import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { openDesk, openSandbox, readJson, sentBytes, webhooksOf } from '../support/desk.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await openSandbox();
});
beforeEach(() => {
  sandbox.faults.clear();
  sandbox.s3.resetRequests();
});

/** The key's PUTs are refused for good, so that nothing is gained by trying again. */
const refuse = (key: string) =>
  sandbox.faults.add({
    server: 's3',
    operation: 'PutObject',
    key,
    times: Number.POSITIVE_INFINITY,
    action: { answer: { status: 403, code: 'AccessDenied' } },
  });
const filesTold = (id: string) => webhooksOf(sandbox, id).map(({ body }) => Object.keys(body.uploaded_files as object));

describe('a file that cannot be uploaded', () => {
  test('does not stop the others; the server is told of what is there; retry sends what is missing and tells of all', async () => {
    const desk = openDesk(sandbox);
    const id = freshId();
    const fault = refuse(`${id}/video.mkv`);
    const { code, stdout } = await desk.run(['upload', makeRecording({ name: id })]);
    expect(code).toBe(4);
    expect(stdout).toContain(`${id}: incomplete: 2 of 3 files in the bucket`);
    expect(stdout).toMatch(/✘ .*3?video\.mkv.*AccessDenied/);
    expect(stdout).toContain(`next: recordupload retry ${id}`);
    expect(filesTold(id)).toEqual([['thumbnail', 'transcript', 'metadata']]);
    expect(webhooksOf(sandbox, id)[0]?.body.file_info).toMatchObject({ total_size_mb: 0 });
    const { result } = readJson<{ uploads: unknown[] }>(await desk.run(['retry', '--list', '--json']));
    expect(result.uploads).toMatchObject([{ recordingId: id, state: 'partial' }]);

    fault.remove();
    sandbox.s3.resetRequests();
    const retried = await desk.run(['retry']);
    expect(retried.code).toBe(0);
    expect(retried.stdout).toContain('1 of 1 upload finished, 1 of 1 webhook delivered');
    expect(Object.keys(sentBytes(sandbox, id)).sort()).toEqual([`${id}/metadata.json`, `${id}/video.mkv`]);
    expect(filesTold(id).at(-1)).toEqual(['video', 'thumbnail', 'transcript', 'metadata']);
    expect(webhooksOf(sandbox, id).map(({ status }) => status)).toEqual([201, 200]);
    expect((await desk.run(['retry', '--list'])).stdout).toContain('nothing to do');
  });

  test('that is all of them: no webhook, no metadata.json; retry does it all', async () => {
    const desk = openDesk(sandbox);
    const id = freshId();
    const fault = refuse(`${id}/*`);
    const { code, stdout } = await desk.run(['upload', makeRecording({ name: id })]);
    expect(code).toBe(4);
    expect(stdout).toContain(`${id}: nothing could be uploaded`);
    expect(webhooksOf(sandbox, id)).toEqual([]);
    expect(sandbox.s3.objects().filter(({ key }) => key.startsWith(`${id}/`))).toEqual([]);
    fault.remove();
    expect((await desk.run(['retry', id])).code).toBe(0);
    expect(webhooksOf(sandbox, id)).toHaveLength(1);
  });

  test('that is metadata.json: the server is told without it, and again with it', async () => {
    const desk = openDesk(sandbox);
    const id = freshId();
    const fault = refuse(`${id}/metadata.json`);
    expect((await desk.run(['upload', makeRecording({ name: id })])).code).toBe(4);
    fault.remove();
    expect((await desk.run(['retry'])).code).toBe(0);
    expect(filesTold(id)).toEqual([
      ['video', 'thumbnail', 'transcript'],
      ['video', 'thumbnail', 'transcript', 'metadata'],
    ]);
    expect((await sandbox.s3.read(`${id}/metadata.json`)).toString()).toBe(
      JSON.stringify(webhooksOf(sandbox, id).at(-1)?.body),
    );
  });

  test('--quiet says so in one line', async () => {
    const desk = openDesk(sandbox);
    const id = freshId();
    refuse(`${id}/video.mkv`);
    const { code, stdout, stderr } = await desk.run(['upload', makeRecording({ name: id }), '--quiet']);
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
    expect(stderr).toMatch(
      /^recordupload: .*upload incomplete: .*; next: recordupload retry \d+, once that is corrected\n$/,
    );
  });

  test('passes by itself where the fault is a passing one', async () => {
    const desk = openDesk(sandbox);
    const id = freshId();
    const action = { answer: { status: 503, code: 'SlowDown' } };
    sandbox.faults.add({ server: 's3', operation: 'PutObject', key: `${id}/video.mkv`, times: 2, action });
    const { code, stderr } = await desk.run(['upload', makeRecording({ name: id })]);
    expect(code).toBe(0);
    expect(stderr).toContain('trying again');
  });

  test('and whose folder is gone when it is retried: said so, nothing that is there is lost', async () => {
    const desk = openDesk(sandbox);
    const id = freshId();
    const dir = makeRecording({ name: id });
    refuse(`${id}/video.mkv`);
    await desk.run(['upload', dir]);
    rmSync(dir, { recursive: true });
    const { code, stdout } = await desk.run(['retry']);
    expect(code).toBe(3);
    expect(stdout).toContain('does not exist');
    expect((await desk.run(['retry', '--list'])).stdout).toContain(id);
  });

  test('of one recording does not stop the others of a retry', async () => {
    const desk = openDesk(sandbox);
    const [bad, good] = [freshId(), freshId()];
    const faults = [refuse(`${bad}/video.mkv`), refuse(`${good}/video.mkv`)];
    await desk.run(['upload', makeRecording({ name: bad }), makeRecording({ name: good })]);
    faults[1]?.remove();
    const { code, stdout } = await desk.run(['retry', '--now']);
    expect(code).toBe(4);
    expect(stdout).toContain('1 of 2 uploads finished');
    expect(filesTold(good).at(-1)).toContain('video');
  });
});

describe('a file that changes while it is being uploaded', () => {
  /** Big enough to be under way for a while at the given rate. */
  const slow = ['--bwlimit', '1M'];

  test.each([
    ['grows', (file: string) => writeFileSync(file, 'more', { flag: 'a' })],
    ['vanishes', (file: string) => rmSync(file)],
  ])('and %s: exit 7, the others are up, and the next run goes on', async (_how, spoil) => {
    const desk = openDesk(sandbox);
    const id = freshId();
    const files = { 'recording.json': '{"duration_seconds": 9}' };
    const dir = makeRecording({ name: id, videoBytes: 2_000_000, files });
    const run = desk.start(['upload', dir, ...slow]);
    await run.prints('transcript.txt');
    spoil(join(dir, 'video.mkv'));
    const { code, stdout } = await run.result;
    expect(code).toBe(7);
    expect(stdout).toMatch(/✘ .*video\.mkv: it (changed while|vanished)/);
    expect(filesTold(id)).toEqual([['thumbnail', 'transcript', 'metadata']]);
    makeRecording({ name: id, parent: join(dir, '..'), videoBytes: 3_000_000, files });
    expect((await desk.run(['upload', dir])).code).toBe(0);
    expect(filesTold(id).at(-1)).toContain('video');
  });
});

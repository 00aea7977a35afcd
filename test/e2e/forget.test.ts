import { rmSync } from 'node:fs';
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { type Desk, openDesk, openSandbox, readJson, webhooksOf } from '../support/desk.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';

let sandbox: Sandbox;
let desk: Desk;
beforeEach(async () => {
  sandbox = await openSandbox();
  desk = openDesk(sandbox);
});

const times = Number.POSITIVE_INFINITY;
const VIDEO_BYTES = 18 * 1024 * 1024;

/** An upload that broke off in the middle of its video, and whose folder was deleted then. */
async function brokenUpload({ keep = false } = {}): Promise<string> {
  const id = freshId();
  const dir = makeRecording({ name: id, videoBytes: VIDEO_BYTES });
  const refuse = { answer: { status: 403, code: 'AccessDenied' } };
  const rule = { server: 's3', operation: 'UploadPart', key: `${id}/video.mkv`, times, action: refuse } as const;
  const fault = sandbox.faults.add(rule);
  sandbox.faults.add({ server: 'webhook', action: { answer: { status: 400 } } });
  expect((await desk.run(['upload', dir, '--quiet'])).code).toBe(4);
  fault.remove();
  expect(sandbox.s3.uploads().map(({ key }) => key)).toEqual([`${id}/video.mkv`]);
  if (!keep) rmSync(dir, { recursive: true });
  return id;
}

describe('forget', () => {
  test('ends an upload whose folder is gone, as retry advises: nothing is unfinished any more', async () => {
    const id = await brokenUpload();
    const retried = await desk.run(['retry']);
    expect(retried).toMatchObject({ code: 3 });
    const [, advised] = /if nobody wants it any more: recordupload (forget \d+)/.exec(retried.stdout) ?? [];
    expect((await desk.run(['status'])).code).not.toBe(0);

    const { code, stdout } = await desk.run((advised ?? '').split(' '));
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining(`${id}: forgotten`) as unknown });
    expect(stdout).toContain('1 webhook discarded (default)');
    expect(stdout).toContain(`aborted: ${id}/video.mkv`);
    expect(stdout).toMatch(new RegExp(`3 objects stay in .*:\n    ${id}/thumbnail.jpg\n    ${id}/transcript.txt\n`));
    expect(sandbox.s3.uploads()).toEqual([]);
    expect((await desk.run(['status', '--quiet'])).code).toBe(0);
    expect(await desk.run(['retry', '--held'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^nothing to do/),
    });
    expect((await desk.run(['webhook', 'history', id])).stdout).toContain('discarded');
  });

  test('is no obstacle to a later upload of the same recording, which is told to the server', async () => {
    const id = await brokenUpload({ keep: true });
    expect((await desk.run(['forget', id])).code).toBe(0);
    const again = makeRecording({ name: id, videoBytes: VIDEO_BYTES });
    expect((await desk.run(['upload', again])).code).toBe(0);
    expect(webhooksOf(sandbox, id).map(({ status }) => status)).toEqual([400, 201]);
  });

  test('says what it could not abort; the command that it names does it later', async () => {
    const id = await brokenUpload();
    const rule = { server: 's3', operation: 'AbortMultipartUpload', times } as const;
    const down = sandbox.faults.add({ ...rule, action: { answer: { status: 503, code: 'SlowDown' } } });
    const { code, stdout } = await desk.run(['forget', id]);
    expect(code).toBe(4);
    expect(stdout).toContain(`not aborted, its parts stay in the bucket: ${id}/video.mkv`);
    expect((await desk.run(['status', '--quiet'])).code).toBe(0);
    const quiet = await desk.run(['forget', id, '--quiet']);
    expect(quiet).toMatchObject({ code: 4, stdout: '' });
    expect(quiet.stderr).toContain(`recordupload forget: ${id}: ${id}/video.mkv could not be aborted`);
    down.remove();
    const [, advised] = /next: recordupload (forget \d+)/.exec(stdout) ?? [];
    expect((await desk.run((advised ?? '').split(' '))).code).toBe(0);
    expect(sandbox.s3.uploads()).toEqual([]);
    expect(await desk.run(['forget', id])).toMatchObject({ code: 0 });
  });

  test('needs no keys for the state; without them it says what is left', async () => {
    const id = await brokenUpload();
    const env = { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' };
    const { code, stdout } = await desk.run(['forget', id], { env });
    expect({ code, stdout }).toEqual({ code: 4, stdout: expect.stringContaining('no access keys') as unknown });
    expect((await desk.run(['status', '--quiet'])).code).toBe(0);
  });

  test('reaches an upload into a bucket that was mistyped', async () => {
    const id = freshId();
    const env = { RECORDUPLOAD_BUCKET: 'mistyped' };
    expect((await desk.run(['upload', makeRecording({ name: id }), '--quiet'], { env })).code).toBe(4);
    expect((await desk.run(['status', '--quiet'])).code).toBe(4);
    expect((await desk.run(['forget', id])).code).toBe(0);
    expect((await desk.run(['status', '--quiet'])).code).toBe(0);
  });

  test('does nothing while another process is at the recording', async () => {
    const id = freshId();
    sandbox.faults.add({ server: 's3', times, action: { hang: 'before' } });
    const running = desk.start(['upload', makeRecording({ name: id }), '--progress', 'json']);
    await running.prints('recording-started');
    const { code, stderr } = await desk.run(['forget', id]);
    running.kill('SIGKILL');
    await running.result;
    expect({ code, stderr }).toEqual({
      code: 6,
      stderr: expect.stringContaining(`another process (pid ${running.pid}) is at work on recording ${id}`) as unknown,
    });
    sandbox.faults.clear();
    expect((await desk.run(['forget', id])).code).toBe(0);
  });
});

describe('webhook discard', () => {
  test('ends a webhook that the server will never accept; one endpoint or all', async () => {
    const id = freshId();
    sandbox.faults.add({ server: 'webhook', action: { answer: { status: 404 } } });
    expect((await desk.run(['upload', makeRecording({ name: id }), '--quiet'])).code).toBe(0);
    expect((await desk.run(['status', '--quiet'])).code).toBe(5);
    expect((await desk.run(['webhook', 'discard', id, '--endpoint', 'ops'])).code).toBe(2);
    const { code, stdout } = await desk.run(['webhook', 'discard', id, '--endpoint', 'default']);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringContaining(`${id}: 1 webhook discarded (default)`),
    });
    expect((await desk.run(['status', '--quiet'])).code).toBe(0);
    expect((await desk.run(['webhook', 'discard', id])).stdout).toContain('has no webhook that waits or is held');
    expect((await desk.run(['retry', '--held', id])).code).toBe(0);
    expect(webhooksOf(sandbox, id)).toHaveLength(1);
  });
});

test('forget ends a folder that was refused because of its name, as status advises', async () => {
  const dir = makeRecording({ name: 'Weekly #3' });
  expect((await desk.run(['upload', dir])).code).toBe(3);
  const { stdout } = await desk.run(['status']);
  expect(stdout).toContain(`if nobody wants it: recordupload forget '${dir}'`);
  expect(await desk.run(['forget', dir])).toMatchObject({ code: 0 });
  expect((await desk.run(['status'])).stdout).not.toContain(dir);
});

test('forget ends a folder that was refused: status is not red for ever', async () => {
  const id = freshId();
  const dir = makeRecording({ name: id, files: { 'video.mkv': null } });
  expect((await desk.run(['upload', dir])).code).toBe(3);
  expect((await desk.run(['status', id])).stdout).toContain('refused');
  expect(await desk.run(['forget', id])).toMatchObject({ code: 0 });
  expect((await desk.run(['status', id])).code).toBe(2);
  expect((await desk.run(['retry', '--list'])).stdout).not.toContain(dir);
});

describe('an id that nobody knows', () => {
  test.each(['status', 'forget', 'retry', 'webhook discard', 'webhook history'])('%s: exit 2', async command => {
    const { code, stderr } = await desk.run([...command.split(' '), 'unheard-of']);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining('recording unheard-of is not known on this machine') as unknown,
    });
  });
});

describe('list', () => {
  test('names what was uploaded, the newest first', async () => {
    expect((await desk.run(['list'])).stdout).toContain('nothing has been uploaded from this machine yet');
    const [first, second] = [freshId(), freshId()];
    sandbox.faults.add({ server: 'webhook', action: { answer: { status: 400 } } });
    for (const name of [first, second]) await desk.run(['upload', makeRecording({ name }), '--quiet']);
    const { code, stdout } = await desk.run(['list']);
    expect(code).toBe(0);
    const rows = stdout.trimEnd().split('\n');
    expect(rows).toEqual([
      expect.stringMatching(new RegExp(` ${second} +done +3 files, .* delivered `)),
      expect.stringMatching(new RegExp(` ${first} +done +3 files, .* held `)),
    ]);
    const idsOf = async (options: string[]) => {
      const listed = await desk.run(['list', '--json', ...options]);
      return readJson<{ recordings: { recordingId: string }[] }>(listed).result.recordings.map(one => one.recordingId);
    };
    expect(await idsOf(['--state', 'held'])).toEqual([first]);
    expect(await idsOf(['--limit', '1'])).toEqual([second]);
    expect(await idsOf(['--since', '1h'])).toEqual([second, first]);
    expect(await idsOf(['--since', '2999-01-01'])).toEqual([]);
  });
});

describe('prune', () => {
  test('does not make an unchanged upload send its webhook again', async () => {
    const id = freshId();
    const dir = makeRecording({ name: id });
    expect((await desk.run(['upload', dir, '--quiet'])).code).toBe(0);
    expect((await desk.run(['prune', '--older-than', '0s'])).stdout).toContain('deleted 1 ');
    const { code, stdout } = await desk.run(['upload', dir]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('delivered already') as unknown });
    expect(webhooksOf(sandbox, id)).toHaveLength(1);
  });
});

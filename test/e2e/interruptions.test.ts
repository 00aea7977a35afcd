import { beforeAll, describe, expect, test } from '@jest/globals';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { openDesk, openSandbox, readJson, sentBytes, webhooksOf } from '../support/desk.ts';
import { filler, freshId, makeRecording } from '../support/make-recording.ts';

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await openSandbox();
});

/** Bytes: several parts, so that there is something to go on with. */
const SIZE = 40_000_000;
const sidecar = { 'recording.json': '{"duration_seconds": 9}' };
/** The video's last part hangs, so that the upload is under way until something happens to it. */
const hangAtLastPart = (id: string) => {
  const rule = { server: 's3', operation: 'UploadPart', key: `${id}/video.mkv` } as const;
  return sandbox.faults.add({ ...rule, from: 3, times: Number.POSITIVE_INFINITY, action: { hang: 'before' } });
};
/** Resolves once two parts of the video are in the bucket. */
async function twoParts(id: string): Promise<void> {
  const stored = () =>
    sandbox.s3.requests().filter(({ key, operation, status }) => {
      return key === `${id}/video.mkv` && operation === 'UploadPart' && status === 200;
    });
  while (stored().length < 2) await new Promise(resolve => setTimeout(resolve, 20));
}

/** One part in flight at a time: which ones are done is then certain. */
const oneByOne = ['--concurrency', '1'];

describe('an upload that is interrupted', () => {
  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 143],
  ] as const)('by %s says how to go on, and the next run sends only what is missing', async (signal, exitCode) => {
    const desk = openDesk(sandbox);
    const id = freshId();
    const dir = makeRecording({ name: id, videoBytes: SIZE, files: sidecar });
    const fault = hangAtLastPart(id);
    const run = desk.start(['upload', dir, ...oneByOne]);
    await twoParts(id);
    run.kill(signal);
    const { code, stdout, stderr } = await run.result;
    expect({ code, stdout }).toEqual({ code: exitCode, stdout: '' });
    expect(stderr.trimEnd().split('\n').at(-1)).toMatch(
      /^interrupted by SIG\w+ \(progress is saved; run the same command to resume\)$/,
    );
    expect(webhooksOf(sandbox, id)).toEqual([]);

    fault.remove();
    sandbox.s3.resetRequests();
    const { code: again, stderr: progress } = await desk.run(['retry']);
    expect(again).toBe(0);
    expect(progress).toContain(`${id}/video.mkv: resuming at`);
    expect(sentBytes(sandbox, id)[`${id}/video.mkv`]).toBeLessThan(SIZE);
    expect((await sandbox.s3.read(`${id}/video.mkv`)).equals(filler(SIZE))).toBe(true);
    expect(sandbox.s3.uploads()).toEqual([]);
    expect(webhooksOf(sandbox, id)).toHaveLength(1);
  });

  test('by kill -9 is gone on with by the next run', async () => {
    const desk = openDesk(sandbox);
    const id = freshId();
    const dir = makeRecording({ name: id, videoBytes: SIZE, files: sidecar });
    const fault = hangAtLastPart(id);
    const run = desk.start(['upload', dir, ...oneByOne]);
    await twoParts(id);
    run.kill('SIGKILL');
    expect((await run.result).code).toBeNull();
    fault.remove();
    sandbox.s3.resetRequests();
    expect((await desk.run(['upload', dir])).code).toBe(0);
    expect(sentBytes(sandbox, id)[`${id}/video.mkv`]).toBeLessThan(SIZE);
    expect(webhooksOf(sandbox, id)).toHaveLength(1);
  });

  test('while the webhook is being sent leaves it pending, and retry sends it', async () => {
    const desk = openDesk(sandbox);
    const id = freshId();
    const fault = sandbox.faults.add({ server: 'webhook', action: { hang: 'before' } });
    const run = desk.start(['upload', makeRecording({ name: id })]);
    await run.prints('📤 Sending webhook');
    while (fault.hits() === 0) await new Promise(resolve => setTimeout(resolve, 20));
    run.kill('SIGTERM');
    const { code, stdout } = await run.result;
    expect(code).toBe(143);
    expect(stdout).toContain(`${id}: 3 files uploaded and verified`);
    expect(stdout).toContain(`next: recordupload retry --now ${id}`);
    expect((await desk.run(['retry', '--now'])).code).toBe(0);
    expect(webhooksOf(sandbox, id).at(-1)?.status).toBe(201);
  });

  test('with --json says so in its document', async () => {
    const desk = openDesk(sandbox);
    const id = freshId();
    const fault = hangAtLastPart(id);
    const dir = makeRecording({ name: id, videoBytes: SIZE, files: sidecar });
    const run = desk.start(['upload', dir, ...oneByOne, '--json']);
    await twoParts(id);
    run.kill('SIGTERM');
    const result = await run.result;
    fault.remove();
    expect(result.code).toBe(143);
    expect(readJson<{ recordings: unknown[] }>(result).result.recordings).toMatchObject([
      { outcome: 'failed', error: { code: 'INTERRUPTED' } },
    ]);
  });
});

describe('two at once', () => {
  test('of the same recording: the second one leaves it alone, exit 6', async () => {
    const desk = openDesk(sandbox);
    const id = freshId();
    const dir = makeRecording({ name: id, videoBytes: SIZE, files: sidecar });
    const fault = hangAtLastPart(id);
    const first = desk.start(['upload', dir, ...oneByOne]);
    await twoParts(id);
    const { code, stderr } = await desk.run(['upload', dir]);
    expect(code).toBe(6);
    expect(stderr).toMatch(new RegExp(`^error: another process \\(pid ${first.pid}\\) is at work on recording ${id} `));
    // An overlapping cron run has nothing to complain of.
    expect(await desk.run(['retry', '--quiet'])).toEqual({ code: 0, stdout: '', stderr: '' });
    fault.remove();
    first.kill('SIGTERM');
    await first.result;
    expect((await desk.run(['upload', dir])).code).toBe(0);
  });
});

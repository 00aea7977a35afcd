import { readdirSync, rmSync } from 'node:fs';
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

/** Uploads a recording whose webhook gets this answer once. Returns its id. */
async function uploadWithFailing(status: number): Promise<string> {
  const id = freshId();
  sandbox.faults.add({ server: 'webhook', action: { answer: { status } } });
  expect((await desk.run(['upload', makeRecording({ name: id }), '--quiet'])).code).toBe(0);
  return id;
}

describe('retry', () => {
  test('with nothing to do says so, and nothing at all with --quiet', async () => {
    expect(await desk.run(['retry'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^nothing to do: .*\n$/) as unknown,
    });
    expect(await desk.run(['retry', '--quiet'])).toEqual({ code: 0, stdout: '', stderr: '' });
    const { result } = readJson<object>(await desk.run(['retry', '--json']));
    expect(result).toMatchObject({ uploads: [], deliveries: [] });
  });

  test('needs no keys and no token where there is nothing to do', async () => {
    const env = { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '', WEBHOOK_TOKEN: '' };
    expect((await desk.run(['retry'], { env })).code).toBe(0);
  });

  test('sends what is due, --now also what is not due yet, --held also what is held', async () => {
    const pending = await uploadWithFailing(500);
    const held = await uploadWithFailing(400);
    const listed = await desk.run(['retry', '--list']);
    expect(listed.stdout).toMatch(new RegExp(`  ${pending} +default +(due|due in .*) +1 attempt\n`));
    expect(listed.stdout).toMatch(new RegExp(`  ${held} +default +held \\(rejected\\) +1 attempt\n`));
    expect(sandbox.receiver.recordings()).toEqual([]);

    const now = await desk.run(['retry', '--now']);
    expect(now).toMatchObject({ code: 5, stdout: expect.stringMatching(/^1 of 1 webhook delivered\n/) as unknown });
    expect(now.stdout).toContain(`next: recordupload retry --held ${held} once the cause is removed`);
    expect(sandbox.receiver.recordings().map(row => String(row.recording_id))).toEqual([pending]);
    const released = await desk.run(['retry', '--held', '--json']);
    expect(readJson<object>(released).result).toMatchObject({
      deliveries: [{ recordingId: held, outcome: 'delivered' }],
    });
    expect((await desk.run(['retry', '--list'])).stdout).toMatch(/^nothing to do/);
  });

  test('of one recording leaves the others alone', async () => {
    const [one, other] = [await uploadWithFailing(500), await uploadWithFailing(500)];
    expect((await desk.run(['retry', '--now', one])).code).toBe(0);
    expect(webhooksOf(sandbox, one)).toHaveLength(2);
    expect(webhooksOf(sandbox, other)).toHaveLength(1);
    const { result } = readJson<{ deliveries: object[] }>(await desk.run(['retry', '--list', '--json']));
    expect(result.deliveries).toMatchObject([{ recordingId: other }]);
  });

  test('that fails again exits with 5; with --quiet in one line that names the next command', async () => {
    const id = await uploadWithFailing(500);
    const times = Number.POSITIVE_INFINITY;
    sandbox.faults.add({ server: 'webhook', times, action: { answer: { status: 500 } } });
    const loud = await desk.run(['retry', '--now']);
    expect(loud.code).toBe(5);
    expect(loud.stdout).toContain('0 of 1 webhook delivered');
    expect(loud.stdout).toContain(`${id}: `);
    const quiet = await desk.run(['retry', '--now', '--quiet']);
    expect(quiet).toMatchObject({ code: 5, stdout: '' });
    expect(quiet.stderr).toMatch(
      /^recordupload retry: 0 of 1 webhook delivered; .+; next: recordupload retry --list\n$/,
    );
    expect(quiet.stderr).toContain(
      `; ${id}: webhook pending: the server, or a proxy before it, has a fault (status 500)`,
    );
  });

  test('exits with 5 as long as a webhook is held, as status does, and names it with the cause', async () => {
    const id = await uploadWithFailing(400);
    expect((await desk.run(['retry', '--quiet'])).stderr).toMatch(
      new RegExp(`^recordupload retry: 1 webhook held; ${id}: webhook held: .+; next: recordupload retry --list\n$`),
    );
    const loud = await desk.run(['retry']);
    expect(loud.code).toBe(5);
    expect(loud.stdout).toContain(`next: recordupload retry --held ${id} once the cause is removed`);
    const json = await desk.run(['retry', '--json']);
    expect([json.code, readJson<object>(json).result]).toMatchObject([
      5,
      { held: [{ recordingId: id, outcome: 'held' }] },
    ]);
    expect((await desk.run(['status'])).code).toBe(5);
    expect((await desk.run(['retry', '--held', id])).code).toBe(0);
    expect(await desk.run(['retry', '--quiet'])).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  test('ends with 5 no more once a held webhook is discarded', async () => {
    const id = await uploadWithFailing(400);
    expect((await desk.run(['retry', '--quiet'])).code).toBe(5);
    expect((await desk.run(['webhook', 'discard', id])).code).toBe(0);
    expect((await desk.run(['retry', '--quiet'])).code).toBe(0);
  });

  test('exits with 5 where due webhooks have no token, and names what is missing', async () => {
    await uploadWithFailing(500);
    const env = { WEBHOOK_TOKEN: '' };
    const { code, stderr } = await desk.run(['retry', '--now', '--quiet'], { env });
    expect([code, stderr]).toEqual([5, expect.stringContaining('has no token') as unknown]);
  });

  test('of a recording whose webhook is delivered says that, and not that it was not sent', async () => {
    const id = freshId();
    await desk.run(['upload', makeRecording({ name: id }), '--quiet']);
    const other = await uploadWithFailing(500);
    expect(await desk.run(['retry', id])).toMatchObject({ code: 0, stdout: '1 webhook delivered already\n' });
    expect((await desk.run(['retry', '--now', id, other])).stdout).toBe(
      '1 of 1 webhook delivered, 1 webhook delivered already\n',
    );
  });

  test('of one recording does not count what others have held', async () => {
    await uploadWithFailing(400);
    const id = freshId();
    await desk.run(['upload', makeRecording({ name: id }), '--quiet']);
    expect((await desk.run(['retry', id])).code).toBe(0);
  });

  test('exits with 4 for an upload into a bucket that is no longer configured, until it is forgotten', async () => {
    const id = freshId();
    const env = { RECORDUPLOAD_BUCKET: 'mistyped' };
    expect((await desk.run(['upload', makeRecording({ name: id }), '--quiet'], { env })).code).toBe(4);
    const { code, stderr } = await desk.run(['retry', '--quiet']);
    expect([code, stderr]).toEqual([4, expect.stringContaining(`recordupload forget ${id}`) as unknown]);
    expect((await desk.run(['status'])).code).toBe(4);
    expect((await desk.run(['forget', id])).code).toBe(0);
    expect((await desk.run(['retry', '--quiet'])).code).toBe(0);
  });

  test('of a recording that is not known says so', async () => {
    const { code, stderr } = await desk.run(['retry', 'unheard-of']);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining('is not known on this machine') as unknown,
    });
  });

  test('leaves no lock files behind', async () => {
    await desk.run(['retry']);
    expect(readdirSync(`${desk.stateDir}/owners`)).toEqual([]);
  });
});

describe('retry, uploads and webhooks side by side', () => {
  const always = Number.POSITIVE_INFINITY;

  /** Every further request for the recording's video is refused. */
  const refuse = (id: string) =>
    sandbox.faults.add({
      server: 's3',
      operation: 'PutObject',
      key: `${id}/video.mkv`,
      times: always,
      action: { answer: { status: 403, code: 'AccessDenied' } },
    });

  /** A recording whose video could not be uploaded; the server knows of the other files. */
  async function uploadPartly(): Promise<string> {
    const id = freshId();
    const fault = refuse(id);
    expect((await desk.run(['upload', makeRecording({ name: id }), '--quiet'])).code).toBe(4);
    fault.remove();
    return id;
  }

  /** Every further request for the recording's video is received and never answered. */
  const hang = (id: string) =>
    sandbox.faults.add({
      server: 's3',
      operation: 'PutObject',
      key: `${id}/video.mkv`,
      times: always,
      action: { hang: 'before' },
    });

  const turn = () => new Promise(resolve => setTimeout(resolve, 10));

  test('a due webhook is sent while an upload is under way', async () => {
    const unfinished = await uploadPartly();
    const due = await uploadWithFailing(500);
    const upload = hang(unfinished);
    const running = desk.start(['retry', '--now']);
    while (webhooksOf(sandbox, due).length < 2 || upload.hits() === 0) await turn();
    expect(webhooksOf(sandbox, due).map(({ status }) => status)).toEqual([500, 201]);
    expect(sandbox.s3.objects().map(({ key }) => key)).not.toContain(`${unfinished}/video.mkv`);
    running.kill('SIGTERM');
    expect((await running.result).code).toBe(143);
  });

  test('the webhook of an upload is sent once that has ended, whatever the others do', async () => {
    const [quick, slow] = [await uploadPartly(), await uploadPartly()];
    hang(slow);
    const running = desk.start(['retry']);
    while (webhooksOf(sandbox, quick).length < 2) await turn();
    const [first, second] = webhooksOf(sandbox, quick).map(({ body }) => Object.keys(body.uploaded_files as object));
    expect([first, second]).toEqual([
      ['thumbnail', 'transcript', 'metadata'],
      ['video', 'thumbnail', 'transcript', 'metadata'],
    ]);
    expect(webhooksOf(sandbox, slow)).toHaveLength(1);
    running.kill('SIGTERM');
    await running.result;
  });

  test('a webhook of the recording itself waits for its upload, which replaces the payload', async () => {
    const id = freshId();
    sandbox.faults.add({ server: 'webhook', action: { answer: { status: 500 } } });
    const fault = refuse(id);
    expect((await desk.run(['upload', makeRecording({ name: id }), '--quiet'])).code).toBe(4);
    fault.remove();
    expect(await desk.run(['retry', '--now'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('1 of 1 upload finished, 1 of 1 webhook delivered') as unknown,
    });
    expect(webhooksOf(sandbox, id).map(({ status }) => status)).toEqual([500, 201]);
    expect(Object.keys(webhooksOf(sandbox, id)[1]?.body.uploaded_files as object)).toContain('video');
  });

  test('where the folder is gone, the webhook that is due is sent all the same', async () => {
    const id = freshId();
    const dir = makeRecording({ name: id });
    sandbox.faults.add({ server: 'webhook', action: { answer: { status: 500 } } });
    const fault = refuse(id);
    await desk.run(['upload', dir, '--quiet']);
    fault.remove();
    rmSync(dir, { recursive: true });
    const { code, stdout } = await desk.run(['retry', '--now']);
    expect([code, stdout]).toEqual([3, expect.stringContaining('0 of 1 upload finished, 1 of 1 webhook delivered')]);
    expect(webhooksOf(sandbox, id).map(({ status }) => status)).toEqual([500, 201]);
  });

  test('an upload that stays partial releases no webhook that is held', async () => {
    const id = freshId();
    sandbox.faults.add({ server: 'webhook', action: { answer: { status: 400 } } });
    refuse(id);
    await desk.run(['upload', makeRecording({ name: id }), '--quiet']);
    expect((await desk.run(['retry'])).code).toBe(4);
    expect(webhooksOf(sandbox, id).map(({ status }) => status)).toEqual([400]);
  });

  test('an endpoint that fails gets a few requests in a run, not a few for each recording', async () => {
    const ids = Array.from({ length: 12 }, freshId);
    const refused = ids.map(id => refuse(id));
    expect((await desk.run(['upload', ...ids.map(name => makeRecording({ name })), '--quiet'])).code).toBe(4);
    for (const fault of refused) fault.remove();
    sandbox.receiver.resetRequests();
    sandbox.faults.add({ server: 'webhook', times: always, action: { answer: { status: 500 } } });
    expect((await desk.run(['retry'])).code).toBe(5);
    expect(sandbox.receiver.requests().length).toBeLessThanOrEqual(3);
    const { result } = readJson<{ deliveries: object[] }>(await desk.run(['retry', '--list', '--json']));
    expect(result.deliveries).toHaveLength(ids.length);
  });
});

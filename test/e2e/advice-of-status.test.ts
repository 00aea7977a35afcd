import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { configure, endpointWithToken, NO_ENDPOINT } from '../delivery/support.ts';
import { type Desk, openDesk, openSandbox, readJson, webhooksOf } from '../support/desk.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';
import { shownCommand } from '../support/shown-command.ts';

/* At three in the morning: something has failed, and somebody does what status, retry or an error says, to the letter. */

let sandbox: Sandbox;
let desk: Desk;
let id: string;
let dir: string;
beforeEach(async () => {
  sandbox = await openSandbox({ receiver: { users: ['operator@example.com'] } });
  desk = openDesk(sandbox);
  id = freshId();
  dir = makeRecording({ name: id });
});

const answer = (status: number) => sandbox.faults.add({ server: 'webhook', action: { answer: { status } } });

async function expectWell(): Promise<void> {
  expect(await desk.run(['status'])).toMatchObject({ code: 0 });
  expect((await desk.run(['status'])).stdout).not.toContain('next:');
  expect(await desk.run(['retry'])).toMatchObject({ code: 0 });
}

describe('an endpoint that 410 or an operator has disabled', () => {
  test.each(['upload', 'detail', 'status', 'status of one', 'history', 'retry', 'quiet'])(
    '410: %s names the one command that helps',
    async where => {
      answer(410);
      const uploaded = (await desk.run(['upload', dir])).stdout;
      const text = {
        upload: async () => shownCommand(uploaded),
        detail: async () => shownCommand(uploaded, 'run "'),
        status: async () => shownCommand((await desk.run(['status'])).stdout),
        'status of one': async () => shownCommand((await desk.run(['status', id])).stdout),
        history: async () => shownCommand((await desk.run(['webhook', 'history', id])).stdout),
        retry: async () => shownCommand((await desk.run(['retry'])).stdout),
        quiet: async () => shownCommand((await desk.run(['upload', dir, '--force', '--quiet'])).stderr),
      }[where];
      const command = await text?.();
      expect(command).toEqual(['webhook', 'enable', 'default']);
      const { stdout } = await desk.run(command ?? []);
      expect(await desk.run(shownCommand(stdout, 'due: '))).toMatchObject({ code: 0 });
      await expectWell();
    },
  );

  test('by hand: what waits is sent once it is enabled, and nobody is told that it is not due', async () => {
    expect((await desk.run(['webhook', 'disable', 'default'])).code).toBe(0);
    expect((await desk.run(['upload', dir])).code).toBe(0);
    const retried = await desk.run(['retry']);
    expect(retried.stdout).not.toContain('not due');
    const command = shownCommand((await desk.run(['status'])).stdout);
    expect(command).toEqual(['webhook', 'enable', 'default']);
    const { stdout } = await desk.run(command);
    expect(await desk.run(shownCommand(stdout, 'due: '))).toMatchObject({ code: 0 });
    await expectWell();
  });
});

test('no token: status is as red as retry, and neither says that the webhook is not due', async () => {
  const env = { WEBHOOK_TOKEN: '' };
  const uploaded = await desk.run(['upload', dir], { env });
  expect(uploaded.stdout).toContain(`next: recordupload retry --now ${id}, once the cause is removed`);
  const [status, retried] = [await desk.run(['status'], { env }), await desk.run(['retry'], { env })];
  expect([status.code, retried.code]).toEqual([5, 5]);
  expect(retried.stdout).not.toContain('not due');
  const { result } = readJson<{ alarms: unknown }>(await desk.run(['status', '--json'], { env }));
  expect(result.alarms).toEqual([{ kind: 'no-token', count: 1 }]);
  expect((await desk.run(['status', '--quiet'], { env })).stderr).toContain('1 endpoint without a token');
  expect(await desk.run(shownCommand(status.stdout, 'then run "'))).toMatchObject({ code: 0 });
  await expectWell();
});

describe('a user that the server does not know: the address is replaced wherever it came from', () => {
  const sidecar = () => {
    writeFileSync(join(dir, 'recording.json'), JSON.stringify({ user_info: { email: 'nobody@example.com' } }));
    return [];
  };
  test.each<[string, () => string[]]>([
    ['the sidecar', sidecar],
    ['--email', () => ['--email', 'nobody@example.com']],
    ['the configuration', () => []],
  ])('%s', async (where, prepare) => {
    const options = prepare();
    const env = where === 'the configuration' ? { RECORDUPLOAD_USER_EMAIL: 'nobody@example.com' } : {};
    const { stdout } = await desk.run(['upload', dir, '--finished', ...options], { env });
    expect(stdout).toContain(`webhook send ${id} --email <address>"`);
    expect((await desk.run(['webhook', 'send', id, '--email', 'operator@example.com'])).code).toBe(0);
    expect(webhooksOf(sandbox, id).at(-1)?.body).toMatchObject({ user_info: { email: 'operator@example.com' } });
    await expectWell();
  });
});

test('retry with the ID of a held webhook says why it is held', async () => {
  answer(400);
  await desk.run(['upload', dir]);
  const { code, stdout } = await desk.run(['retry', id]);
  expect({ code, stdout }).toEqual({
    code: 5,
    stdout: expect.stringMatching(
      /webhook held: the server says that the payload is wrong: .*\nnext: .* once the cause/,
    ),
  });
  const { result } = readJson<{ deliveries: { detail: string }[] }>(await desk.run(['retry', id, '--json']));
  expect(result.deliveries[0]?.detail).toContain('the payload is wrong');
});

describe('an upload into a bucket that is not the configured one', () => {
  const wrong = { RECORDUPLOAD_BUCKET: 'elsewhere' };

  test('is finished there by the command that status and retry name', async () => {
    const endpoint = sandbox.s3.url.replace('127.0.0.1', 'localhost');
    const env = { RECORDUPLOAD_ENDPOINT: endpoint, AWS_SECRET_ACCESS_KEY: 'fake-wrong-secret' };
    expect((await desk.run(['upload', dir], { env })).code).toBe(4);
    const [status, retried] = [await desk.run(['status']), await desk.run(['retry'])];
    expect([status.code, retried.code]).toEqual([4, 4]);
    const command = shownCommand(status.stdout, 'to finish it there, ');
    expect(shownCommand(retried.stdout, 'to finish it there, ')).toEqual(command);
    expect(command).toEqual(['retry', '--endpoint-url', endpoint, '--bucket', sandbox.s3.bucket, id]);
    expect(status.stdout).not.toMatch(/^next: /m);
    expect(await desk.run(command)).toMatchObject({ code: 0 });
    await expectWell();
  });

  test('is given up by forget; the same recording in the right bucket keeps its webhook', async () => {
    expect((await desk.run(['upload', dir], { env: wrong })).code).toBe(4);
    answer(400);
    expect((await desk.run(['upload', dir])).code).toBe(0);
    const { stdout } = await desk.run(['status']);
    const forgotten = await desk.run(shownCommand(stdout, 'to give it up, '));
    expect(forgotten).toMatchObject({ code: 0 });
    expect(forgotten.stdout).toContain(`it stays known in ${sandbox.s3.url}/${sandbox.s3.bucket}`);
    expect(await desk.run(['status'])).toMatchObject({ code: 5, stdout: expect.stringContaining('0 partial, 1 done') });
    expect((await desk.run(['retry', '--held'])).code).toBe(0);
    await expectWell();
    // What is whole everywhere is forgotten, too.
    expect((await desk.run(['forget', id])).stdout).toContain('forgotten');
    expect((await desk.run(['list'])).stdout).toBe('no recording\n');
  });
});

test('a recording whose id another machine has: status names what ends it', async () => {
  await openDesk(sandbox).run(['upload', dir]);
  const other = makeRecording({ name: id, videoBytes: 300_000 });
  expect((await desk.run(['upload', other])).code).toBe(3);
  const { stdout } = await desk.run(['status']);
  expect(stdout).not.toMatch(/^next: /m);
  const [replace, giveUp] = ['to replace it, ', 'to give it up, '].map(behind => shownCommand(stdout, behind));
  expect(await desk.run(replace as string[])).toMatchObject({ code: 0 });
  await expectWell();
  expect(await desk.run(giveUp as string[])).toMatchObject({ code: 0 });
});

test('verify names the folder in the command that mends what the bucket has lost', async () => {
  expect((await desk.run(['upload', dir])).code).toBe(0);
  rmSync(join(dir, 'thumbnail.jpg'));
  writeFileSync(join(dir, 'thumbnail.jpg'), 'another picture');
  const verified = await desk.run(['verify', dir]);
  expect(verified.code).toBe(7);
  const command = shownCommand(verified.stdout);
  expect(command).toEqual(['upload', dir, '--id', id]);
  expect(await desk.run([...command, '--finished'])).toMatchObject({ code: 0 });
  expect(await desk.run(['verify', id])).toMatchObject({ code: 0 });
});

test('a clock that is wrong is corrected before the upload is tried again', async () => {
  const skewed = { status: 403, code: 'RequestTimeTooSkewed', message: 'The difference is too large.' };
  const rule = sandbox.faults.add({ server: 's3', times: Infinity, action: { answer: skewed } });
  const { stdout } = await desk.run(['upload', dir], { env: { RECORDUPLOAD_UPLOAD_RETRY_BUDGET: '1s' } });
  expect(stdout).toContain("set this machine's clock");
  expect(stdout).toMatch(/next: recordupload retry \d+, once that is corrected/);
  rule.remove();
  expect(await desk.run(shownCommand(stdout))).toMatchObject({ code: 0 });
});

describe('a webhook for an endpoint that is no longer configured', () => {
  test.each([
    ['held', 400, 5],
    ['waiting', 500, 0],
  ])('%s: it can be discarded, or the endpoint be configured again', async (_, refusal, exit) => {
    const { url } = sandbox.receiver;
    desk = openDesk(sandbox, NO_ENDPOINT);
    configure(desk, { webhooks: [endpointWithToken('old', url)] });
    answer(refusal);
    expect((await desk.run(['upload', dir])).code).toBe(0);
    configure(desk, { webhooks: [endpointWithToken('new', url)] });
    const [status, retried] = [await desk.run(['status']), await desk.run(['retry'])];
    expect([status.code, retried.code]).toEqual([exit, exit]);
    expect(status.stdout).toContain(
      'endpoint old is no longer in the configuration: configure it again under that name',
    );
    const command = shownCommand(status.stdout);
    expect(command).toEqual(['webhook', 'discard', id, '--endpoint', 'old']);
    if (exit === 5) expect(shownCommand(retried.stdout)).toEqual(command);
    if (exit === 0) {
      expect(await desk.run(command)).toMatchObject({ code: 0 });
      return await expectWell();
    }
    configure(desk, { webhooks: [endpointWithToken('old', url)] });
    expect(await desk.run(['retry', '--held'])).toMatchObject({ code: 0 });
    await expectWell();
    configure(desk, { webhooks: [endpointWithToken('new', url)] });
    await expectWell();
  });
});

test.each([['status'], ['webhook', 'list']])(
  'a webhook that is not due yet is sent by the command of %s %s',
  async (...words) => {
    answer(503);
    expect((await desk.run(['upload', dir])).code).toBe(0);
    const { stdout } = await desk.run(words.filter(word => word !== undefined));
    expect(await desk.run(shownCommand(stdout))).toMatchObject({ code: 0, stdout: '1 of 1 webhook delivered\n' });
  },
);

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { NO_ENDPOINT } from '../delivery/support.ts';
import { type Desk, openDesk, openSandbox, readJson } from '../support/desk.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';
import { shownCommand } from '../support/shown-command.ts';

/* A command that the program advises is copied as it is, and has to work where the failed one worked. */

const ODD_PATHS = [
  'plain.json',
  'with space/it\'s, a "file"; $HOME.json',
  'tab\there.json',
  '-leading.json',
  'ü✔.json',
];

const FAILS = { server: 'webhook', action: { answer: { status: 400 } } } as const;

/** A desk whose whole configuration is in a file that only `--config` names. */
function deskWith(sandbox: Sandbox, path: string): { desk: Desk; given: string[] } {
  const desk = openDesk(sandbox, {
    ...NO_ENDPOINT,
    RECORDUPLOAD_ENDPOINT: undefined,
    RECORDUPLOAD_BUCKET: undefined,
    RECORDUPLOAD_USER_EMAIL: undefined,
    WEBHOOK_TOKEN: sandbox.receiver.token,
  });
  const file = join(desk.cwd, path);
  mkdirSync(dirname(file), { recursive: true });
  const { s3, receiver } = sandbox;
  const config = {
    endpoint: s3.url,
    bucket: s3.bucket,
    user: { email: 'operator@example.com' },
    webhook: { url: receiver.url },
    stateDir: join(desk.home, 'its own state'),
  };
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
  return { desk, given: ['--config', path] };
}

describe.each(ODD_PATHS)('with --config %j', path => {
  test('a held webhook: the commands of upload, status, retry and --quiet help', async () => {
    const sandbox = await openSandbox();
    const { desk, given } = deskWith(sandbox, path);
    const id = freshId();
    const dir = makeRecording({ name: id });
    sandbox.faults.add({ ...FAILS, times: 4 });
    const uploaded = await desk.run(['upload', ...given, dir]);
    const next = shownCommand(uploaded.stdout);
    expect(next).toEqual(['retry', ...given, '--held', id]);
    // Still refused: the next ones are printed again.
    const again = await desk.run(next);
    expect(again.code).toBe(5);
    expect(shownCommand(again.stdout)).toEqual(next);
    const quiet = await desk.run([...next, '--quiet']);
    const listed = await desk.run(shownCommand(quiet.stderr));
    expect(listed.stdout).toContain(`  ${id}`);
    const status = await desk.run(['status', ...given]);
    const [command, ...rest] = shownCommand(status.stdout);
    expect([command, ...rest]).toEqual(['retry', ...given, '--held']);
    expect((await desk.run(['webhook', 'send', ...given, id, '--endpoint', 'default'])).code).toBe(5);
    expect((await desk.run([command as string, ...rest])).code).toBe(0);
    expect(sandbox.receiver.recording(id)).toBeDefined();
  });
});

test('JSON has complete commands, too, and stays JSON', async () => {
  const sandbox = await openSandbox();
  const { desk, given } = deskWith(sandbox, 'with "quotes".json');
  sandbox.faults.add(FAILS);
  type Result = { recordings: { deliveries: { detail: string }[] }[] };
  const { result } = readJson<Result>(
    await desk.run(['upload', ...given, makeRecording({ name: freshId() }), '--json']),
  );
  const detail = result.recordings[0]?.deliveries[0]?.detail ?? '';
  expect(shownCommand(detail, 'run "')).toEqual(['retry', ...given, '--held']);
});

test('what is given on the command line comes along, and nothing else', async () => {
  const sandbox = await openSandbox();
  const desk = openDesk(sandbox, { RECORDUPLOAD_BUCKET: 'nowhere', WEBHOOK_URL: 'http://127.0.0.1:9/' });
  const id = freshId();
  const where = ['--bucket', sandbox.s3.bucket, '--webhook-url', sandbox.receiver.url];
  sandbox.faults.add({ server: 'webhook', action: { answer: { status: 410 } } });
  const uploaded = await desk.run(['upload', ...where, '--title', 'Weekly', '-v', makeRecording({ name: id })]);
  // Which bucket there is does not matter to the endpoint.
  const enable = shownCommand(uploaded.stdout);
  expect(enable).toEqual(['webhook', 'enable', ...where.slice(2), 'default']);
  const enabled = await desk.run(enable);
  expect(enabled.code).toBe(0);
  const retry = shownCommand(enabled.stdout, 'due: ');
  expect(retry).toEqual(['retry', ...where.slice(2)]);
  expect(await desk.run(retry)).toMatchObject({ code: 0 });
  expect(sandbox.receiver.recording(id)).toBeDefined();
});

test('the sandbox of one command ends with it: no other command is advised', async () => {
  const desk = openDesk(await openSandbox());
  const dir = makeRecording({ name: freshId() });
  const parent = dirname(dir);
  const said = ['--title', "Ada's", '--no-webhook'];
  const { code, stderr } = await desk.run(['upload', '--sandbox', ...said, parent]);
  expect(code).toBe(3);
  const next = shownCommand(stderr, 'to upload all of them: ');
  expect(next).toEqual(['upload', '--sandbox', ...said, '--recursive', parent]);
  expect((await desk.run(next)).code).toBe(0);
});

test('a name that begins like a command, or has one in its middle, is left as it is', async () => {
  const sandbox = await openSandbox();
  const { desk, given } = deskWith(sandbox, 'rc.json');
  const dir = makeRecording({ name: 'x recordupload retry 3' });
  const { stdout } = await desk.run([
    'upload',
    ...given,
    '--id',
    freshId(),
    '--dry-run',
    '--title',
    'recordupload retry',
    dir,
  ]);
  expect(stdout).toContain('"title": "recordupload retry"');
});

test('what was sent is shown as it was sent', async () => {
  const sandbox = await openSandbox();
  const { desk, given } = deskWith(sandbox, 'rc.json');
  const { code, stdout } = await desk.run(['webhook', 'test', ...given]);
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('"title":"recordupload webhook test"') });
});

test('an upload that is begun again says what was said about the recording', async () => {
  const sandbox = await openSandbox();
  const desk = openDesk(sandbox);
  const dir = makeRecording({ name: "Ada's room" });
  const id = freshId();
  const said = ['--id', id, '--title', 'Weekly, "all hands"', '--email', 'operator@example.com'];
  const { stdout } = await desk.run(['upload', dir, ...said], { env: { RECORDUPLOAD_BUCKET: 'nowhere' } });
  const next = shownCommand(stdout);
  expect(next).toEqual(['upload', ...said, dir]);
  expect(await desk.run(next)).toMatchObject({ code: 0 });
  expect(sandbox.receiver.recording(id)?.payload).toMatchObject({ title: 'Weekly, "all hands"' });
  const slip = await desk.run(['upload', dirname(dir), '--id', id]);
  expect(shownCommand(slip.stderr, 'to upload all of them: ')).toEqual(['upload', '--recursive', dirname(dir)]);
});

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { configure, endpointWithToken, NO_ENDPOINT, secretFile } from '../delivery/support.ts';
import { type Desk, openDesk, openSandbox } from '../support/desk.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';

/* What the program advises is done as it says, and helps. */

const sandbox = await openSandbox();

/** The arguments of the first command behind `next:`. */
function nextOf(text: string): string[] {
  const [, command = ''] = /next: recordupload ([^,\n]+)/.exec(text) ?? [];
  return command.split(' ');
}

const emailOf = (id: string) => {
  const payload = sandbox.receiver.recording(id)?.payload as { user_info: { email: string } } | undefined;
  return payload?.user_info.email;
};

describe('after 404, the corrected address reaches the server', () => {
  const KNOWN = 'operator@example.com';

  test('from the configuration', async () => {
    const desk = openDesk(sandbox, { RECORDUPLOAD_USER_EMAIL: 'nobody@example.com' });
    const id = freshId();
    const { stdout } = await desk.run(['upload', makeRecording({ name: id })]);
    expect(stdout).toContain('correct user.email, or have the user created');
    const corrected = { env: { RECORDUPLOAD_USER_EMAIL: KNOWN } };
    expect(await desk.run(nextOf(stdout), corrected)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^1 of 1 webhook delivered\n.*\n {2}changed: user_info\.email /),
    });
    expect(emailOf(id)).toBe(KNOWN);
  });

  test('from the sidecar, also where the configuration has another one', async () => {
    const desk = openDesk(sandbox, { RECORDUPLOAD_USER_EMAIL: 'other@example.com' });
    const id = freshId();
    const sidecar = (email: string) => JSON.stringify({ user_info: { username: 'ada', email } });
    const dir = makeRecording({ name: id, files: { 'recording.json': sidecar('nobody@example.com') } });
    const { stdout } = await desk.run(['upload', dir]);
    writeFileSync(join(dir, 'recording.json'), sidecar(KNOWN));
    expect(await desk.run(nextOf(stdout))).toMatchObject({ code: 0 });
    expect(emailOf(id)).toBe(KNOWN);
  });

  test('but an address that was asked for stays: the user may have been created since', async () => {
    const own = await openSandbox({ receiver: { users: ['operator@example.com', 'late@example.com'] } });
    const desk = openDesk(own);
    const id = freshId();
    const refusal = JSON.stringify({ status: 'error', message: 'No user found with email: late@example.com' });
    own.faults.add({ server: 'webhook', action: { answer: { status: 404, body: refusal } } });
    const { stdout } = await desk.run(['upload', makeRecording({ name: id }), '--email', 'late@example.com']);
    expect(await desk.run(nextOf(stdout))).toMatchObject({ code: 0 });
    expect(own.receiver.recording(id)?.payload).toMatchObject({ user_info: { email: 'late@example.com' } });
  });
});

test('webhook send says what its options changed', async () => {
  const desk = openDesk(sandbox, { RECORDUPLOAD_USER_EMAIL: 'nobody@example.com' });
  const id = freshId();
  await desk.run(['upload', makeRecording({ name: id }), '--title', 'Weekly']);
  const sent = await desk.run(['webhook', 'send', id, '--email', 'operator@example.com', '--title', 'Weekly']);
  expect(sent).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('  changed: user_info.email from "nobody@example.com" to "operator@example.com"\n'),
  });
  expect(sent.stdout).not.toContain('title');
  expect(emailOf(id)).toBe('operator@example.com');
});

test('a disabled endpoint is enabled by the one command that helps', async () => {
  const own = await openSandbox();
  const desk = openDesk(own);
  own.faults.add({ server: 'webhook', action: { answer: { status: 410 } } });
  const { stdout } = await desk.run(['upload', makeRecording()]);
  expect(nextOf(stdout)).toEqual(['webhook', 'enable', 'default']);
  expect((await desk.run(nextOf(stdout))).code).toBe(0);
  expect(await desk.run(['retry'])).toMatchObject({ code: 0, stdout: '1 of 1 webhook delivered\n' });
});

test('401 names the place where the token is configured', async () => {
  const own = await openSandbox();
  const desk = openDesk(own, NO_ENDPOINT);
  const url = own.receiver.url;
  configure(desk, { webhooks: [{ name: 'ops', url, tokenFile: secretFile('fake-wrong-token') }] });
  const { stdout } = await desk.run(['upload', makeRecording()]);
  expect(stdout).toMatch(/set webhooks\[0\]\.tokenFile in \S*config\.json to the server's token/);
  expect(stdout).not.toContain('WEBHOOK_TOKEN');
  configure(desk, { webhooks: [endpointWithToken('ops', url)] });
  expect(await desk.run(['retry'])).toMatchObject({ code: 0 });
});

describe('an upload that cannot go on before somebody acts', () => {
  async function advised(desk: Desk, wrong: NodeJS.ProcessEnv) {
    const { stdout } = await desk.run(['upload', makeRecording({ name: freshId() })], { env: wrong });
    expect(stdout).toMatch(/next: recordupload .*, once that is corrected$/m);
    return nextOf(stdout);
  }

  test.each([
    ['a wrong key', { AWS_ACCESS_KEY_ID: 'FAKEUNKNOWNKEY' }, 'retry'],
    ['a missing bucket', { RECORDUPLOAD_BUCKET: 'elsewhere' }, 'upload'],
  ])('%s: the command helps once that is corrected', async (_, wrong, command) => {
    const desk = openDesk(sandbox);
    const next = await advised(desk, wrong);
    expect(next[0]).toBe(command);
    expect(await desk.run(next)).toMatchObject({ code: 0 });
  });

  test('--quiet has the cause, the remedy and the command in its one line', async () => {
    const desk = openDesk(sandbox);
    const env = { AWS_ACCESS_KEY_ID: 'FAKEUNKNOWNKEY' };
    const { stderr } = await desk.run(['upload', makeRecording(), '--quiet'], { env });
    expect(stderr).toMatch(/^recordupload: .*403 .*check accessKeyId.*; next: recordupload retry \d+, once .*\n$/);
  });
});

test('a failed webhook test does not advise itself', async () => {
  const desk = openDesk(sandbox, { WEBHOOK_TOKEN: 'fake-wrong-token' });
  const { code, stderr } = await desk.run(['webhook', 'test', '--quiet']);
  expect(code).toBe(5);
  expect(stderr).toContain('set webhook.token (WEBHOOK_TOKEN)');
  expect(stderr).not.toContain('next:');
});

import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { type Desk, openDesk, openSandbox } from '../support/desk.ts';
import { makeRecording } from '../support/make-recording.ts';

/* A named pipe without a writer, or an endless device, in the place of each file that is read: it never makes a command hang. */

const sandbox = await openSandbox();

/** Makes a named pipe below the home folder. */
function pipe({ home }: Desk, name: string): string {
  const file = join(home, name);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  execFileSync('mkfifo', [file]);
  return file;
}

interface Case {
  where: string;
  /** Below the home folder. */
  name: string;
  env?: NodeJS.ProcessEnv;
  args?: readonly string[];
  says: RegExp;
}
const NO_KEYS = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined };
const NOT_A_FILE = 'is a named pipe, not a file';

const CASES: readonly Case[] = [
  ...['.env', '.recorduploadrc', '.recorduploadrc.json', '.recorduploadrc.yaml', 'package.json'].map(name => ({
    where: `${name} in the working folder`,
    name: `work/${name}`,
    says: new RegExp(`^error: ${name}: ${NOT_A_FILE}\n$`),
  })),
  ...['config.yaml', 'config.json', '.recorduploadrc'].map(name => ({
    where: `the user’s ${name}`,
    name: `.config/recordupload/${name}`,
    says: new RegExp(`^error: /.*/${name}: ${NOT_A_FILE}\n$`),
  })),
  {
    where: 'the file that --config names',
    name: 'work/named.yaml',
    args: ['status', '--config', 'named.yaml'],
    says: new RegExp(`^error: named.yaml: ${NOT_A_FILE}\n$`),
  },
  {
    where: 'the file of the token',
    name: 'token',
    env: { WEBHOOK_TOKEN: undefined, WEBHOOK_TOKEN_FILE: '../token' },
    says: new RegExp(`^error: WEBHOOK_TOKEN_FILE: .*/token ${NOT_A_FILE}\n$`),
  },
  {
    where: 'the file of the signing secret',
    name: 'secret',
    env: { WEBHOOK_SECRET_FILE: '../secret' },
    says: new RegExp(`^error: WEBHOOK_SECRET_FILE: .*/secret ${NOT_A_FILE}\n$`),
  },
  {
    where: 'systemd’s credential',
    name: 'webhook-token',
    env: { WEBHOOK_TOKEN: undefined, CREDENTIALS_DIRECTORY: '..' },
    says: new RegExp(`^error: CREDENTIALS_DIRECTORY: .*webhook-token ${NOT_A_FILE}\n$`),
  },
  {
    where: 'caFile',
    name: 'ca.pem',
    env: { RECORDUPLOAD_CA_FILE: '../ca.pem' },
    says: new RegExp(`^error: RECORDUPLOAD_CA_FILE: .*/ca.pem ${NOT_A_FILE}\n$`),
  },
  ...['config', 'credentials'].map(name => ({
    where: `the AWS tools’ ${name}`,
    name: `.aws/${name}`,
    env: { ...NO_KEYS, AWS_PROFILE: 'recordings' },
    args: ['upload', makeRecording()],
    says: new RegExp(`^error: AWS profile "recordings": .*/${name} ${NOT_A_FILE} \\(.*\\)\n$`),
  })),
  {
    where: 'the file of a secret for config init',
    name: 'work/token',
    args: ['config', 'init', '--here', '--token-file', 'token'],
    says: new RegExp(`^error: --token-file: .*/token ${NOT_A_FILE} \\(.*\\)\n$`),
  },
  {
    where: 'the file of secrets for the sandbox',
    name: 'work/secrets',
    args: ['sandbox', '--webhook-secret-file', 'secrets'],
    says: new RegExp(`^error: --webhook-secret-file: secrets ${NOT_A_FILE} \\(.*\\)\n$`),
  },
];

describe('a named pipe in the place of', () => {
  test.each(CASES)('$where', async ({ name, env, args = ['retry', '--list'], says }) => {
    const desk = openDesk(sandbox, env);
    pipe(desk, name);
    const { code, stdout, stderr } = await desk.run(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(says);
  });

  test('a sidecar', async () => {
    const dir = makeRecording();
    execFileSync('mkfifo', [join(dir, 'recording.json')]);
    const { code, stderr } = await openDesk(sandbox).run(['upload', dir]);
    expect(code).toBe(3);
    expect(stderr).toMatch(/recording\.json is a named pipe, not a file/);
  });

  test('a stronger file does not hide behind it, and a weaker one does not count', async () => {
    const desk = openDesk(sandbox);
    pipe(desk, 'work/.recorduploadrc.yaml');
    writeFileSync(join(desk.cwd, '.recorduploadrc'), 'region: eu-west-1\n', { mode: 0o600 });
    expect((await desk.run(['config', 'show'])).stdout).toMatch(/region .*eu-west-1/);
    const other = openDesk(sandbox);
    pipe(other, 'work/.recorduploadrc');
    writeFileSync(join(other.cwd, '.recorduploadrc.yaml'), 'region: eu-west-1\n', { mode: 0o600 });
    expect((await other.run(['config', 'show'])).code).toBe(2);
  });
});

test.each([
  ['--config', ['status', '--config', '/dev/zero'], {}],
  ['the file of the token', ['retry', '--list'], { WEBHOOK_TOKEN: undefined, WEBHOOK_TOKEN_FILE: '/dev/zero' }],
  ['caFile', ['retry', '--list'], { RECORDUPLOAD_CA_FILE: '/dev/zero' }],
])('an endless device in the place of %s is refused', async (_where, args, env) => {
  const { code, stderr } = await openDesk(sandbox, env).run(args);
  expect(code).toBe(2);
  expect(stderr).toMatch(/^error: .*\/dev\/zero:? is a device, not a file\n$/);
});

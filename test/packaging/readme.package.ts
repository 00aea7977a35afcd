import { cpSync, createReadStream, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { codeBlocks, page } from '../docs/support.ts';
import { openSandbox } from '../support/desk.ts';
import { type Chroot, openChroot } from './chroot.ts';
import { root, tried } from './tools.ts';

/* The README, followed as it is written in an empty Debian without Node: from the download to the first webhooks. */

/** What the README has in a section, as shell commands. */
function commandsOf(title: string): string[] {
  const [, section = ''] = new RegExp(`^## ${title}\\n(.*?)^## `, 'ms').exec(page('README.md')) ?? [];
  return codeBlocks(section, 'sh');
}

const sandbox = await openSandbox({ receiver: { users: ['ada@example.com'] } });
let machine: Chroot;
let releases: Server;
beforeAll(async () => {
  machine = openChroot();
  // In place of the page of a release.
  releases = createServer((request, response) => {
    const file = join(tried, basename(request.url ?? ''));
    if (existsSync(file)) createReadStream(file).pipe(response);
    else response.writeHead(404).end();
  });
  await new Promise<void>(resolve => releases.listen(0, '127.0.0.1', resolve));
});
afterAll(() => new Promise(resolve => releases.close(resolve)));

test('its section "Install" installs the program and delivers a first webhook', async () => {
  expect((await machine.shell('command -v node')).status).not.toBe(0);
  const [install = ''] = commandsOf('Install');
  expect(install.trim().split('\n')).toHaveLength(3);
  const RELEASE = `http://127.0.0.1:${(releases.address() as AddressInfo).port}`;
  const { status, stdout } = await machine.shell(`cd && ${install}`, { env: { RELEASE } });
  expect(status).toBe(0);
  expect(stdout).toContain('webhook delivered (201, created)');
});

test('its section "First upload" configures it and delivers a webhook to the server that is configured', async () => {
  const [, configure = '', upload = ''] = commandsOf('First upload');
  cpSync(join(root, 'fixtures/recordings/3'), join(machine.folder, 'root/recordings/42'), { recursive: true });
  // The recording's notes have an ID and a user of their own.
  writeFileSync(join(machine.folder, 'root/recordings/42/recording.json'), '{}');
  // What the README takes for granted: a profile of the AWS tools. And a store and a server that are not its defaults.
  mkdirSync(join(machine.folder, 'root/.aws'), { mode: 0o700 });
  const { accessKeyId, secretAccessKey, bucket, url } = sandbox.s3;
  const profile = `[recordings]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`;
  writeFileSync(join(machine.folder, 'root/.aws/credentials'), profile, { mode: 0o600 });
  const env = { RECORDUPLOAD_ENDPOINT: url, RECORDUPLOAD_BUCKET: bucket, WEBHOOK_URL: sandbox.receiver.url };
  const done = await machine.shell(`${configure}\ncd\n${upload}`, { env, input: `${sandbox.receiver.token}\n` });
  expect(done).toMatchObject({ status: 0 });
  const answers = sandbox.receiver.requests().map(({ body, status }) => {
    // The checks also ask without a payload, and with a wrong token, which the server must refuse.
    const { recording_id: id, user_info: user } = JSON.parse(body || '{}');
    return { status, id, email: user?.email };
  });
  const email = 'ada@example.com';
  expect(answers.filter(({ status }) => status === 201)).toEqual([
    { status: 201, id: 999, email },
    { status: 201, id: 42, email },
  ]);
});

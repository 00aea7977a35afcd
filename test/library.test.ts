import { execFile, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import {
  AppError,
  cleanUp,
  disableEndpoint,
  enableEndpoint,
  enqueueRecording,
  enqueueRecordings,
  listEndpoints,
  listRecordings,
  loadConfig,
  prune,
  recordingStatus,
  removeLocalFiles,
  replayWebhooks,
  retry,
  sendWebhook,
  status,
  testWebhooks,
  uploadRecording,
  uploadRecordings,
  verifyRecording,
  webhookHistory,
} from '../src/index.ts';
import { type Desk, openDesk, openSandbox, webhooksOf } from './support/desk.ts';
import { makeRecording } from './support/make-recording.ts';
import { tempDir } from './support/temp-dir.ts';

const root = resolve(import.meta.dirname, '..');

/** The example in the library's own documentation. */
const example = /```ts\n(.*?)```/s
  .exec(readFileSync(join(root, 'src/index.ts'), 'utf8'))?.[1]
  ?.replace(/^ \* ?/gm, '') as string;

/** A folder of a program that has the package installed: what is published of it, and Node's types. */
function installed(desk: Desk): string {
  const folder = join(tempDir(), 'program');
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, 'recordupload'), { recursive: true });
  for (const name of ['package.json', 'dist']) {
    const from = join(process.env.RECORDUPLOAD_TEST_ROOT ?? root, name);
    cpSync(from, join(modules, 'recordupload', name), { recursive: true });
  }
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  symlinkSync(desk.cwd, join(folder, 'recordings'));
  return folder;
}

describe('the library', () => {
  test('the documented example uploads a recording and tells the server', async () => {
    const sandbox = await openSandbox();
    const desk = openDesk(sandbox);
    makeRecording({ name: '42', parent: desk.cwd });
    const cwd = installed(desk);
    writeFileSync(join(cwd, 'example.ts'), example);
    const run = await runNode(['example.ts'], { cwd, env: desk.env });
    expect(run).toEqual({ code: 0, stderr: '', stdout: "uploaded [ 'delivered' ]\n" });
    expect(webhooksOf(sandbox, '42').map(({ body }) => [body.title, body.upload_source])).toEqual([
      ['Weekly', 'library'],
    ]);
  });

  test('the documented example is right by the published types, without any other package', async () => {
    const cwd = installed(openDesk(await openSandbox()));
    const { resolve: find } = createRequire(import.meta.url);
    const tsc = join(dirname(find('typescript/package.json')), 'bin/tsc');
    const types = join(cwd, 'node_modules/recordupload/dist/types');
    expect(spawnNode([tsc, '-p', join(root, 'tsconfig.types.json'), '--outDir', types])).toMatchObject({ code: 0 });
    expect(existsSync(join(types, 'index.d.ts'))).toBe(true);
    mkdirSync(join(cwd, 'node_modules/@types'));
    symlinkSync(join(root, 'node_modules/@types/node'), join(cwd, 'node_modules/@types/node'));
    const check = (text: string) => {
      writeFileSync(join(cwd, 'example.ts'), text);
      const options = ['--module', 'nodenext', '--target', 'es2024', '--strict', '--noEmit', '--types', 'node'];
      return spawnNode([tsc, ...options, '--ignoreConfig', 'example.ts'], { cwd }).stdout;
    };
    expect(check(example)).toBe('');
    expect(check(example.replace("title: 'Weekly'", 'title: 5'))).toContain(
      "Type 'number' is not assignable to type 'string'",
    );
  });

  test('a second call sends nothing; verifying agrees, also with the folder', async () => {
    const sandbox = await openSandbox();
    const desk = openDesk(sandbox);
    const dir = makeRecording({ name: '43', parent: desk.cwd });
    const config = await loadConfig({ cwd: desk.cwd, env: desk.env });
    const events: string[] = [];
    const first = await uploadRecording(dir, { config, onEvent: event => events.push(event.type) });
    expect([first.upload.outcome, first.deliveries.map(({ outcome }) => outcome)]).toEqual(['uploaded', ['delivered']]);
    expect(events).toEqual(expect.arrayContaining(['recording-started', 'file-finished', 'webhook-answered']));
    const second = await uploadRecording(dir, { config });
    expect([second.upload.outcome, second.upload.sentBytes]).toEqual(['unchanged', 0]);
    expect(webhooksOf(sandbox, '43')).toHaveLength(1);
    expect(await verifyRecording({ id: '43' }, { config, full: true })).toMatchObject({ ok: true, dir: undefined });
    expect(await verifyRecording({ dir }, { config })).toMatchObject({ ok: true, recordingId: '43' });
  });

  test('a folder that is handed over is uploaded by the command line as it was asked for', async () => {
    const sandbox = await openSandbox();
    const desk = openDesk(sandbox);
    const dir = makeRecording({ name: '45', parent: desk.cwd });
    const config = await loadConfig({ cwd: desk.cwd, env: desk.env });
    const enqueued = await enqueueRecording(dir, { config, title: 'Handed over' });
    expect(enqueued).toEqual({ dir, recordingId: '45', waitsFor: undefined, tokenless: [], worker: undefined });
    const early = makeRecording({ parent: desk.cwd, files: { 'video.mkv': null } });
    const { folders } = await enqueueRecordings([dir, early, join(desk.cwd, 'nowhere')], { config, title: 'Again' });
    expect(folders).toMatchObject([
      { ok: true, dir, waitsFor: undefined },
      { ok: true, dir: early, waitsFor: { code: 'RECORDING', message: `${early} has no video` } },
      { ok: false, error: { code: 'USAGE' } },
    ]);
    expect(sandbox.s3.requests()).toEqual([]);
    await expect(enqueueRecording(join(dir, 'video.mkv'), { config })).rejects.toMatchObject({ code: 'USAGE' });
    expect((await listRecordings({ config, state: 'queued' })).queue).toHaveLength(2);
    expect((await desk.run(['retry'])).code).toBe(0);
    expect(webhooksOf(sandbox, '45').map(({ body }) => body.title)).toEqual(['Again']);
    expect((await status({ config })).hasState).toBe(true);
  });

  test('what the server refuses waits in the state that the command line goes on with', async () => {
    const sandbox = await openSandbox();
    const desk = openDesk(sandbox);
    const dir = makeRecording({ name: '44', parent: desk.cwd });
    const config = await loadConfig({ cwd: desk.cwd, env: { ...desk.env, WEBHOOK_TOKEN: 'fake-wrong-token' } });
    const { deliveries } = await uploadRecording(dir, { config });
    expect(deliveries).toMatchObject([{ outcome: 'held', status: 401 }]);
    expect((await desk.run(['retry', '--quiet'])).code).toBe(0);
    expect(webhooksOf(sandbox, '44').map(({ status }) => status)).toEqual([401, 201]);
  });

  test('what a person can fix is an AppError', async () => {
    const desk = openDesk(await openSandbox());
    const { env, cwd } = desk;
    const config = await loadConfig({ cwd, env: { ...env, WEBHOOK_TOKEN: undefined } });
    const missing = uploadRecording(join(cwd, 'nowhere'), { config, webhook: false });
    await expect(missing).rejects.toMatchObject({ code: 'RECORDING' });
    await expect(testWebhooks({ config })).rejects.toMatchObject({
      code: 'CONFIG',
      hint: expect.stringContaining('WEBHOOK_TOKEN'),
    });
    const wrong = loadConfig({ cwd, env: { ...env, RECORDUPLOAD_CONCURRENCY: 'many' } });
    await expect(wrong).rejects.toBeInstanceOf(AppError);
  });

  test('a webhook that waits: status shows it, retry sends it, history and recordingStatus tell how', async () => {
    const sandbox = await openSandbox();
    const desk = openDesk(sandbox);
    const config = await loadConfig({ cwd: desk.cwd, env: desk.env });
    expect(await status({ config })).toEqual({ hasState: false, stateDir: config.stateDir });
    sandbox.faults.add({ server: 'webhook', action: { answer: { status: 503 } } });
    await uploadRecording(makeRecording({ name: '46', parent: desk.cwd }), { config });
    expect(await status({ config, maxAgeMs: 0 })).toMatchObject({
      hasState: true,
      overview: { counts: { done: 1, waiting: 1 } },
      alarms: [{ kind: 'old-webhook' }],
    });
    expect(await retry({ config, now: true })).toMatchObject({
      uploads: [],
      deliveries: [{ recordingId: '46', outcome: 'delivered', action: 'created' }],
      later: 0,
    });
    const { webhooks } = await webhookHistory('46', { config });
    expect(webhooks.map(({ attempts }) => attempts.map(({ status }) => status))).toEqual([[503, 201]]);
    const known = await recordingStatus('46', { config });
    expect(known).toMatchObject({ recordingId: '46', uploads: [{ state: 'done' }], webhooks });
  });

  test('webhooks are sent again by recording or by time; old ones are pruned', async () => {
    const sandbox = await openSandbox();
    const desk = openDesk(sandbox);
    const config = await loadConfig({ cwd: desk.cwd, env: desk.env });
    const since = Date.now();
    const dirs = ['47', '48'].map(name => makeRecording({ name, parent: desk.cwd }));
    const uploaded = await uploadRecordings([...dirs, join(desk.cwd, 'missing')], { config });
    expect(uploaded).toMatchObject([
      { ok: true, upload: { recordingId: '47' }, deliveries: [{ outcome: 'delivered' }] },
      { ok: true, upload: { recordingId: '48' } },
      { ok: false, error: { code: 'RECORDING' } },
    ]);
    expect(await sendWebhook('47', { config, title: 'Renamed' })).toMatchObject([{ action: 'updated' }]);
    expect(webhooksOf(sandbox, '47').at(-1)?.body.title).toBe('Renamed');
    const { deliveries } = await replayWebhooks({ since }, { config });
    expect(deliveries.map(({ recordingId }) => recordingId).sort()).toEqual(['47', '48']);
    expect(await prune({ config, olderThanMs: 0, dryRun: true })).toMatchObject({ dryRun: true, deliveries: 3 });
    expect(await prune({ config, olderThanMs: 0 })).toMatchObject({ dryRun: false, deliveries: 3 });
    expect(await cleanUp({ config })).toEqual({ bucket: 'fyemeet', removed: false, uploads: [] });
    const local = { config, ids: ['47'], olderThanMs: 0 };
    expect((await removeLocalFiles({ config, dryRun: true })).recordings).toEqual([]);
    expect(await removeLocalFiles({ ...local, dryRun: true })).toMatchObject({
      recordings: [{ outcome: 'removable' }],
    });
    expect(await removeLocalFiles(local)).toMatchObject({ recordings: [{ recordingId: '47', outcome: 'removed' }] });
    expect(dirs.map(dir => existsSync(dir))).toEqual([false, true]);
  });

  test('endpoints are tested, disabled and enabled', async () => {
    const sandbox = await openSandbox();
    const desk = openDesk(sandbox);
    const config = await loadConfig({ cwd: desk.cwd, env: desk.env });
    expect(await testWebhooks({ config })).toMatchObject({ works: true, checks: [{ ok: true }, { ok: true }] });
    expect(await disableEndpoint('default', { config })).toMatchObject({ enabled: false, changed: true });
    const { deliveries } = await uploadRecording(makeRecording({ name: '49', parent: desk.cwd }), { config });
    expect(deliveries).toMatchObject([{ outcome: 'disabled' }]);
    expect(await listEndpoints({ config })).toMatchObject([
      { name: 'default', disabledReason: 'by an operator', waiting: 1 },
    ]);
    expect(await enableEndpoint('default', { config })).toMatchObject({ enabled: true, changed: true });
    expect((await retry({ config, ids: ['49'] })).deliveries).toMatchObject([{ outcome: 'delivered' }]);
    await expect(enableEndpoint('other', { config })).rejects.toMatchObject({ code: 'USAGE' });
  });

  test('writes no log', async () => {
    const desk = openDesk(await openSandbox());
    const config = await loadConfig({ cwd: desk.cwd, env: desk.env });
    await uploadRecording(makeRecording({ name: '50', parent: desk.cwd }), { config });
    expect(existsSync(config.logFile)).toBe(false);
  });

  test('an abort ends it with its reason', async () => {
    const desk = openDesk(await openSandbox());
    const dir = makeRecording({ name: '45', parent: desk.cwd });
    const config = await loadConfig({ cwd: desk.cwd, env: desk.env });
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(uploadRecording(dir, { config, signal })).rejects.toThrow('enough');
  });
});

function spawnNode(args: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}) {
  const env = { PATH: process.env.PATH, ...options.env };
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { ...options, env, encoding: 'utf8' });
  return { code: status, stdout, stderr };
}

/** The same without blocking: the sandbox lives in this process. */
function runNode(args: readonly string[], options: { cwd: string; env: NodeJS.ProcessEnv }) {
  const env = { PATH: process.env.PATH, ...options.env };
  return new Promise<{ code: number; stdout: string; stderr: string }>(done => {
    execFile(process.execPath, args, { ...options, env }, (error, stdout, stderr) =>
      done({ code: error ? 1 : 0, stdout, stderr }),
    );
  });
}

import { symlinkSync, utimesSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { openState } from '../../src/state/open.ts';
import { type Desk, openDesk, openSandbox, webhooksOf } from '../support/desk.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';
import { enqueueJson, queuedOn } from '../support/queued.ts';
import { tempDir } from '../support/temp-dir.ts';

const sandbox = await openSandbox({ receiver: { users: 'any' } });

/** The commands that a line of the output says to run. */
function commandsIn(text: string): string[][] {
  return [...text.matchAll(/recordupload ((?:watch|retry)[^,]*)/g)].map(([, words = '']) => words.trim().split(' '));
}

describe('a folder that is handed over', () => {
  test('is in the queue at exit 0 without any request, and retry uploads it as it was asked for', async () => {
    const desk = openDesk(sandbox);
    const id = freshId();
    const dir = makeRecording({ name: id });
    sandbox.s3.resetRequests();
    const { code, stdout, stderr } = await desk.run(['enqueue', dir, '--title', 'Weekly']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(`${id}: enqueued  ${dir}`);
    expect(stdout).not.toContain('waits:');
    expect(sandbox.s3.requests()).toEqual([]);
    expect(webhooksOf(sandbox, id)).toEqual([]);
    expect(await queuedOn(desk)).toMatchObject([{ dir, recordingId: id, origin: 'enqueued', reason: null }]);
    expect((await desk.run(['status'])).stdout).toContain('1 queued');
    expect((await desk.run(['retry', '--list'])).stdout).toContain(dir);
    expect(desk.log()).toEqual(['upload enqueued']);

    expect((await desk.run(['retry'])).code).toBe(0);
    expect(webhooksOf(sandbox, id).map(({ body }) => body.title)).toEqual(['Weekly']);
    expect(await queuedOn(desk)).toEqual([]);
  });

  test('says which command uploads it if no worker is running, and the command does', async () => {
    const desk = openDesk(sandbox);
    const id = freshId();
    const { stdout } = await desk.run(['enqueue', makeRecording({ name: id })]);
    const retry = commandsIn(stdout).find(([command]) => command === 'retry');
    expect((await desk.run(retry ?? [])).code).toBe(0);
    expect(webhooksOf(sandbox, id)).toHaveLength(1);
  });

  test('says which worker uploads it, too', async () => {
    const desk = openDesk(sandbox);
    const id = freshId();
    const { stdout } = await desk.run(['enqueue', makeRecording({ name: id })]);
    const watch = commandsIn(stdout).find(([command]) => command === 'watch');
    const worker = desk.start(watch ?? []);
    while (webhooksOf(sandbox, id).length === 0) await turn();
    worker.kill('SIGTERM');
    expect((await worker.result).code).toBe(0);
  });

  test('is uploaded at once by a worker that is running', async () => {
    const desk = openDesk(sandbox, { RECORDUPLOAD_SETTLE: '10m' });
    const worker = desk.start(['watch']);
    await worker.prints('watching');
    const id = freshId();
    const dir = makeRecording({ name: id });
    utimesSync(join(dir, 'video.mkv'), new Date(), new Date());
    const { stdout } = await desk.run(['enqueue', dir, '--title', 'At once']);
    expect(stdout).toContain(`worker: recordupload watch runs as process ${worker.pid}`);
    while (webhooksOf(sandbox, id).length === 0) await turn();
    expect(webhooksOf(sandbox, id).map(({ body }) => body.title)).toEqual(['At once']);
    worker.kill('SIGTERM');
    await worker.result;
    expect((await enqueueJson(desk, [dir])).worker).toBeNull();
  });

  test('says so if a worker is running, with its process; so do status and doctor', async () => {
    // Doctor sends requests without a body.
    const desk = openDesk(await openSandbox());
    await using state = await openStateOf(desk);
    expect(await state.takeWorker(Date.now())).toMatchObject({ ok: true });
    const { stdout } = await desk.run(['enqueue', makeRecording()]);
    expect(stdout).toContain(`worker: recordupload watch runs as process ${process.pid}`);
    expect(commandsIn(stdout.replace(/worker: .*/, ''))).toEqual([]);
    expect((await desk.run(['status'])).stdout).toContain(
      `worker    recordupload watch runs as process ${process.pid}`,
    );
    expect((await desk.run(['status'])).stdout).not.toContain('next: recordupload retry');
    const doctor = (await desk.run(['doctor'])).stdout;
    expect(doctor).toContain(`worker: recordupload watch runs as process ${process.pid}`);
    expect(doctor).toContain('1 folder queued, the oldest for');
    expect((await enqueueJson(desk, [makeRecording()])).worker).toMatchObject({ pid: process.pid });
  });

  test('prints nothing with --quiet', async () => {
    const { code, stdout, stderr } = await openDesk(sandbox).run(['enqueue', makeRecording(), '--quiet']);
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  test('is the same with upload --detach, which refuses what is about its own process', async () => {
    const desk = openDesk(sandbox);
    const id = freshId();
    const dir = makeRecording({ name: id });
    sandbox.s3.resetRequests();
    expect((await desk.run(['upload', '--detach', dir, '--title', 'Detached'])).stdout).toContain(`${id}: enqueued`);
    expect(sandbox.s3.requests()).toEqual([]);
    for (const other of [['--no-wait'], ['--wait', '5m'], ['--bucket', 'other'], ['--dry-run'], ['--sandbox']]) {
      const { code, stderr } = await desk.run(['upload', '--detach', makeRecording(), ...other]);
      expect({ code, stderr }).toMatchObject({ code: 2 });
      expect(stderr).toContain(`${other[0]} cannot be used with --detach`);
    }
    expect(await queuedOn(desk)).toHaveLength(1);
    expect((await desk.run(['retry'])).code).toBe(0);
    expect(webhooksOf(sandbox, id).map(({ body }) => body.title)).toEqual(['Detached']);
  });

  test('twice, by other paths, is one entry, and what is asked last counts', async () => {
    const desk = openDesk(sandbox);
    const id = freshId();
    const dir = makeRecording({ name: id, parent: desk.cwd });
    const link = join(tempDir(), 'link');
    symlinkSync(dir, link);
    for (const path of [dir, `${dir}/`, relative(desk.cwd, dir), link]) {
      expect((await desk.run(['enqueue', path, '--title', path])).code).toBe(0);
    }
    expect((await desk.run(['enqueue', dir, link, '--title', 'Last'])).code).toBe(0);
    expect(await queuedOn(desk)).toMatchObject([{ dir, recordingId: id }]);
    expect((await desk.run(['retry'])).code).toBe(0);
    expect(webhooksOf(sandbox, id).map(({ body }) => body.title)).toEqual(['Last']);
  });

  test('together with others, below one folder, by several processes at once', async () => {
    const desk = openDesk(sandbox);
    const root = tempDir();
    const ids = Array.from({ length: 6 }, freshId);
    for (const id of ids) makeRecording({ name: id, parent: root });
    const dirs = ids.map(id => join(root, id));
    const calls = [...dirs.map(dir => [dir]), dirs, ['--recursive', root], dirs.slice(0, 2)];
    const runs = await Promise.all(calls.map(call => desk.run(['enqueue', ...call, '--quiet'])));
    expect(runs.map(({ code }) => code)).toEqual(calls.map(() => 0));
    expect((await queuedOn(desk)).map(({ dir }) => dir).sort()).toEqual(dirs.toSorted());
    expect((await desk.run(['retry'])).code).toBe(0);
    for (const id of ids) expect(webhooksOf(sandbox, id)).toHaveLength(1);
  });

  test('beside another folder of the same ID is not uploaded, and says which it is; --force is the last word', async () => {
    const desk = openDesk(sandbox);
    const id = freshId();
    const dirs = [makeRecording({ name: id }), makeRecording({ name: id })];
    expect((await desk.run(['enqueue', ...dirs])).code).toBe(0);
    expect((await desk.run(['retry'])).stdout).toContain(`waits: it is recording ${id}, and so is`);
    const [waiting] = await queuedOn(desk);
    const other = dirs.find(dir => dir !== waiting?.dir);
    expect(waiting?.reason).toBe(`it is recording ${id}, and so is ${other}`);
    expect((await desk.run(['retry'])).code).toBe(0);
    expect(await queuedOn(desk)).toHaveLength(1);
    expect((await desk.run(['enqueue', '--force', waiting?.dir ?? ''])).code).toBe(0);
    expect((await desk.run(['retry'])).code).toBe(0);
    expect(await queuedOn(desk)).toEqual([]);
  });

  test('while it is being uploaded, is asked for again: nothing is sent twice', async () => {
    const desk = openDesk(sandbox);
    const id = freshId();
    const dir = makeRecording({ name: id });
    const key = `${id}/video.mkv`;
    const gate = sandbox.faults.add({ server: 's3', operation: 'PutObject', key, action: { delayMs: 1_500 } });
    const upload = desk.start(['upload', dir, '--quiet']);
    while (gate.hits() === 0) await turn();
    expect((await desk.run(['enqueue', dir, '--quiet'])).code).toBe(0);
    expect((await upload.result).code).toBe(0);
    expect(await queuedOn(desk)).toHaveLength(1);
    expect((await desk.run(['retry'])).code).toBe(0);
    expect(await queuedOn(desk)).toEqual([]);
    const puts = sandbox.s3.requests().filter(one => one.operation === 'PutObject' && one.key === key);
    expect(puts).toHaveLength(1);
  });

  test('is listed among the recordings', async () => {
    const desk = openDesk(sandbox);
    const [done, waiting, refused] = [freshId(), freshId(), freshId()];
    await desk.run(['upload', makeRecording({ name: done })]);
    await desk.run(['upload', makeRecording({ name: refused, files: { 'video.mkv': null } })]);
    await desk.run(['enqueue', makeRecording({ name: waiting, files: { 'video.mkv': null } })]);
    const idsOf = async (...options: string[]) => {
      const { stdout } = await desk.run(['list', ...options]);
      return [done, waiting, refused].filter(id => stdout.split(/\s+/).includes(id));
    };
    expect(await idsOf()).toEqual([done, waiting, refused]);
    expect(await idsOf('--state', 'queued')).toEqual([waiting]);
    expect(await idsOf('--state', 'refused')).toEqual([refused]);
    expect(await idsOf('--state', 'done')).toEqual([done]);
    expect(await idsOf('--limit', '1')).toEqual([waiting]);
    expect((await desk.run(['list', '--state', 'queued'])).stdout).toMatch(/queued .* has no video/);
  });

  test('can be ended before it begins', async () => {
    const desk = openDesk(sandbox);
    const [byId, byPath] = [makeRecording(), makeRecording()];
    await desk.run(['enqueue', byId, byPath]);
    expect((await desk.run(['forget', basename(byId)])).code).toBe(0);
    expect((await desk.run(['forget', byPath])).code).toBe(0);
    expect(await queuedOn(desk)).toEqual([]);
  });
});

const turn = () => new Promise(resolve => setTimeout(resolve, 20));

async function openStateOf(desk: Desk) {
  const state = await openState(desk.stateDir);
  return Object.assign(state, { [Symbol.asyncDispose]: () => state.close() });
}

import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { openState } from '../../src/state/open.ts';
import { type Desk, openDesk, openSandbox, readJson, webhooksOf } from '../support/desk.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';
import { tempDir } from '../support/temp-dir.ts';

const sandbox = await openSandbox({ receiver: { users: 'any' } });

interface Queued {
  dir: string;
  recordingId: string;
  origin: string;
  reason: string | null;
  hint: string | null;
}

async function queuedOn(desk: Desk): Promise<Queued[]> {
  const { result } = readJson<{ queued: Queued[] }>(await desk.run(['status', '--json']));
  return result.queued;
}

interface Enqueued {
  recordings: { dir: string; outcome: string; recordingId?: string; waitsFor?: { message: string } | null }[];
  worker: { pid: number; since: string } | null;
}

async function enqueueJson(desk: Desk, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Enqueued> {
  return readJson<Enqueued>(await desk.run(['enqueue', ...args, '--json'], { env })).result;
}

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

  test('while it is being uploaded, is asked for again: nothing is sent twice', async () => {
    const desk = openDesk(sandbox);
    const id = freshId();
    const dir = makeRecording({ name: id });
    const key = `${id}/video.mkv`;
    const gate = sandbox.faults.add({ server: 's3', operation: 'PutObject', key, action: { delayMs: 1_500 } });
    const upload = desk.start(['upload', dir, '--quiet']);
    while (gate.hits() === 0) await new Promise(resolve => setTimeout(resolve, 20));
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

describe('a folder that cannot be uploaded yet', () => {
  const cases: [string, Parameters<typeof makeRecording>[0], string][] = [
    ['has no video', { files: { 'video.mkv': null } }, 'has no video'],
    ['has an empty video', { videoBytes: 0 }, 'is empty'],
    ['has an unfinished video', { files: { 'video.mkv': null, 'video.mkv.part': 'x' } }, 'has no video yet'],
    ['has half a sidecar', { files: { 'recording.json': '{"title": "Wee' } }, 'recording.json'],
    ['has two videos', { files: { 'video.mp4': 'x' } }, 'more than one video'],
  ];
  test.each(cases)('because it %s is taken and waits with that reason', async (_, files, reason) => {
    const desk = openDesk(sandbox);
    const dir = makeRecording({ ...files });
    const { code, stdout } = await desk.run(['enqueue', dir]);
    expect(code).toBe(0);
    expect(stdout).toContain('waits: ');
    expect(stdout).toContain(reason);
    expect(await queuedOn(desk)).toMatchObject([{ dir, reason: expect.stringContaining(reason) }]);
    expect((await desk.run(['status'])).code).toBe(0);
    // It begins by itself, so nobody has to act.
    expect((await desk.run(['retry'])).code).toBe(0);
    expect(await queuedOn(desk)).toHaveLength(1);
  });

  test('because it is empty is uploaded once it is complete', async () => {
    const desk = openDesk(sandbox);
    const id = freshId();
    const dir = join(tempDir(), id);
    mkdirSync(dir);
    expect((await desk.run(['enqueue', dir, '--title', 'Early'])).code).toBe(0);
    renameSync(join(makeRecording(), 'video.mkv'), join(dir, 'video.mkv'));
    expect((await desk.run(['retry'])).code).toBe(0);
    expect(webhooksOf(sandbox, id).map(({ body }) => body.title)).toEqual(['Early']);
  });

  test('because there are no access keys waits for them, also after a retry', async () => {
    const desk = openDesk(sandbox);
    const id = freshId();
    const env = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined };
    const [recording] = (await enqueueJson(desk, [makeRecording({ name: id })], env)).recordings;
    expect(recording).toMatchObject({ recordingId: id, outcome: 'enqueued' });
    expect(recording?.waitsFor?.message).toContain('no access keys');
    expect((await desk.run(['retry'], { env })).code).toBe(2);
    expect(await queuedOn(desk)).toMatchObject([
      { recordingId: id, reason: expect.stringContaining('no access keys') },
    ]);
    expect((await desk.run(['retry'])).code).toBe(0);
    expect(webhooksOf(sandbox, id)).toHaveLength(1);
  });

  test('because the secrets cannot be used now is taken all the same', async () => {
    const desk = openDesk(sandbox);
    const id = freshId();
    const dir = makeRecording({ name: id });
    const env = { WEBHOOK_TOKEN: undefined, WEBHOOK_TOKEN_FILE: join(desk.home, 'nowhere') };
    const { code, stderr } = await desk.run(['enqueue', dir], { env });
    expect(code).toBe(0);
    expect(stderr).toContain('WEBHOOK_TOKEN_FILE');
    expect(await queuedOn(desk)).toHaveLength(1);
    expect((await desk.run(['enqueue', dir], { env: { WEBHOOK_TOKEN: undefined } })).stdout).toContain(
      'webhooks to default wait until it has a token',
    );
  });

  test('gets the ID of a sidecar that appears later', async () => {
    const desk = openDesk(sandbox);
    const id = freshId();
    const dir = makeRecording({ files: { 'recording.json': '{"reco' } });
    expect((await desk.run(['enqueue', dir])).code).toBe(0);
    writeFileSync(join(dir, 'recording.json'), JSON.stringify({ recording_id: Number(id) }));
    expect((await desk.run(['retry'])).code).toBe(0);
    expect(webhooksOf(sandbox, id)).toHaveLength(1);
    expect(await queuedOn(desk)).toEqual([]);
  });
});

describe('a folder that can never be uploaded is refused with one line and exit status 2', () => {
  const named = (name: string) => makeRecording({ name });
  const cases: [string, () => string[], string][] = [
    ['it does not exist', () => [join(tempDir(), 'nowhere')], 'does not exist'],
    ['it is a file', () => [join(makeRecording(), 'video.mkv')], 'is not a folder'],
    ['a link leads nowhere', () => [linkTo('nowhere')], 'does not exist'],
    ['its name is no ID', () => [named('a b')], 'is not a valid recording ID'],
    ['its sidecar has no valid ID', () => [withSidecar('{"recording_id": "a/b"}')], 'is not a valid recording ID'],
    ['the ID is not valid', () => [makeRecording(), '--id', 'a b'], 'is not a valid recording ID'],
    ['the path is empty', () => [''], 'its path is an empty text'],
    [
      'one ID is given for two',
      () => [makeRecording(), makeRecording(), '--id', '7'],
      '--id goes with one folder only',
    ],
    ['an option is wrong', () => [makeRecording(), '--email', 'ada'], 'is not an e-mail address'],
    ['nothing is below it', () => ['--recursive', tempDir()], 'has no recording below it'],
  ];
  test.each(cases)('%s', async (_, args, says) => {
    const desk = openDesk(sandbox);
    const { code, stdout, stderr } = await desk.run(['enqueue', ...args()]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(says);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(await queuedOn(desk)).toEqual([]);
  });

  test('and does not keep the others from being taken', async () => {
    const desk = openDesk(sandbox);
    const dir = makeRecording();
    const { code, stdout, stderr } = await desk.run(['enqueue', '', '/nowhere', dir]);
    expect(code).toBe(2);
    expect(stdout).toContain(`${dir}\n`);
    expect(stderr).toContain('not enqueued: /nowhere does not exist');
    expect(await queuedOn(desk)).toMatchObject([{ dir }]);
    expect(desk.log().sort()).toEqual(['upload enqueued', 'upload refused', 'upload refused']);
  });
});

describe('where the state cannot keep it, nothing is taken, and that is said', () => {
  test('because a file is in its place', async () => {
    const desk = openDesk(sandbox);
    mkdirSync(join(desk.stateDir, '..'), { recursive: true });
    writeFileSync(desk.stateDir, 'not a folder');
    const dir = makeRecording();
    const { code, stdout, stderr } = await desk.run(['enqueue', dir]);
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
    expect(stderr).toContain(`nothing was enqueued; to upload without the state: recordupload upload ${dir}`);
  });

  test('because a newer version has written it', async () => {
    const desk = openDesk(sandbox);
    mkdirSync(desk.stateDir, { recursive: true, mode: 0o700 });
    const { DatabaseSync } = await import('node:sqlite');
    const database = new DatabaseSync(join(desk.stateDir, 'state.db'));
    database.exec('PRAGMA user_version = 999');
    database.close();
    const { code, stderr } = await desk.run(['enqueue', makeRecording()]);
    expect(code).toBe(4);
    expect(stderr).toContain('was written by a newer version');
    expect(stderr).toContain('nothing was enqueued');
  });
});

function linkTo(target: string): string {
  const link = join(tempDir(), 'link');
  symlinkSync(join(tempDir(), target), link);
  return link;
}

function withSidecar(text: string): string {
  return makeRecording({ files: { 'recording.json': text } });
}

async function openStateOf(desk: Desk) {
  const state = await openState(desk.stateDir);
  return Object.assign(state, { [Symbol.asyncDispose]: () => state.close() });
}

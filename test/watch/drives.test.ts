import { spawnSync } from 'node:child_process';
import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { type Desk, openDesk, openSandbox, sentBytes } from '../support/desk.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';
import { openRecorder, QUICK, startWorker, until } from './support.ts';

/*
 * Drives that go while something on them is uploaded, and come back. Only root may mount; machines that let nobody leave
 * those tests out.
 */

const sandbox = await openSandbox();
const MIB = 1024 * 1024;
const mounts: string[] = [];
const system = (program: string, ...args: string[]) => spawnSync(program, args, { encoding: 'utf8' });
afterEach(() => {
  sandbox.faults.clear();
  for (const at of mounts.splice(0).reverse()) while (system('umount', '-l', at).status === 0);
});

/** A disk that is mounted at a folder, goes, and comes back with the same files. */
function openDrive(home: string): { at: string; kept: string; mount(): void; unmount(): void } | undefined {
  const [kept, at] = [join(home, 'kept'), join(home, 'drive')];
  for (const dir of [kept, at]) mkdirSync(dir);
  if (system('mount', '-t', 'tmpfs', '-o', 'size=128m', 'tmpfs', kept).status !== 0) return undefined;
  mounts.push(kept, at);
  const run = (...words: [string, ...string[]]) => expect(system(...words)).toMatchObject({ status: 0 });
  return {
    at,
    kept,
    mount: () => run('mount', '--bind', kept, at),
    // Programs have files of it open.
    unmount: () => run('umount', '-l', at),
  };
}

const linesWith = (text: string, part: string) => text.split('\n').filter(line => line.includes(part));
const partsOf = (key: string) => sandbox.s3.uploads().find(one => one.key === key)?.parts.length ?? 0;
const objectOf = (key: string) => sandbox.s3.objects().find(one => one.key === key);

/** Parts from the third one on hang until the fault is removed. */
function hang(key: string): void {
  const fault = { server: 's3' as const, operation: 'UploadPart' as const, key, from: 3, action: { delayMs: 2_000 } };
  sandbox.faults.add({ ...fault, times: Number.POSITIVE_INFINITY });
}

const ENV = { ...QUICK, RECORDUPLOAD_CONCURRENCY: '1' };
const DRIVE = openDrive(openDesk(sandbox).home);
const withDrives = DRIVE ? describe : describe.skip;

/** The upload of a recording of 40 MiB in a folder, stuck after its second part. */
async function stuckUpload(desk: Desk, root: string) {
  const id = freshId();
  const key = `${id}/video.mkv`;
  hang(key);
  const worker = await startWorker(sandbox, { desk, args: [root] });
  renameSync(makeRecording({ parent: join(root, '.new'), name: id, videoBytes: 40 * MIB }), join(root, id));
  await until('two parts are stored', () => partsOf(key) >= 2);
  return { id, key, worker };
}

withDrives('a drive', () => {
  test('that goes in the middle of an upload: nothing is given up, and it is finished once the drive is back', async () => {
    const desk = openDesk(sandbox, ENV);
    const drive = openDrive(desk.home)!;
    drive.mount();
    const { id, key, worker } = await stuckUpload(desk, drive.at);
    drive.unmount();
    await worker.prints(`${drive.at} is another folder now`);
    sandbox.faults.clear();
    await worker.prints(`✘ ${id}: upload incomplete`);
    const sent = sentBytes(sandbox, id)[key];
    drive.mount();
    const text = await worker.prints(`✔ ${id}: uploaded`);
    expect(linesWith(text, 'is another folder now')).toHaveLength(2);
    expect(linesWith(text, `✘ ${id}`)).toHaveLength(1);
    expect(text).toContain(`↻ ${key}: resuming at`);
    expect(objectOf(key)?.size).toBe(40 * MIB);
    expect(sentBytes(sandbox, id)[key]).toBeLessThanOrEqual(sent! + 8 * MIB);
  });

  test('that goes while something is recorded on it: its parts wait, and it is finished once the drive is back', async () => {
    const desk = openDesk(sandbox, ENV);
    const drive = openDrive(desk.home)!;
    drive.mount();
    const id = freshId();
    const key = `${id}/video.mkv`;
    const worker = await startWorker(sandbox, { desk, args: [drive.at] });
    const recorder = openRecorder(join(drive.kept, id));
    recorder.write(Buffer.alloc(40 * MIB, 'a'));
    await until('two parts are stored', () => {
      recorder.write('b');
      return partsOf(key) >= 2;
    });
    drive.unmount();
    await worker.prints(`✘ ${join(drive.at, id)}: ${join(drive.at, id)} does not exist`);
    expect(partsOf(key)).toBeGreaterThanOrEqual(2);
    drive.mount();
    recorder.write(Buffer.alloc(10 * MIB, 'c'));
    recorder.close();
    const text = await worker.prints(`✔ ${id}: uploaded`);
    expect(linesWith(text, 'given up')).toEqual([]);
    expect(linesWith(text, 'does not exist')).toHaveLength(1);
    expect(text).toContain(`↻ ${key}: resuming at`);
    expect(objectOf(key)?.size).toBeGreaterThan(50 * MIB);
  });

  test('that another one is mounted over: what is on that one is uploaded, and the first one is waited for', async () => {
    const desk = openDesk(sandbox, ENV);
    const drive = openDrive(desk.home)!;
    const other = freshId();
    const { id, key, worker } = await stuckUpload(desk, drive.at);
    drive.mount();
    await worker.prints(`${drive.at} is another folder now`);
    sandbox.faults.clear();
    await worker.prints(`✘ ${id}: upload incomplete`);
    makeRecording({ name: other, parent: drive.at });
    await worker.prints(`✔ ${other}: uploaded`);
    drive.unmount();
    const text = await worker.prints(`✔ ${id}: uploaded`);
    expect(linesWith(text, 'given up')).toEqual([]);
    expect(objectOf(key)?.size).toBe(40 * MIB);
  });
});

test('an empty folder in place of the root is no reason to give anything up', async () => {
  const desk = openDesk(sandbox, ENV);
  const root = join(desk.cwd, 'recordings');
  const { id, key, worker } = await stuckUpload(desk, root);
  renameSync(root, `${root}-away`);
  mkdirSync(root);
  await worker.prints(`${root} is another folder now`);
  sandbox.faults.clear();
  await worker.prints(`✘ ${id}: upload incomplete`);
  renameSync(root, `${root}-empty`);
  renameSync(`${root}-away`, root);
  const text = await worker.prints(`✔ ${id}: uploaded`);
  expect(linesWith(text, 'given up')).toEqual([]);
  expect(linesWith(text, 'is another folder now')).toHaveLength(2);
  expect(objectOf(key)?.size).toBe(40 * MIB);
});

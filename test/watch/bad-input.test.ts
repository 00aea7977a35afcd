import { appendFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { openDesk, openSandbox, webhooksOf } from '../support/desk.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';
import { moveIn, openRecorder, QUICK, startWorker, until, type Watching } from './support.ts';

/* What goes wrong around the worker: each is said once, and the worker lives on. */

const sandbox = await openSandbox();
afterEach(() => sandbox.faults.clear());
const MIB = 1024 * 1024;

const linesWith = (text: string, part: string) => text.split('\n').filter(line => line.includes(part));

/** The worker still works: it uploads another recording. */
async function livesOn({ root, prints }: Pick<Watching, 'root' | 'prints'>): Promise<string> {
  const id = freshId();
  moveIn(root, { name: id });
  return await prints(`✔ ${id}: uploaded 3 files`);
}

describe('roots', () => {
  test('that is not there, vanishes and comes back is said each time, and what is new in it is found', async () => {
    const desk = openDesk(sandbox, QUICK);
    const root = join(desk.cwd, 'drive');
    const worker = await startWorker(sandbox, { desk, args: [root] });
    await worker.prints(`${root} is not there; it is looked at again every 2.0 s`);
    mkdirSync(root);
    await worker.prints(`${root} is there now`);
    await livesOn({ root, prints: worker.prints });
    renameSync(root, join(desk.cwd, 'away'));
    const back = freshId();
    makeRecording({ name: back, parent: join(desk.cwd, 'away') });
    await until('the second warning', () => desk.log().filter(line => line.includes('is not there')).length === 2);
    renameSync(join(desk.cwd, 'away'), root);
    const text = await worker.prints(`✔ ${back}: uploaded 3 files`);
    expect(linesWith(text, 'is there now')).toHaveLength(2);
    expect(linesWith(text, 'given up')).toEqual([]);
  });

  test('that is a file, or below another one, is said once; what lies in both is uploaded once', async () => {
    const desk = openDesk(sandbox, QUICK);
    const [file, root, inner] = [join(desk.cwd, 'file'), join(desk.cwd, 'root'), join(desk.cwd, 'root', 'inner')];
    writeFileSync(file, '');
    const id = freshId();
    makeRecording({ name: id, parent: inner });
    const worker = await startWorker(sandbox, { desk, args: [file, root, inner] });
    await worker.prints(`✔ ${id}: uploaded 3 files`);
    const text = await livesOn({ root, prints: worker.prints });
    expect(linesWith(text, 'is a file, not a folder')).toHaveLength(1);
    expect(linesWith(text, `${inner} lies below ${root}: what is in both counts once`)).toHaveLength(1);
    expect(linesWith(text, `✔ ${id}:`)).toHaveLength(1);
  });

  test('with the same ID in two of them: the first one counts, the other one is refused', async () => {
    const desk = openDesk(sandbox, QUICK);
    const [one, two] = [join(desk.cwd, 'one'), join(desk.cwd, 'two')];
    const id = freshId();
    makeRecording({ name: id, parent: one });
    mkdirSync(two);
    const worker = await startWorker(sandbox, { desk, args: [one, two] });
    await worker.prints(`✔ ${id}: uploaded 3 files`);
    makeRecording({ name: id, parent: two });
    await worker.prints(`it is recording ${id}, and so is ${join(one, id)}`);
    const text = await livesOn({ root: one, prints: worker.prints });
    expect(linesWith(text, 'and so is')).toHaveLength(1);
    expect(webhooksOf(sandbox, id)).toHaveLength(1);
    const sidecar = JSON.stringify({ recording_id: freshId() });
    writeFileSync(join(two, id, 'recording.json'), sidecar);
    await worker.prints(`✔ ${(JSON.parse(sidecar) as { recording_id: string }).recording_id}: uploaded 3 files`);
  });
});

describe('a recording that goes while it is uploaded', () => {
  /** A worker whose third part hangs until the fault is removed. */
  async function stuckUpload() {
    const id = freshId();
    const key = `${id}/video.mkv`;
    const hang = { server: 's3' as const, operation: 'UploadPart', key, from: 3, action: { delayMs: 3_000 } };
    sandbox.faults.add({ ...hang, times: Number.POSITIVE_INFINITY });
    const worker = await startWorker(sandbox, { env: { RECORDUPLOAD_CONCURRENCY: '1' } });
    const dir = moveIn(worker.root, { name: id, videoBytes: 32 * MIB });
    await until(
      'two parts are stored',
      () => (sandbox.s3.uploads().find(one => one.key === key)?.parts.length ?? 0) >= 2,
    );
    return { id, key, dir, worker };
  }

  test('deleted: it is given up, its parts are removed, and that is said once', async () => {
    const { id, key, dir, worker } = await stuckUpload();
    rmSync(dir, { recursive: true });
    await worker.prints(`✘ ${id}: given up, because its folder is gone`);
    const text = await livesOn(worker);
    expect(linesWith(text, `✘ ${id}:`)).toHaveLength(1);
    expect(sandbox.s3.uploads().filter(one => one.key === key)).toEqual([]);
    expect((await worker.desk.run(['status'])).stdout).toContain('0 uploading, 0 partial');
  });

  test('renamed: it is given up, and uploaded under its new name', async () => {
    const { id, key, dir, worker } = await stuckUpload();
    const renamed = freshId();
    renameSync(dir, join(worker.root, renamed));
    await worker.prints(`✘ ${id}: given up, because its folder is gone`);
    await worker.prints(`✔ ${renamed}: uploaded 3 files`);
    expect(sandbox.s3.uploads().filter(one => one.key === key)).toEqual([]);
    expect(sandbox.s3.objects().find(one => one.key === `${renamed}/video.mkv`)?.size).toBe(32 * MIB);
  });

  test('growing: it is not completed as it was; it is uploaded once it is finished, and the log says so', async () => {
    const { id, key, dir, worker } = await stuckUpload();
    const recorder = openRecorder(dir);
    recorder.write('the recorder goes on');
    const text = await worker.prints('it changed while it was being uploaded');
    expect(linesWith(text, `✘ ${id}:`)).toHaveLength(1);
    expect(sandbox.s3.objects().find(one => one.key === key)).toBeUndefined();
    sandbox.faults.clear();
    recorder.close();
    await worker.prints(`✔ ${id}: uploaded 3 files`);
    expect(sandbox.s3.objects().find(one => one.key === key)?.size).toBe(32 * MIB + 20);
    expect(worker.desk.log()).toContain('upload incomplete');
  });
});

test('a folder that is no usable recording is refused once, and uploaded once somebody has mended it', async () => {
  const worker = await startWorker(sandbox);
  const id = freshId();
  const dir = moveIn(worker.root, { name: id, files: { 'recording.json': '{ not JSON' } });
  await worker.prints(`✘ ${dir}`);
  const text = await livesOn(worker);
  expect(linesWith(text, `✘ ${dir}`)).toHaveLength(1);
  expect((await worker.desk.run(['status'])).stdout).toContain('1 refused');
  writeFileSync(join(dir, 'recording.json'), '{}');
  appendFileSync(join(dir, 'transcript.txt'), 'Ada: that is all\n');
  await worker.prints(`✔ ${id}: uploaded 3 files`);
});

import { appendFileSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { RecordedFile } from '../core/upload/recorders.ts';
import { openSandbox, readJson, webhooksOf } from '../support/desk.ts';
import { CONTAINERS, type Container, makeClip, startWriter } from '../support/ffmpeg-writer.ts';
import { freshId } from '../support/make-recording.ts';
import { tempDir } from '../support/temp-dir.ts';
import { startWorker, until, type Watching } from './support.ts';

/* Recordings that go up while they are recorded: `recordupload watch` as it is built, real writers, the sandbox as store. */

const sandbox = await openSandbox();
const { s3 } = sandbox;
const clip = makeClip(tempDir());
const MIB = 1024 * 1024;

const partsOf = (id: string) => s3.uploads().find(({ key }) => key.startsWith(`${id}/`))?.parts ?? [];
const keysOf = (id: string) => s3.objects().filter(({ key }) => key.startsWith(`${id}/`));
const sentParts = (id: string) =>
  s3
    .requests()
    .filter(({ operation, key }) => operation === 'UploadPart' && key.startsWith(`${id}/`))
    .map(({ partNumber }) => partNumber);
/** The log's line of its end. */
const endOf = (worker: Watching, id: string) =>
  readFileSync(join(worker.desk.stateDir, 'logs/app.log'), 'utf8')
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as { recording?: string; keptParts?: number; msg: string })
    .find(({ recording, keptParts }) => recording === id && keptParts !== undefined);

/** A recorder in this process that has written 30 MiB, three parts of which can go up. */
function record(worker: Watching, id = freshId(), name = 'video.mkv') {
  const dir = join(worker.root, id);
  mkdirSync(dir, { recursive: true });
  const path = join(dir, name);
  const file = new RecordedFile(path);
  file.append(10 * MIB);
  const growing = (async () => {
    // Only what grows before the worker's eyes goes up.
    for (let step = 0; step < 10; step++) {
      await sleep(100);
      file.append(2 * MIB);
    }
  })();
  return { id, dir, path, file, growing };
}

async function goesUp(id: string, parts = 2): Promise<void> {
  await until(`${parts} parts of ${id} are in the bucket`, () => partsOf(id).length >= parts);
}

async function isUploaded(id: string, path: string, name = 'video.mkv'): Promise<void> {
  await until(`${id} is announced`, () => webhooksOf(sandbox, id).some(({ status }) => status === 201));
  expect((await s3.read(`${id}/${name}`)).equals(readFileSync(path))).toBe(true);
  expect(partsOf(id)).toEqual([]);
}

describe('a recording of ffmpeg', () => {
  const containers = Object.keys(CONTAINERS) as Container[];
  test.each(containers.filter(name => name !== 'MP4, fast start'))(
    'as %s goes up while it is recorded; little is left at its end, and nothing shows before',
    async container => {
      const worker = await startWorker(sandbox, { env: { RECORDUPLOAD_SETTLE: '0.5s' } });
      const id = freshId();
      const dir = join(worker.root, id);
      mkdirSync(dir);
      const writer = startWriter(container, dir, clip, { bytes: 36 * MIB, bytesPerSecond: 18 * MIB });
      await goesUp(id, 1);
      expect(keysOf(id)).toEqual([]);
      expect(readJson(await worker.desk.run(['status', '--json']))).toMatchObject({
        result: { counts: { recording: 1, uploading: 0, partial: 0 }, alarms: [] },
      });
      expect(await writer.ended).toBe(0);
      const { name } = CONTAINERS[container];
      await isUploaded(id, writer.path, name);
      const text = await worker.stop();
      expect(text).toContain(`● ${id}: ${name} goes up while it is recorded`);
      expect(endOf(worker, id)?.keptParts).toBeGreaterThanOrEqual(2);
      expect(text).toContain('live upload ended');
    },
  );

  test('with fast start is rewritten as a whole at its end, and has the new bytes', async () => {
    const worker = await startWorker(sandbox, { env: { RECORDUPLOAD_SETTLE: '0.5s' } });
    const id = freshId();
    const dir = join(worker.root, id);
    mkdirSync(dir);
    const writer = startWriter('MP4, fast start', dir, clip, { bytes: 36 * MIB, bytesPerSecond: 18 * MIB });
    await goesUp(id, 1);
    expect(await writer.ended).toBe(0);
    await isUploaded(id, writer.path, 'video.mp4');
    await worker.stop();
  });
});

describe('a recording in progress', () => {
  test('keeps its parts when the worker is stopped or killed, and the next one goes on with them', async () => {
    const first = await startWorker(sandbox);
    const { id, path, file, growing } = record(first);
    await growing;
    await goesUp(id);
    await first.stop();
    expect((await first.result).code).toBe(0);
    const second = await startWorker(sandbox, { desk: first.desk });
    file.append(9 * MIB);
    await sleep(50);
    file.append(1);
    await goesUp(id, 3);
    second.kill('SIGKILL');
    await second.result;
    const third = await startWorker(sandbox, { desk: first.desk });
    file.close();
    await isUploaded(id, path);
    const sent = sentParts(id);
    expect(new Set(sent).size).toBe(sent.length);
    await third.stop();
  });

  test('that is rewritten as a whole at its end is sent as a whole, and the log says why live did not help', async () => {
    const worker = await startWorker(sandbox);
    const { id, path, file, growing } = record(worker);
    await growing;
    file.append(20 * MIB);
    await goesUp(id, 5);
    file.shift(MIB + 11);
    file.overwrite(0, MIB + 11);
    file.close();
    await isUploaded(id, path);
    expect(await worker.stop()).toContain('live upload did not help');
    expect(endOf(worker, id)).toMatchObject({
      msg: expect.stringContaining('as if the recorder had rewritten it as a whole'),
    });
  });

  test('whose worker is gone is finished by retry, once it is finished', async () => {
    const worker = await startWorker(sandbox);
    const { id, path, file, growing } = record(worker);
    await growing;
    await goesUp(id);
    worker.kill('SIGKILL');
    await worker.result;
    file.close();
    const { code } = await worker.desk.run(['retry']);
    expect(code).toBe(0);
    await isUploaded(id, path);
    // A part that arrived and was not noted any more is found in the bucket.
    expect(endOf(worker, id)?.keptParts).toBeGreaterThanOrEqual(1);
  });

  test('is left alone by retry while its worker lives', async () => {
    const worker = await startWorker(sandbox);
    const { id, path, file, growing } = record(worker);
    await growing;
    await goesUp(id);
    const retry = await worker.desk.run(['retry', '--json']);
    expect(readJson(retry)).toMatchObject({ ok: true, result: { uploads: [] } });
    expect(keysOf(id)).toEqual([]);
    file.close();
    await isUploaded(id, path);
    await worker.stop();
  });

  test('goes up from a folder that was enqueued too early, without any root, under the ID that was asked for', async () => {
    const worker = await startWorker(sandbox, { args: [] });
    const [name, id] = [freshId(), freshId()];
    const { dir, path, file, growing } = record(worker, name);
    const { code } = await worker.desk.run(['enqueue', dir, '--id', id, '--title', 'Planning']);
    expect(code).toBe(0);
    await growing;
    await goesUp(id);
    file.close();
    await isUploaded(id, path);
    expect(webhooksOf(sandbox, id)).toMatchObject([{ body: { title: 'Planning' } }]);
    expect(sentParts(name)).toEqual([]);
    await worker.stop();
  });

  test('is not sent before its end with watch.liveBandwidth 0', async () => {
    const worker = await startWorker(sandbox, { env: { RECORDUPLOAD_WATCH_LIVE_BANDWIDTH: '0' } });
    const { id, path, file, growing } = record(worker);
    await growing;
    await sleep(1_000);
    expect(s3.requests().filter(({ key }) => key?.startsWith(`${id}/`))).toEqual([]);
    file.close();
    await isUploaded(id, path);
    expect(await worker.stop()).not.toContain('goes up while it is recorded');
  });

  test('whose ID the bucket has already is not sent, and its upload is refused', async () => {
    const id = freshId();
    const other = await startWorker(sandbox);
    const theirs = record(other, id);
    await theirs.growing;
    theirs.file.close();
    await isUploaded(id, theirs.path);
    await other.stop();
    const sent = sentParts(id).length;

    const worker = await startWorker(sandbox);
    const { file, growing } = record(worker, id);
    file.overwrite(5, 64);
    await growing;
    const text = await worker.prints(`${id}: video.mkv does not go up while it is recorded: the bucket has another`);
    expect(text).toBeTruthy();
    file.close();
    await worker.prints(`recording ${id}: the bucket has another one with this id`);
    expect(sentParts(id)).toHaveLength(sent);
    await worker.stop();
  });

  test('whose sidecar names another ID in the meantime begins again under that, said once', async () => {
    const worker = await startWorker(sandbox);
    const { id, dir, path, file, growing } = record(worker);
    const late = freshId();
    await growing;
    await goesUp(id);
    writeFileSync(join(dir, 'recording.json'), JSON.stringify({ recording_id: Number(late) }));
    file.append(1);
    await goesUp(late);
    expect(partsOf(id)).toEqual([]);
    file.close();
    await isUploaded(late, path);
    const text = await worker.stop();
    expect(text.split('is given up').length).toBe(2);
    expect(keysOf(id)).toEqual([]);
  });

  test.each<[string, (dir: string) => void]>([
    ['is deleted', dir => rmSync(dir, { recursive: true })],
    ['loses its video', dir => rmSync(join(dir, 'video.mkv'))],
    ['is renamed', dir => renameSync(dir, join(dir, '..', '..', freshId()))],
  ])('that %s is given up: no part stays, and nothing waits for it', async (_, change) => {
    const worker = await startWorker(sandbox);
    const { id, dir, file, growing } = record(worker);
    await growing;
    await goesUp(id);
    change(dir);
    await until('its parts are gone', () => s3.uploads().every(({ key }) => !key.startsWith(`${id}/`)));
    file.close();
    await until('nothing is left of it', () => worker.desk.log().some(line => line.includes('given up')));
    const text = await worker.stop();
    expect(text.split('given up').length).toBe(2);
    expect(readJson(await worker.desk.run(['status', '--json']))).toMatchObject({
      result: { counts: { recording: 0, partial: 0, refused: 0 } },
    });
  });

  test('that grows again after it was uploaded is uploaded again', async () => {
    const worker = await startWorker(sandbox);
    const { id, path, file, growing } = record(worker);
    await growing;
    file.close();
    await isUploaded(id, path);
    appendFileSync(path, 'and one more thing');
    await until('it is announced again', () => webhooksOf(sandbox, id).length === 2);
    await isUploaded(id, path);
    expect(await worker.stop()).toContain('has changed since it was uploaded');
  });
});

import { appendFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { openState } from '../../src/state/open.ts';
import { openDesk, openSandbox, sentBytes, webhooksOf } from '../support/desk.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';
import { moveIn, openRecorder, QUICK, startWorker, until, VIDEO } from './support.ts';

/* `recordupload watch` through the built program, with the sandbox as store and server. */

const sandbox = await openSandbox();
afterEach(() => sandbox.faults.clear());

const object = (key: string) => sandbox.s3.objects().find(one => one.key === key);
const asked = { webhook: true, force: false, finished: false };

describe('finding recordings', () => {
  test('what is there at the start, what comes, and what lies four levels deep is uploaded and announced once', async () => {
    const desk = openDesk(sandbox, QUICK);
    const [there, comes, deep] = [freshId(), freshId(), freshId()];
    makeRecording({ name: there, parent: join(desk.cwd, 'recordings') });
    const worker = await startWorker(sandbox, { desk });
    await worker.prints(`✔ ${there}: uploaded 3 files`);
    moveIn(worker.root, { name: comes });
    makeRecording({ name: deep, parent: join(worker.root, 'a', 'b', 'c') });
    makeRecording({ name: freshId(), parent: join(worker.root, 'a', 'b', 'c', 'too-deep') });
    await worker.prints(`✔ ${comes}: uploaded 3 files`);
    await worker.prints(`✔ ${deep}: uploaded 3 files`);
    await until('all webhooks are sent', () => [there, comes, deep].every(id => webhooksOf(sandbox, id).length > 0));
    const text = await worker.stop();
    expect((await worker.result).code).toBe(0);
    expect(text).toContain('stopped; progress is saved');
    expect(text).not.toContain('too-deep');
    for (const id of [there, comes, deep]) {
      expect(webhooksOf(sandbox, id)).toMatchObject([{ status: 201, body: { upload_source: 'watch' } }]);
    }
  });

  test('after a restart, what was uploaded is left alone', async () => {
    const first = await startWorker(sandbox);
    const id = freshId();
    moveIn(first.root, { name: id });
    await first.prints('✅ Webhook sent successfully');
    await first.stop();
    const sent = sentBytes(sandbox, id);
    const again = await startWorker(sandbox, { desk: first.desk });
    const other = freshId();
    moveIn(again.root, { name: other });
    await again.prints(`✔ ${other}: uploaded`);
    expect(await again.stop()).not.toContain(`${id}:`);
    expect(sentBytes(sandbox, id)).toEqual(sent);
    expect(webhooksOf(sandbox, id)).toHaveLength(1);
  });
});

describe('when a recording is finished', () => {
  test('a video that a recorder has open is not uploaded, however quiet it is; its closing is enough', async () => {
    const worker = await startWorker(sandbox);
    const [id, other] = [freshId(), freshId()];
    const recorder = openRecorder(join(worker.root, id));
    recorder.write(readFileSync(VIDEO));
    moveIn(worker.root, { name: other });
    await worker.prints(`✔ ${other}: uploaded`);
    expect(object(`${id}/video.mkv`)).toBeUndefined();
    recorder.close();
    const text = await worker.prints(`✔ ${id}: uploaded`);
    expect(text).toContain(`${id} is finished: nobody has it open for writing`);
  });

  test('the notes or a marker say that it is, though it is open; an unfinished name says that it is not', async () => {
    const worker = await startWorker(sandbox, { env: { RECORDUPLOAD_WATCH_MARKER: '*.done' } });
    const [noted, marked, partial, other] = [freshId(), freshId(), freshId(), freshId()];
    const recorders = [noted, marked].map(id => openRecorder(join(worker.root, id)));
    for (const recorder of recorders) recorder.write(readFileSync(VIDEO));
    const dir = moveIn(worker.root, { name: partial, files: { 'video.mkv.part': 'what is still copied' } });
    moveIn(worker.root, { name: other });
    await worker.prints(`✔ ${other}: uploaded`);
    writeFileSync(join(worker.root, noted, 'recording.json'), '{ "finished": true }');
    writeFileSync(join(worker.root, marked, '42.done'), '');
    await worker.prints(`✔ ${noted}: uploaded 1 file`);
    const text = await worker.prints(`✔ ${marked}: uploaded 1 file`);
    expect(text).toContain(`${noted} is finished: its notes say so`);
    expect(text).toContain(`${marked} is finished: its marker file is there`);
    expect(object(`${partial}/video.mkv`)).toBeUndefined();
    rmSync(join(dir, 'video.mkv.part'));
    await worker.prints(`✔ ${partial}: uploaded 3 files`);
    for (const recorder of recorders) recorder.close();
  });

  test('one that grows again is uploaded again, and that is said', async () => {
    const worker = await startWorker(sandbox);
    const id = freshId();
    const dir = moveIn(worker.root, { name: id });
    await worker.prints(`✔ ${id}: uploaded 3 files`);
    appendFileSync(join(dir, 'video.mkv'), 'one more frame');
    await worker.prints('has changed since it was uploaded (video.mkv): it is uploaded again once it is finished');
    const bytes = readFileSync(join(dir, 'video.mkv'));
    await until('the grown video is uploaded', () => object(`${id}/video.mkv`)?.size === bytes.length);
    expect(worker.desk.log()).toContain('recording changed after it was finished');
  });
});

describe('the queue', () => {
  test('what is enqueued is uploaded as it was asked for, wherever it lies', async () => {
    const worker = await startWorker(sandbox, { args: [] });
    const id = freshId();
    const dir = makeRecording();
    const state = await openState(worker.desk.stateDir, {});
    const entry = {
      dir,
      recordingId: id,
      origin: 'enqueued' as const,
      asked: { ...asked, id: id as never, title: 'Ours' },
    };
    await state.queue.add([entry], Date.now());
    await state.close();
    await worker.prints(`✔ ${id}: uploaded 3 files`);
    await worker.prints('✅ Webhook sent successfully');
    expect(webhooksOf(sandbox, id)).toMatchObject([{ body: { title: 'Ours' } }]);
  });
});

describe('trying again', () => {
  test('an upload and a webhook that failed are tried again when they are due, not before', async () => {
    const id = freshId();
    const refuse = { answer: { status: 403, code: 'AccessDenied' } };
    sandbox.faults.add({ server: 's3', operation: 'PutObject', key: `${id}/transcript.txt`, action: refuse });
    sandbox.faults.add({ server: 'webhook', action: { answer: { status: 503 } } });
    const worker = await startWorker(sandbox);
    moveIn(worker.root, { name: id });
    const text = await worker.prints(`✔ ${id}: uploaded`);
    expect(text).toMatch(new RegExp(`✘ ${id}: upload incomplete: .* next try in 5.0 s`));
    await worker.prints('✅ Webhook sent successfully');
    const requests = sandbox.s3.requests().filter(one => one.key === `${id}/transcript.txt`);
    expect(requests.filter(one => one.operation === 'PutObject')).toHaveLength(2);
  });
});

describe('room on the disk', () => {
  test('local files are removed once they are old enough, in the bucket and announced; the root stays', async () => {
    const worker = await startWorker(sandbox, { env: { RECORDUPLOAD_DELETE_AFTER: '1s' } });
    const [id, changed] = [freshId(), freshId()];
    const [dir, other] = [moveIn(worker.root, { name: id }), moveIn(worker.root, { name: changed })];
    writeFileSync(join(other, 'notes.txt'), 'mine');
    await worker.prints(`✔ ${id}: its local files were removed from ${dir}`);
    await worker.prints(
      `✔ ${changed}: its local files were removed from ${other}; kept, because it was not uploaded: notes.txt`,
    );
    expect(readdirSync(worker.root)).toEqual([changed]);
    expect(readdirSync(other)).toEqual(['notes.txt']);
    const text = await worker.stop();
    expect(text).not.toContain('cannot be uploaded');
    expect(worker.desk.log().filter(line => line === 'local files removed')).toHaveLength(2);
  });
});

describe('being stopped', () => {
  test('finished parts are kept: the next worker sends the rest', async () => {
    const id = freshId();
    const MIB = 1024 * 1024;
    const hang = sandbox.faults.add({
      server: 's3',
      operation: 'UploadPart',
      key: `${id}/video.mkv`,
      from: 3,
      times: Number.POSITIVE_INFINITY,
      action: { hang: 'before' },
    });
    const first = await startWorker(sandbox, { env: { RECORDUPLOAD_CONCURRENCY: '1' } });
    moveIn(first.root, { name: id, videoBytes: 40 * MIB });
    await until('two parts are sent', () => (sentBytes(sandbox, id)[`${id}/video.mkv`] ?? 0) >= 16 * MIB);
    await first.stop();
    expect((await first.result).code).toBe(0);
    hang.remove();
    const again = await startWorker(sandbox, { desk: first.desk });
    const text = await again.prints(`✔ ${id}: uploaded 3 files`);
    expect(text).toMatch(new RegExp(`${id}/video.mkv: resuming at \\d+`));
    expect(object(`${id}/video.mkv`)?.size).toBe(40 * MIB);
  });
});

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { buildInto } from '../../scripts/private-build.ts';
import type { RecordingFile } from '../../src/core/recording/recording.ts';
import { bufferBody } from '../../src/core/storage/body.ts';
import type { Bucket, ObjectSettings } from '../../src/core/storage/bucket.ts';
import { compositeEtag } from '../../src/core/storage/checksum.ts';
import { StorageFailure } from '../../src/core/storage/failure.ts';
import { openBucket } from '../../src/core/storage/s3/s3-bucket.ts';
import { unlimited } from '../../src/core/storage/throttle.ts';
import {
  abortAfterParts,
  breakOff,
  bucketSettings,
  digest,
  failure,
  MIB,
  machine,
  makeSource,
  type Run,
  type Store,
  THREE_PARTS,
  tempFolder,
  writeSource,
} from '../core/storage/support.ts';

/*
 * What the tool relies on in an S3 server. Runs against the sandbox and against a real one: what differs between the
 * two is the sandbox's bug.
 */

export interface RunningStore extends Store {
  close(): Promise<void>;
}

const { signal } = new AbortController();
const SETTINGS: ObjectSettings = { contentType: 'text/plain; charset=utf-8', metadata: {} };
const body = (bytes: Buffer, claimed = bytes) =>
  bufferBody(bytes, createHash('sha256').update(claimed).digest(), { throttle: unlimited });
const md5 = (bytes: Buffer) => createHash('md5').update(bytes).digest('hex');
const filled = (size: number, value: number) => Buffer.alloc(size, value);

async function contentOf(bucket: Bucket, key: string): Promise<Buffer> {
  const object = await bucket.get(key, signal);
  if (!object) throw new Error(`${key} is not in the bucket`);
  return Buffer.concat(await Array.fromAsync(object.stream));
}

/** What became of a call that should fail. */
async function refusal(
  promise: Promise<unknown>,
): Promise<{ kind: string; status: number | undefined; reason: string }> {
  const error = await failure(promise);
  if (!(error instanceof StorageFailure)) throw error;
  return { kind: error.kind, status: error.status, reason: error.reason };
}

/** Runs tasks, some at a time. */
async function inParallel(count: number, task: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await task(next++);
  };
  await Promise.all(Array.from({ length: 16 }, worker));
}

export function contractSuite(name: string, start: () => Promise<RunningStore>): void {
  describe(`The contract with S3, kept by ${name}`, () => {
    let store: RunningStore;
    let bucket: Bucket;
    beforeAll(async () => {
      store = await start();
      bucket = openBucket(bucketSettings(store));
    }, 120_000);
    afterAll(async () => {
      bucket?.close();
      await store?.close();
    });
    let lastId = 0;
    const freshKey = (file = 'video.mkv') => `contract-${++lastId}/${file}`;

    describe('objects', () => {
      test('come back as they were put, with type, metadata and MD5', async () => {
        const key = freshKey();
        const bytes = Buffer.from('Ada: shall we begin?\n');
        const metadata = { 'recordupload-token': 'a-token', other: 'x=1:2 y=3:4' };
        const { etag } = await bucket.put(key, body(bytes), { ...SETTINGS, metadata }, signal);
        expect(etag).toBe(md5(bytes));
        const head = await bucket.head(key, signal);
        expect(head).toMatchObject({ sizeBytes: bytes.length, etag, contentType: SETTINGS.contentType, metadata });
        expect(Math.abs((head?.lastModified?.getTime() ?? 0) - Date.now())).toBeLessThan(60_000);
        expect(await contentOf(bucket, key)).toEqual(bytes);
      });

      test('may be empty', async () => {
        const key = freshKey();
        const { etag } = await bucket.put(key, body(Buffer.alloc(0)), SETTINGS, signal);
        expect(await bucket.head(key, signal)).toMatchObject({ sizeBytes: 0, etag });
        expect(await contentOf(bucket, key)).toEqual(Buffer.alloc(0));
      });

      test('are replaced by a later put', async () => {
        const key = freshKey();
        await bucket.put(key, body(Buffer.from('one')), { ...SETTINGS, metadata: { a: '1' } }, signal);
        await bucket.put(key, body(Buffer.from('three')), { ...SETTINGS, metadata: { b: '2' } }, signal);
        expect((await bucket.head(key, signal))?.metadata).toEqual({ b: '2' });
        expect((await contentOf(bucket, key)).toString()).toBe('three');
      });

      test('that are not there are undefined, not errors; deleting them is none either', async () => {
        const key = freshKey();
        expect(await bucket.head(key, signal)).toBeUndefined();
        expect(await bucket.get(key, signal)).toBeUndefined();
        await bucket.delete(key, signal);
      });

      test('that are deleted are gone', async () => {
        const key = freshKey();
        await bucket.put(key, body(Buffer.from('x')), SETTINGS, signal);
        await bucket.delete(key, signal);
        expect(await bucket.head(key, signal)).toBeUndefined();
      });

      test('whose bytes are not those of the signed digest are refused', async () => {
        const key = freshKey();
        const sent = body(Buffer.from('what was sent!'), Buffer.from('what was meant'));
        expect(await refusal(bucket.put(key, sent, SETTINGS, signal))).toEqual({
          kind: 'transient',
          status: 400,
          reason: 'XAmzContentSHA256Mismatch',
        });
        expect(await bucket.head(key, signal)).toBeUndefined();
      });

      test.each([
        'with a blank.txt',
        'a#b?c.txt',
        '100%.txt',
        '%41.txt',
        'größe.txt',
        'gro\u0308ße.txt',
        '🎥 meeting.mkv',
        'plus+and&amp;.txt',
        'quote"s and \'s.txt',
        'semi;colon, (1)*!~=@$:[]{}|^`<>.txt',
        'back\\slash.txt',
        'ends with a blank ',
        '日本語.vtt',
      ])('may be called %j', async file => {
        const key = freshKey(file);
        const bytes = Buffer.from(file);
        await bucket.put(key, body(bytes), SETTINGS, signal);
        expect(await bucket.head(key, signal)).toMatchObject({ sizeBytes: bytes.length });
        expect(await contentOf(bucket, key)).toEqual(bytes);
        const listed = await bucket.list(key.slice(0, key.indexOf('/') + 1), {}, signal);
        expect(listed.map(object => object.key)).toEqual([key]);

        const { uploadId } = await bucket.createUpload(key, SETTINGS, signal);
        const part = await bucket.uploadPart(key, uploadId, 1, body(bytes), signal);
        expect((await bucket.listUploads(key, signal)).map(upload => [upload.key, upload.uploadId])).toEqual([
          [key, uploadId],
        ]);
        await bucket.completeUpload(key, uploadId, [{ number: 1, etag: part.etag }], signal);
        expect((await bucket.head(key, signal))?.etag).toBe(compositeEtag([md5(bytes)]));
        await bucket.delete(key, signal);
        expect(await bucket.head(key, signal)).toBeUndefined();
      });

      test('are listed by prefix, in the order of their bytes, over more than one page', async () => {
        const prefix = freshKey('');
        await inParallel(1005, index =>
          bucket.put(`${prefix}${index}`, body(Buffer.from(`${index}`)), SETTINGS, signal),
        );
        const listed = await bucket.list(prefix, {}, signal);
        expect(listed.map(object => object.key)).toEqual(
          Array.from({ length: 1005 }, (_, index) => `${prefix}${index}`).sort(),
        );
        expect(listed[0]).toMatchObject({ sizeBytes: 1, lastModified: expect.any(Date) });
      });
    });

    describe('uploads in parts', () => {
      test('become one object with the metadata of their beginning', async () => {
        const key = freshKey();
        const metadata = { 'recordupload-token': 'a-token' };
        const { uploadId } = await bucket.createUpload(key, { contentType: 'video/x-matroska', metadata }, signal);
        const contents = [filled(5 * MIB, 1), filled(5 * MIB, 2), filled(100, 3)];
        const parts: { number: number; etag: string }[] = [];
        for (const number of [3, 1, 2]) {
          const { etag } = await bucket.uploadPart(key, uploadId, number, body(contents[number - 1]!), signal);
          expect(etag).toBe(md5(contents[number - 1]!));
          parts.push({ number, etag });
        }
        parts.sort((a, b) => a.number - b.number);
        expect(await bucket.head(key, signal)).toBeUndefined();

        const listed = await bucket.listParts(key, uploadId, signal);
        expect(listed.parts).toEqual(
          parts.map(part => ({
            ...part,
            sizeBytes: contents[part.number - 1]?.length,
            lastModified: expect.any(Date),
          })),
        );
        expect(Math.abs(listed.serverTime.getTime() - Date.now())).toBeLessThan(60_000);

        await bucket.completeUpload(key, uploadId, parts, signal);
        expect(await bucket.head(key, signal)).toMatchObject({
          sizeBytes: 10 * MIB + 100,
          etag: compositeEtag(parts.map(part => part.etag)),
          contentType: 'video/x-matroska',
          metadata,
        });
        expect(digest(await contentOf(bucket, key))).toBe(digest(Buffer.concat(contents)));
        expect(await bucket.listUploads(key, signal)).toEqual([]);
      });

      test('take a part again: the last one counts', async () => {
        const key = freshKey();
        const { uploadId } = await bucket.createUpload(key, SETTINGS, signal);
        await bucket.uploadPart(key, uploadId, 1, body(Buffer.from('first')), signal);
        const { etag } = await bucket.uploadPart(key, uploadId, 1, body(Buffer.from('second')), signal);
        expect((await bucket.listParts(key, uploadId, signal)).parts).toMatchObject([
          { number: 1, etag, sizeBytes: 6 },
        ]);
        await bucket.completeUpload(key, uploadId, [{ number: 1, etag }], signal);
        expect((await contentOf(bucket, key)).toString()).toBe('second');
      });

      test('refuse a part whose bytes are not those of the signed digest', async () => {
        const key = freshKey();
        const { uploadId } = await bucket.createUpload(key, SETTINGS, signal);
        const sent = body(Buffer.from('what was sent!'), Buffer.from('what was meant'));
        expect(await refusal(bucket.uploadPart(key, uploadId, 1, sent, signal))).toEqual({
          kind: 'transient',
          status: 400,
          reason: 'XAmzContentSHA256Mismatch',
        });
        expect((await bucket.listParts(key, uploadId, signal)).parts).toEqual([]);
        await bucket.abortUpload(key, uploadId, signal);
      });

      test('are not completed with a part that is not there, or another one', async () => {
        const key = freshKey();
        const { uploadId } = await bucket.createUpload(key, SETTINGS, signal);
        const { etag } = await bucket.uploadPart(key, uploadId, 1, body(Buffer.from('x')), signal);
        const other = md5(Buffer.from('y'));
        for (const parts of [
          [{ number: 1, etag: other }],
          [
            { number: 1, etag },
            { number: 2, etag: other },
          ],
        ]) {
          expect(await refusal(bucket.completeUpload(key, uploadId, parts, signal))).toEqual({
            kind: 'refused',
            status: 400,
            reason: 'InvalidPart',
          });
        }
        await bucket.completeUpload(key, uploadId, [{ number: 1, etag }], signal);
      });

      test('are not completed with small parts in the middle', async () => {
        const key = freshKey();
        const { uploadId } = await bucket.createUpload(key, SETTINGS, signal);
        const parts = [];
        for (const number of [1, 2]) {
          const { etag } = await bucket.uploadPart(key, uploadId, number, body(Buffer.from('x')), signal);
          parts.push({ number, etag });
        }
        expect(await refusal(bucket.completeUpload(key, uploadId, parts, signal))).toEqual({
          kind: 'refused',
          status: 400,
          reason: 'EntityTooSmall',
        });
        await bucket.abortUpload(key, uploadId, signal);
      });

      test.each(['aborted', 'completed'])('that are %s are gone: every call on them says so', async end => {
        const key = freshKey();
        const { uploadId } = await bucket.createUpload(key, SETTINGS, signal);
        const { etag } = await bucket.uploadPart(key, uploadId, 1, body(Buffer.from('x')), signal);
        const parts = [{ number: 1, etag }];
        if (end === 'aborted') await bucket.abortUpload(key, uploadId, signal);
        else await bucket.completeUpload(key, uploadId, parts, signal);

        // Some stores say NoSuchKey, as if the upload were an object.
        const gone = { kind: 'missing', status: 404, reason: expect.stringMatching(/^NoSuch(Upload|Key)$/) };
        expect(await refusal(bucket.listParts(key, uploadId, signal))).toEqual(gone);
        expect(await refusal(bucket.uploadPart(key, uploadId, 2, body(Buffer.from('y')), signal))).toEqual(gone);
        expect(await refusal(bucket.abortUpload(key, uploadId, signal))).toEqual(gone);
        expect(await bucket.listUploads(key, signal)).toEqual([]);
        expect((await bucket.head(key, signal))?.sizeBytes).toBe(end === 'aborted' ? undefined : 1);
      });

      test('that are aborted cannot be completed', async () => {
        const key = freshKey();
        const { uploadId } = await bucket.createUpload(key, SETTINGS, signal);
        const { etag } = await bucket.uploadPart(key, uploadId, 1, body(Buffer.from('x')), signal);
        await bucket.abortUpload(key, uploadId, signal);
        // radosgw 16 answers 500, so that the upload engine has to look what is left of the upload.
        const { status } = await refusal(bucket.completeUpload(key, uploadId, [{ number: 1, etag }], signal));
        expect([404, 500]).toContain(status);
        expect(await bucket.head(key, signal)).toBeUndefined();
      });

      test('of one key stand side by side', async () => {
        const key = freshKey();
        const ids = [];
        for (let index = 0; index < 3; index++) ids.push((await bucket.createUpload(key, SETTINGS, signal)).uploadId);
        const listed = await bucket.listUploads(key, signal);
        expect(listed.map(upload => upload.uploadId).sort()).toEqual(ids.sort());
        expect(listed[0]?.initiated).toBeInstanceOf(Date);
        for (const uploadId of ids) await bucket.abortUpload(key, uploadId, signal);
      });

      test('have their parts listed over more than one page', async () => {
        const key = freshKey();
        const { uploadId } = await bucket.createUpload(key, SETTINGS, signal);
        await inParallel(1005, index => bucket.uploadPart(key, uploadId, index + 1, body(Buffer.from('x')), signal));
        const { parts } = await bucket.listParts(key, uploadId, signal);
        expect(parts.map(part => part.number)).toEqual(Array.from({ length: 1005 }, (_, index) => index + 1));
        await bucket.abortUpload(key, uploadId, signal);
      });

      test('are listed by prefix over more than one page', async () => {
        const prefix = freshKey('');
        await inParallel(1005, index => bucket.createUpload(`${prefix}${index % 500}`, SETTINGS, signal));
        const listed = await bucket.listUploads(prefix, signal);
        expect(new Set(listed.map(upload => upload.uploadId)).size).toBe(1005);
        expect(listed).toHaveLength(1005);
      });
    });

    describe('refusals', () => {
      const settings = (more: Partial<ReturnType<typeof bucketSettings>>) => openBucket(bucketSettings(store, more));
      const put = (other: Bucket) =>
        failure(other.put('a', body(Buffer.from('x')), SETTINGS, signal)).finally(other.close);

      test('of an unknown access key name what to check', async () => {
        const credentials = { accessKeyId: 'NOBODY', secretAccessKey: store.s3.secretAccessKey };
        expect(await put(settings({ credentials }))).toMatchObject({
          status: 403,
          reason: 'InvalidAccessKeyId',
          kind: 'refused',
          hint: expect.stringMatching(/accessKeyId/),
        });
      });

      test('of a wrong secret name what to check', async () => {
        const credentials = { accessKeyId: store.s3.accessKeyId, secretAccessKey: 'wrong' };
        expect(await put(settings({ credentials }))).toMatchObject({
          status: 403,
          reason: 'SignatureDoesNotMatch',
          kind: 'refused',
          hint: expect.stringMatching(/secretAccessKey/),
        });
      });

      test('of a bucket that is not there name what to check', async () => {
        expect(await put(settings({ bucket: 'no-such-bucket' }))).toMatchObject({
          status: 404,
          reason: 'NoSuchBucket',
          kind: 'refused',
          hint: expect.stringMatching(/bucket/),
        });
        const other = settings({ bucket: 'no-such-bucket' });
        expect(await other.head('a', signal)).toBeUndefined();
        expect(await refusal(other.get('a', signal))).toMatchObject({ reason: 'NoSuchBucket' });
        expect(await refusal(other.createUpload('a', SETTINGS, signal))).toMatchObject({ reason: 'NoSuchBucket' });
        expect(await refusal(other.listUploads('a', signal))).toMatchObject({ reason: 'NoSuchBucket' });
        expect(await refusal(other.list('a', {}, signal))).toMatchObject({ reason: 'NoSuchBucket' });
        other.close();
      });

      test('of a HEAD have no reason: their status must do', async () => {
        const other = settings({ credentials: { accessKeyId: 'NOBODY', secretAccessKey: 'x' } });
        expect(await refusal(other.head('a', signal))).toMatchObject({ status: 403, kind: 'refused' });
        other.close();
      });
    });

    describe('whole files', () => {
      const KEY = '42/video.mkv';
      const isThere = async (file: RecordingFile) =>
        digest(await contentOf(bucket, KEY)) === digest(readFileSync(file.path));
      const noUploads = async () => expect(await bucket.listUploads('42/', signal)).toEqual([]);
      const lose = (run: Run, call: 'createUpload' | 'completeUpload') => {
        const real = run.session.bucket;
        let lost = false;
        const losing = async (...args: never[]) => {
          const answer = await (real[call] as (...args: never[]) => Promise<unknown>)(...args);
          if (lost) return answer;
          lost = true;
          throw new StorageFailure('the answer was lost', {
            kind: 'transient',
            status: undefined,
            reason: 'ECONNRESET',
          });
        };
        run.session.bucket = { ...real, [call]: losing };
      };

      test.each([0, 1, 100_000, 8 * MIB, 8 * MIB + 1, THREE_PARTS])('of %d bytes arrive, and only once', async size => {
        const file = await makeSource(size, size);
        expect(await machine(store).run().upload(file)).toMatchObject({ outcome: 'uploaded', sentBytes: size });
        expect(await isThere(file)).toBe(true);
        expect(await machine(store).run().upload(file)).toMatchObject({ outcome: 'unchanged', sentBytes: 0 });
        await noUploads();
      });

      test('are gone on with where they were broken off', async () => {
        const here = machine(store);
        const file = await makeSource(25 * MIB, 11);
        await breakOff(here, file, 2);
        expect(await here.run().upload(file)).toMatchObject({ sentBytes: 9 * MIB });
        expect(await isThere(file)).toBe(true);
        await noUploads();
      });

      test('are gone on with where the state is lost', async () => {
        const file = await makeSource(25 * MIB, 12);
        await breakOff(machine(store), file, 2);
        const run = machine(store).run();
        const { listParts } = run.session.bucket;
        // As if an hour had passed: nobody feeds it any more.
        run.session.bucket = {
          ...run.session.bucket,
          async listParts(...call) {
            const listed = await listParts(...call);
            return { ...listed, serverTime: new Date(listed.serverTime.getTime() + 3_600_000) };
          },
        };
        expect(await run.upload(file)).toMatchObject({ sentBytes: 9 * MIB });
        expect(await isThere(file)).toBe(true);
        await noUploads();
      });

      test('survive a Complete whose answer is lost', async () => {
        const file = await makeSource(THREE_PARTS, 13);
        const run = machine(store).run();
        lose(run, 'completeUpload');
        expect(await run.upload(file)).toMatchObject({ sentBytes: THREE_PARTS });
        expect(await isThere(file)).toBe(true);
        await noUploads();
      });

      test('survive a Create whose answer is lost, without a second upload', async () => {
        const file = await makeSource(THREE_PARTS, 14);
        const run = machine(store).run();
        lose(run, 'createUpload');
        expect(await run.upload(file)).toMatchObject({ sentBytes: THREE_PARTS });
        expect(await isThere(file)).toBe(true);
        await noUploads();
      });

      test('survive that their upload is removed', async () => {
        const here = machine(store);
        const file = await makeSource(THREE_PARTS, 15);
        await breakOff(here, file, 2);
        for (const { key, uploadId } of await bucket.listUploads('42/', signal))
          await bucket.abortUpload(key, uploadId, signal);
        expect(await here.run().upload(file)).toMatchObject({ sentBytes: THREE_PARTS });
        expect(await isThere(file)).toBe(true);
        await noUploads();
      });

      test('survive that their upload is removed just before Complete', async () => {
        const file = await makeSource(THREE_PARTS, 19);
        const run = machine(store).run();
        const real = run.session.bucket;
        let removed = false;
        run.session.bucket = {
          ...real,
          async completeUpload(key, uploadId, ...call) {
            if (!removed) await real.abortUpload(key, uploadId, signal);
            removed = true;
            await real.completeUpload(key, uploadId, ...call);
          },
        };
        expect(await run.upload(file)).toMatchObject({ outcome: 'uploaded' });
        expect(await isThere(file)).toBe(true);
        await noUploads();
      });

      test('survive that the process dies between Complete and its own note of it', async () => {
        const here = machine(store);
        const file = await makeSource(THREE_PARTS, 16);
        const run = here.run();
        run.session.store = {
          ...run.session.store,
          fileUploaded() {
            throw new Error('killed');
          },
        };
        await expect(run.upload(file)).rejects.toThrow('killed');
        expect(await here.run().upload(file)).toMatchObject({ sentBytes: 0 });
        expect(await isThere(file)).toBe(true);
        await noUploads();
      });

      test('that changed meanwhile leave nothing of the old upload', async () => {
        const here = machine(store);
        const file = await makeSource(THREE_PARTS, 17);
        const run = here.run();
        abortAfterParts(run, 1);
        await failure(run.upload(file));
        const now = await makeSource(THREE_PARTS + 5, 18);
        expect(await here.run().upload(now)).toMatchObject({ sentBytes: now.sizeBytes });
        expect(await isThere(now)).toBe(true);
        await noUploads();
      });
    });

    describe('the built program', () => {
      let build: string;
      let launcher: string;
      beforeAll(async () => {
        build = mkdtempSync(join(tmpdir(), 'recordupload-contract-'));
        launcher = await buildInto(build);
      });
      afterAll(() => rmSync(build, { recursive: true, force: true }));

      const recordingOf = (id: string) => {
        const dir = join(tempFolder(), id);
        mkdirSync(dir);
        writeSource(join(dir, 'video.mkv'), 33 * MIB, 20);
        writeSource(join(dir, 'thumbnail.jpg'), 30_000, 21);
        writeSource(join(dir, 'transcript.txt'), 0, 22);
        return dir;
      };
      const start = (home: string, args: string[]) => {
        const { s3 } = store;
        const child = spawn(process.execPath, [launcher, ...args], {
          cwd: home,
          stdio: ['ignore', 'pipe', 'pipe'],
          env: {
            PATH: process.env.PATH,
            HOME: home,
            RECORDUPLOAD_ENDPOINT: s3.url,
            RECORDUPLOAD_BUCKET: s3.bucket,
            RECORDUPLOAD_REGION: s3.region,
            RECORDUPLOAD_STATE_DIR: join(home, 'state'),
            AWS_ACCESS_KEY_ID: s3.accessKeyId,
            AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
          },
        });
        let output = '';
        let errors = '';
        child.stdout.on('data', chunk => {
          output += chunk;
        });
        child.stderr.on('data', chunk => {
          errors += chunk;
        });
        const ended = new Promise<{ code: number | null; output: string; errors: string }>(done => {
          child.on('close', code => done({ code, output, errors }));
        });
        return { child, ended };
      };
      const common = ['--no-webhook', '--duration', '60', '--json'];

      test('is killed in mid-upload, and goes on where it was', async () => {
        const home = tempFolder();
        const id = `killed-${lastId++}`;
        const dir = recordingOf(id);
        const first = start(home, ['upload', dir, ...common, '--concurrency', '2', '--bwlimit', '20M']);
        await partsStored(id, 1);
        first.child.kill('SIGKILL');
        expect((await first.ended).code).toBeNull();

        const second = await start(home, ['retry', '--json']).ended;
        expect(second).toMatchObject({ code: 0, errors: '' });
        const [upload] = JSON.parse(second.output).result.uploads;
        expect(upload.outcome).toBe('uploaded');
        expect(upload.sentBytes).toBeLessThanOrEqual(33 * MIB + 30_000 - 8 * MIB);
        for (const file of ['video.mkv', 'thumbnail.jpg', 'transcript.txt']) {
          expect(digest(await contentOf(bucket, `${id}/${file}`))).toBe(digest(readFileSync(join(dir, file))));
        }
        expect(JSON.parse((await contentOf(bucket, `${id}/metadata.json`)).toString())).toMatchObject({
          recording_id: id,
        });
        expect(await bucket.listUploads(`${id}/`, signal)).toEqual([]);

        const third = await start(home, ['upload', dir, ...common]).ended;
        expect(JSON.parse(third.output).result.recordings[0]).toMatchObject({ outcome: 'unchanged', sentBytes: 0 });
      });

      async function partsStored(id: string, count: number): Promise<void> {
        for (;;) {
          for (const { key, uploadId } of await bucket.listUploads(`${id}/`, signal)) {
            if ((await bucket.listParts(key, uploadId, signal)).parts.length >= count) return;
          }
          await sleep(20);
        }
      }
    });
  });
}

import { createHash } from 'node:crypto';
import { copyFileSync, readFileSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import type { RecordingFile } from '../../../src/core/recording/recording.ts';
import { bufferBody } from '../../../src/core/storage/body.ts';
import type { Bucket } from '../../../src/core/storage/bucket.ts';
import { createInFlight } from '../../../src/core/storage/in-flight.ts';
import { unlimited } from '../../../src/core/storage/throttle.ts';
import {
  breakOff,
  count,
  failure,
  isStored,
  KEY,
  lookAt,
  MIB,
  machine,
  makeSource,
  refOf,
  sandbox,
  sentParts,
  THREE_PARTS,
  tempFolder,
  writeSource,
} from '../storage/support.ts';
import { virtualClock } from '../storage/virtual-clock.ts';

const PART = 8 * MIB;
const never = new AbortController().signal;

/** Another machine that feeds an upload of the same file. */
async function feed(bucket: Bucket, file: RecordingFile, numbers: number[], options: { partSize?: number } = {}) {
  const { partSize = PART } = options;
  const { uploadId } = await bucket.createUpload(KEY, { contentType: 'video/x-matroska', metadata: {} }, never);
  const send = (number: number) => {
    const bytes = readFileSync(file.path).subarray((number - 1) * partSize, number * partSize);
    const body = bufferBody(bytes, createHash('sha256').update(bytes).digest(), { throttle: unlimited });
    return bucket.uploadPart(KEY, uploadId, number, body, never);
  };
  for (const number of numbers) await send(number);
  return { uploadId, send };
}

describe('An upload that was broken off', () => {
  test('is gone on with: only what is missing is sent', async () => {
    const server = await sandbox();
    const here = await machine(server);
    const file = await makeSource(25 * MIB);
    await breakOff(here, file, 2);
    server.s3.resetRequests();

    const run = here.run();
    const { outcome, sentBytes } = await run.upload(file);
    expect(outcome).toBe('uploaded');
    expect(sentBytes).toBe(9 * MIB);
    expect(sentParts(server)).toEqual([3, 4]);
    expect(await isStored(server, file)).toBe(true);
    expect(server.s3.uploads()).toEqual([]);
    expect(run.events).toContainEqual(expect.objectContaining({ type: 'file-started', resumedBytes: 16 * MIB }));
  });

  test('is gone on with from another run of the same state, even with other settings', async () => {
    const server = await sandbox();
    const stateDir = tempFolder();
    const file = await makeSource(THREE_PARTS);
    await breakOff(await machine(server, { stateDir }), file, 1);
    server.s3.resetRequests();

    const later = await machine(server, { stateDir });
    await later.run({ session: { inFlight: createInFlight({ fixed: 16, clock: later.clock }) } }).upload(file);
    expect(sentParts(server)).toEqual([2, 3]);
    expect(await isStored(server, file)).toBe(true);
  });

  test('is told of in the state: nothing is left of it once the file is there', async () => {
    const server = await sandbox();
    const here = await machine(server);
    const file = await makeSource(THREE_PARTS);
    await breakOff(here, file, 2);
    const ref = refOf(here.run().session.bucket, file.name);
    expect((await here.journal.openUpload(ref))?.parts.map(part => part.number)).toEqual([1, 2]);

    await here.run().upload(file);
    expect(await here.journal.openUpload(ref)).toBeUndefined();
    expect(await here.journal.file(ref)).toMatchObject({ state: 'uploaded', partSizeBytes: PART });
  });

  test('has its parts checked one by one: what the store lost or has otherwise is sent again', async () => {
    const server = await sandbox();
    const here = await machine(server);
    const file = await makeSource(THREE_PARTS);
    await breakOff(here, file, 2);
    // Somebody else wrote over part 1 meanwhile.
    const { bucket, journal } = here.run().session;
    const uploadId = (await journal.openUpload(refOf(bucket, file.name)))?.upload.uploadId ?? '';
    const other = Buffer.alloc(PART, 1);
    const body = bufferBody(other, createHash('sha256').update(other).digest(), { throttle: unlimited });
    await bucket.uploadPart(KEY, uploadId, 1, body, never);
    server.s3.resetRequests();

    await here.run().upload(file);
    expect(sentParts(server)).toEqual([1, 3]);
    expect(await isStored(server, file)).toBe(true);
  });

  test('takes up parts that arrived although their answer did not, by their MD5', async () => {
    const server = await sandbox();
    const here = await machine(server);
    const file = await makeSource(THREE_PARTS);
    await breakOff(here, file, 2);
    const { bucket, journal } = here.run().session;
    await journal.removeParts(refOf(bucket, file.name), [2]);
    server.s3.resetRequests();

    await here.run().upload(file);
    expect(sentParts(server)).toEqual([3]);
    expect(await isStored(server, file)).toBe(true);
  });

  test('trusts the state where the key may not list parts', async () => {
    const server = await sandbox();
    const here = await machine(server);
    const file = await makeSource(THREE_PARTS);
    await breakOff(here, file, 2);
    server.s3.resetRequests();
    server.s3.deny(['ListParts', 'ListMultipartUploads']);

    await here.run().upload(file);
    expect(sentParts(server)).toEqual([3]);
    expect(await isStored(server, file)).toBe(true);
  });

  test('trusts the state where the store has no ListParts at all', async () => {
    const server = await sandbox();
    const here = await machine(server);
    const file = await makeSource(THREE_PARTS);
    await breakOff(here, file, 2);
    server.s3.resetRequests();
    server.faults.add({
      server: 's3',
      operation: 'ListParts',
      times: Infinity,
      action: { answer: { status: 501, code: 'NotImplemented' } },
    });

    await here.run().upload(file);
    expect(sentParts(server)).toEqual([3]);
    expect(await isStored(server, file)).toBe(true);
  });

  test.each(['NoSuchUpload', 'NoSuchKey'])(
    'begins anew where the store knows nothing of it any more (%s)',
    async code => {
      const server = await sandbox();
      const here = await machine(server);
      const file = await makeSource(THREE_PARTS);
      await breakOff(here, file, 2);
      const { bucket, journal } = here.run().session;
      const uploadId = (await journal.openUpload(refOf(bucket, file.name)))?.upload.uploadId ?? '';
      await bucket.abortUpload(KEY, uploadId, never);
      server.s3.resetRequests();
      if (code === 'NoSuchKey') {
        server.faults.add({ server: 's3', operation: 'ListParts', action: { answer: { status: 404, code } } });
      }

      const run = here.run();
      await run.upload(file);
      expect(sentParts(server)).toEqual([1, 2, 3]);
      expect(count(server, 'CreateMultipartUpload')).toBe(1);
      expect(await isStored(server, file)).toBe(true);
      expect(run.events).toContainEqual(expect.objectContaining({ type: 'warning' }));
    },
  );

  test('begins anew where it was removed while its parts were on their way', async () => {
    const server = await sandbox();
    const here = await machine(server);
    const file = await makeSource(THREE_PARTS);
    const run = here.run();
    const { bucket } = run.session;
    let removals = 0;
    run.session.bucket = {
      ...bucket,
      async uploadPart(key, uploadId, number, ...rest) {
        if (number === 3 && removals++ === 0) await bucket.abortUpload(key, uploadId, never);
        return bucket.uploadPart(key, uploadId, number, ...rest);
      },
    };
    await run.upload(file);
    expect(count(server, 'CreateMultipartUpload')).toBe(2);
    expect(await isStored(server, file)).toBe(true);
  });

  test('was completed after all: the object carries its token, so not a byte is sent', async () => {
    // Opaque ETags: the token alone can tell.
    const server = await sandbox({ s3: { etags: 'opaque' } });
    const here = await machine(server);
    const file = await makeSource(THREE_PARTS);
    const run = here.run();
    const { journal } = run.session;
    // The process dies between the bucket's answer and the state's commit.
    run.session.journal = {
      ...journal,
      async fileUploaded() {
        throw new Error('killed');
      },
    };
    await expect(run.upload(file)).rejects.toThrow('killed');
    expect(server.s3.uploads()).toEqual([]);
    server.s3.resetRequests();

    const { object, sentBytes } = await here.run().upload(file);
    expect(sentParts(server)).toEqual([]);
    expect(count(server, 'CreateMultipartUpload')).toBe(0);
    expect(sentBytes).toBe(0);
    expect(object.checksum).toMatch(/-3$/);
    expect((await journal.file(refOf(run.session.bucket, file.name)))?.state).toBe('uploaded');
  });

  test.each<[string, (path: string) => void]>([
    ['only touched', path => utimesSync(path, 1_700_000_000, 1_700_000_000)],
    [
      'copied to another inode',
      path => {
        copyFileSync(path, `${path}.copy`);
        renameSync(`${path}.copy`, path);
      },
    ],
  ])('of a file that was %s keeps its parts', async (_what, change) => {
    const server = await sandbox();
    const here = await machine(server);
    const file = await makeSource(25 * MIB);
    await breakOff(here, file, 2);
    server.s3.resetRequests();
    change(file.path);
    const now = await lookAt(file.path);

    const { sentBytes } = await here.run().upload(now);
    expect(sentBytes).toBe(9 * MIB);
    expect(sentParts(server)).toEqual([3, 4]);
    expect(count(server, 'AbortMultipartUpload')).toBe(0);
    expect(await isStored(server, now)).toBe(true);
    expect(server.s3.uploads()).toEqual([]);
  });

  test('of a copy that differs in one part sends that part and what was missing', async () => {
    const server = await sandbox();
    const here = await machine(server);
    const file = await makeSource(25 * MIB);
    await breakOff(here, file, 2);
    server.s3.resetRequests();
    const bytes = readFileSync(file.path);
    bytes[PART + 5] = (bytes[PART + 5] ?? 0) ^ 1;
    writeFileSync(file.path, bytes);
    const now = await lookAt(file.path);

    await here.run().upload(now);
    expect(sentParts(server)).toEqual([2, 3, 4]);
    expect(await isStored(server, now)).toBe(true);
  });

  test('of a file that is another one now is given up in the bucket too', async () => {
    const server = await sandbox();
    const here = await machine(server);
    const file = await makeSource(THREE_PARTS);
    await breakOff(here, file, 2);
    writeSource(file.path, THREE_PARTS, 7);
    const now = await lookAt(file.path);

    await here.run().upload(now);
    expect(server.s3.uploads()).toEqual([]);
    expect(count(server, 'AbortMultipartUpload')).toBe(1);
    expect(await isStored(server, now)).toBe(true);
  });

  test('of a file that is another one now begins anew where the key may not abort', async () => {
    const server = await sandbox({ s3: { deny: ['AbortMultipartUpload'] } });
    const here = await machine(server);
    const file = await makeSource(THREE_PARTS);
    await breakOff(here, file, 2);
    writeSource(file.path, THREE_PARTS, 7);
    const now = await lookAt(file.path);

    await here.run().upload(now);
    expect(await isStored(server, now)).toBe(true);
  });

  test('is given up where all is to be sent anew', async () => {
    const server = await sandbox();
    const here = await machine(server);
    const file = await makeSource(THREE_PARTS);
    await breakOff(here, file, 2);
    server.s3.resetRequests();

    await here.run().upload(file, { force: true });
    expect(sentParts(server)).toEqual([1, 2, 3]);
    expect(server.s3.uploads()).toEqual([]);
    expect(await isStored(server, file)).toBe(true);
  });

  test('is given up where somebody else has brought the file there meanwhile', async () => {
    const server = await sandbox();
    const here = await machine(server);
    const file = await makeSource(THREE_PARTS);
    await breakOff(here, file, 2);
    const { bucket } = (await machine(server)).run().session;
    const { uploadId } = await feed(bucket, file, [1, 2, 3, 4], { partSize: 5 * MIB });
    const { parts } = await bucket.listParts(KEY, uploadId, never);
    await bucket.completeUpload(KEY, uploadId, parts, {}, never);
    expect(server.s3.uploads()).toHaveLength(1);
    server.s3.resetRequests();

    const { outcome } = await here.run().upload(file);
    expect(outcome).toBe('unchanged');
    expect(sentParts(server)).toEqual([]);
    expect(server.s3.uploads()).toEqual([]);
  });
});

describe('A Create whose answer is lost', () => {
  test.each([
    ['to the network', { drop: 'after' as const }],
    ['to a failing store', { answer: { status: 500, when: 'after' as const } }],
  ])('%s leaves no second upload', async (_, action) => {
    const server = await sandbox();
    const here = await machine(server);
    const file = await makeSource(THREE_PARTS);
    server.faults.add({ server: 's3', operation: 'CreateMultipartUpload', action });

    await here.run().upload(file);
    expect(count(server, 'CreateMultipartUpload')).toBe(1);
    expect(server.s3.uploads()).toEqual([]);
    expect(await isStored(server, file)).toBe(true);
  });

  test('to a crash leaves no second upload either', async () => {
    const server = await sandbox();
    const here = await machine(server);
    const file = await makeSource(THREE_PARTS);
    const run = here.run();
    const { journal } = run.session;
    let calls = 0;
    run.session.journal = {
      ...journal,
      async beginUpload(...upload) {
        if (++calls > 1) throw new Error('killed');
        await journal.beginUpload(...upload);
      },
    };
    await expect(run.upload(file)).rejects.toThrow('killed');
    expect(server.s3.uploads()).toHaveLength(1);

    await here.run().upload(file);
    expect(count(server, 'CreateMultipartUpload')).toBe(1);
    expect(server.s3.uploads()).toEqual([]);
    expect(await isStored(server, file)).toBe(true);
  });

  test('that never arrived is asked for again', async () => {
    const server = await sandbox();
    const file = await makeSource(THREE_PARTS);
    server.faults.add({ server: 's3', operation: 'CreateMultipartUpload', action: { drop: 'before' } });
    await (await machine(server)).run().upload(file);
    expect(server.s3.uploads()).toEqual([]);
    expect(await isStored(server, file)).toBe(true);
  });
});

describe('Where the state is lost', () => {
  test('the upload that is in the bucket is taken over by the MD5s of its parts, once it is quiet', async () => {
    const clock = virtualClock();
    const server = await sandbox({ now: clock.now });
    const file = await makeSource(25 * MIB);
    await breakOff(await machine(server, { clock }), file, 3);
    server.s3.resetRequests();

    const run = (await machine(server, { clock })).run();
    await run.upload(file);
    expect(sentParts(server)).toEqual([4]);
    expect(clock.elapsed()).toBeGreaterThanOrEqual(60_000);
    expect(run.events).toContainEqual(
      expect.objectContaining({ type: 'warning', message: expect.stringMatching(/no other machine is sending it/) }),
    );
    expect(server.s3.uploads()).toEqual([]);
    expect(await isStored(server, file)).toBe(true);
  });

  test('an upload that has been quiet for long is taken over at once', async () => {
    const clock = virtualClock();
    const server = await sandbox({ now: clock.now });
    const file = await makeSource(THREE_PARTS);
    await breakOff(await machine(server, { clock }), file, 1);
    clock.advance(62_000);

    await (await machine(server, { clock })).run().upload(file);
    expect(clock.sleeps).toEqual([]);
    expect(sentParts(server)).toEqual([1, 2, 3]);
    expect(await isStored(server, file)).toBe(true);
  });

  test('an upload that another machine is still feeding is left to it', async () => {
    const clock = virtualClock();
    const server = await sandbox({ now: clock.now });
    const here = await machine(server, { clock });
    const file = await makeSource(25 * MIB);
    const { bucket } = (await machine(server, { clock })).run().session;
    const theirs = await feed(bucket, file, [1, 2]);
    clock.at(20_000, () => theirs.send(3));

    await here.run().upload(file);
    expect(await isStored(server, file)).toBe(true);
    expect(server.s3.uploads().map(({ uploadId, parts }) => [uploadId, parts.length])).toEqual([[theirs.uploadId, 3]]);
  });

  test('an upload with other parts than the file has is not touched', async () => {
    const clock = virtualClock();
    const server = await sandbox({ now: clock.now });
    const file = await makeSource(THREE_PARTS);
    const other = await makeSource(THREE_PARTS, 99);
    const { bucket } = (await machine(server, { clock })).run().session;
    const theirs = await feed(bucket, other, [1, 2]);
    clock.advance(3_600_000);

    await (await machine(server, { clock })).run().upload(file);
    expect(await isStored(server, file)).toBe(true);
    expect(server.s3.uploads().map(upload => upload.uploadId)).toEqual([theirs.uploadId]);
  });

  test('an upload that another program began with another part size is taken over with that', async () => {
    const clock = virtualClock();
    const server = await sandbox({ now: clock.now });
    const file = await makeSource(THREE_PARTS);
    const { bucket } = (await machine(server, { clock })).run().session;
    await feed(bucket, file, [1, 2], { partSize: 5 * MIB });
    clock.advance(3_600_000);
    server.s3.resetRequests();

    const { object } = await (await machine(server, { clock })).run().upload(file);
    expect(object.partSizeBytes).toBe(5 * MIB);
    expect(sentParts(server)).toEqual([3, 4]);
    expect(server.s3.uploads()).toEqual([]);
    expect(await isStored(server, file)).toBe(true);
  });

  test('and the ETags are no MD5s, the upload begins anew', async () => {
    const clock = virtualClock();
    const server = await sandbox({ now: clock.now, s3: { etags: 'opaque' } });
    const file = await makeSource(THREE_PARTS);
    await breakOff(await machine(server, { clock }), file, 2);
    clock.advance(3_600_000);

    await (await machine(server, { clock })).run().upload(file);
    expect(await isStored(server, file)).toBe(true);
  });

  test('and the key may not list, the upload begins anew', async () => {
    const server = await sandbox({ s3: { deny: ['ListMultipartUploads', 'ListParts'] } });
    const file = await makeSource(THREE_PARTS);
    await breakOff(await machine(server), file, 2);

    await (await machine(server)).run().upload(file);
    expect(await isStored(server, file)).toBe(true);
  });
});

describe('A file that is there already', () => {
  test('is not sent again by the machine that sent it', async () => {
    const server = await sandbox();
    const here = await machine(server);
    const file = await makeSource(THREE_PARTS);
    await here.run().upload(file);
    server.s3.resetRequests();

    expect(await here.run().upload(file)).toMatchObject({ outcome: 'unchanged', sentBytes: 0 });
    expect(server.s3.requests().map(request => request.operation)).toEqual(['HeadObject']);
  });

  test('is not sent again by another machine', async () => {
    const server = await sandbox();
    const file = await makeSource(THREE_PARTS);
    await (await machine(server)).run().upload(file);

    expect(await (await machine(server)).run().upload(file)).toMatchObject({ outcome: 'unchanged', sentBytes: 0 });
  });

  test('is not sent again where another program put it there in other parts', async () => {
    const server = await sandbox();
    const file = await makeSource(THREE_PARTS);
    const { bucket } = (await machine(server)).run().session;
    const { uploadId } = await feed(bucket, file, [1, 2, 3, 4], { partSize: 5 * MIB });
    const { parts } = await bucket.listParts(KEY, uploadId, never);
    await bucket.completeUpload(KEY, uploadId, parts, {}, never);

    expect(await (await machine(server)).run().upload(file)).toMatchObject({ outcome: 'unchanged', sentBytes: 0 });
  });

  test('is not sent again where the folder was only moved or touched', async () => {
    const server = await sandbox();
    const here = await machine(server);
    const file = await makeSource(THREE_PARTS);
    await here.run().upload(file);
    const moved = `${tempFolder()}/video.mkv`;
    renameSync(file.path, moved);
    utimesSync(moved, 1, 1);

    expect(await here.run().upload(await lookAt(moved))).toMatchObject({ outcome: 'unchanged', sentBytes: 0 });
  });

  test('is not sent again where ETags tell nothing and the kept checksum does', async () => {
    const server = await sandbox({ s3: { etags: 'opaque' } });
    const file = await makeSource(THREE_PARTS);
    const { object } = await (await machine(server)).run().upload(file);

    const known = { sizeBytes: file.sizeBytes, ...object };
    const elsewhere = (await machine(server)).run();
    expect(await elsewhere.upload(file, { known: async () => known })).toMatchObject({ outcome: 'unchanged' });
  });

  test('is sent again where the bucket has lost it', async () => {
    const server = await sandbox();
    const here = await machine(server);
    const file = await makeSource(THREE_PARTS);
    await here.run().upload(file);
    await here.run().session.bucket.delete(KEY, never);

    expect(await here.run().upload(file)).toMatchObject({ outcome: 'uploaded' });
    expect(await isStored(server, file)).toBe(true);
  });

  test('is refused where another machine stored other bytes of the same length; force replaces them', async () => {
    const server = await sandbox();
    const file = await makeSource(THREE_PARTS);
    await (await machine(server)).run().upload(await makeSource(THREE_PARTS, 5));

    const refused = await failure((await machine(server)).run().upload(file));
    expect(refused).toMatchObject({
      code: 'RECORDING',
      message: expect.stringMatching(/42\/video\.mkv \(17\.8 MB, stored .* by recorder-1\)/),
    });
    expect(await isStored(server, file)).toBe(false);
    expect(await (await machine(server)).run().upload(file, { force: true })).toMatchObject({ outcome: 'uploaded' });
    expect(await isStored(server, file)).toBe(true);
  });

  test.each([0, 1, 4096, 8 * MIB, 8 * MIB + 1])('with %d bytes is stored and found again', async size => {
    const server = await sandbox();
    const here = await machine(server);
    const file = await makeSource(size);
    expect(await here.run().upload(file)).toMatchObject({ outcome: 'uploaded', sentBytes: size });
    expect(await isStored(server, file)).toBe(true);
    expect(await (await machine(server)).run().upload(file)).toMatchObject({ outcome: 'unchanged' });
  });

  test('is no hindrance where the key is wrong: the refusal is told', async () => {
    const server = await sandbox();
    const file = await makeSource(1024);
    const run = (await machine(server)).run({
      bucket: { credentials: { accessKeyId: 'nobody', secretAccessKey: server.s3.secretAccessKey } },
    });
    const error = await failure(run.upload(file));
    expect(error.message).toMatch(/InvalidAccessKeyId/);
    expect(error.hint).toMatch(/accessKeyId/);
  });
});

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { bufferBody } from '../../../src/core/storage/body.ts';
import { unlimited } from '../../../src/core/storage/throttle.ts';
import type { FaultAction, FaultRule } from '../../../src/sandbox/sandbox.ts';
import {
  breakOff,
  count,
  failure,
  isStored,
  KEY,
  machine,
  makeSource,
  type Run,
  refOf,
  sandbox,
  sentParts,
  THREE_PARTS,
} from '../storage/support.ts';

const never = new AbortController().signal;
const SETTINGS = { contentType: 'video/x-matroska', metadata: {} };

/** Somebody writes to the same key between our Complete and our look at it. */
function replaceAfterComplete(run: Run, replace: () => Promise<unknown>): void {
  const { bucket } = run.session;
  run.session.bucket = {
    ...bucket,
    async completeUpload(...call) {
      await bucket.completeUpload(...call);
      await replace();
    },
  };
}

function bodyOf(path: string) {
  const bytes = readFileSync(path);
  return bufferBody(bytes, createHash('sha256').update(bytes).digest(), { throttle: unlimited });
}
const complete = (action: FaultAction, more: Partial<FaultRule> = {}): FaultRule => ({
  server: 's3',
  operation: 'CompleteMultipartUpload',
  action,
  ...more,
});

describe('Complete', () => {
  test.each<[string, FaultAction]>([
    ['answers 500', { answer: { status: 500 } }],
    ['answers 500 although it was done', { answer: { status: 500, when: 'after' } }],
    ['answers 200 with InternalError inside', { errorInside: 'InternalError' }],
    ['answers 200 with SlowDown inside', { errorInside: 'SlowDown' }],
    ['breaks off before it was done', { drop: 'before' }],
    ['breaks off although it was done', { drop: 'after' }],
    [
      'is answered by a proxy',
      { answer: { status: 502, body: '<html>bad gateway</html>', headers: { 'Content-Type': 'text/html' } } },
    ],
    ['is answered 524 although it was done', { answer: { status: 524, body: 'a timeout occurred', when: 'after' } }],
    ['is cut in mid-answer', { truncateTo: 20 }],
  ])('that %s is looked into and tried again: nothing is aborted, no part sent twice', async (_, action) => {
    const server = await sandbox();
    const file = await makeSource(THREE_PARTS);
    server.faults.add(complete(action));

    const { object } = await (await machine(server)).run().upload(file);
    expect(sentParts(server)).toEqual([1, 2, 3]);
    expect(count(server, 'AbortMultipartUpload')).toBe(0);
    expect(count(server, 'CreateMultipartUpload')).toBe(1);
    expect(server.s3.uploads()).toEqual([]);
    expect(await isStored(server, file)).toBe(true);
    expect(object.etag).toBe(server.s3.objects()[0]?.etag);
  });

  test.each<[string, FaultAction]>([
    ['never', { hang: 'before' }],
    ['never, although it was done', { hang: 'after' }],
  ])('that is answered %s is given up after a while and looked into', async (_, action) => {
    const server = await sandbox();
    const file = await makeSource(THREE_PARTS);
    server.faults.add(complete(action));

    await (await machine(server)).run({ bucket: { completeStallMs: 1_000 } }).upload(file);
    expect(sentParts(server)).toEqual([1, 2, 3]);
    expect(count(server, 'AbortMultipartUpload')).toBe(0);
    expect(await isStored(server, file)).toBe(true);
  });

  test('that always fails leaves the upload and its parts for the next run', async () => {
    const server = await sandbox();
    const here = await machine(server);
    const file = await makeSource(THREE_PARTS);
    const fault = server.faults.add(complete({ answer: { status: 500 } }, { times: Infinity }));
    const error = await failure(here.run().upload(file));
    expect(error).toMatchObject({ code: 'STORAGE', status: 500 });
    expect(here.clock.elapsed()).toBeGreaterThan(29 * 60_000);
    expect(server.s3.uploads()[0]?.parts).toHaveLength(3);

    fault.remove();
    server.s3.resetRequests();
    await here.run().upload(file);
    expect(sentParts(server)).toEqual([]);
    expect(await isStored(server, file)).toBe(true);
  });

  test('that is forbidden stops at once with a hint, and keeps the parts', async () => {
    const server = await sandbox({ s3: { deny: ['CompleteMultipartUpload'] } });
    const here = await machine(server);
    const file = await makeSource(THREE_PARTS);
    const error = await failure(here.run().upload(file));
    expect(error).toMatchObject({ code: 'STORAGE', status: 403, hint: expect.stringMatching(/access key/) });
    expect(count(server, 'CompleteMultipartUpload')).toBe(1);
    expect(server.s3.uploads()[0]?.parts).toHaveLength(3);
  });

  test('that calls a part invalid has the parts compared with what the store lists', async () => {
    const server = await sandbox();
    const here = await machine(server);
    const file = await makeSource(THREE_PARTS);
    await breakOff(here, file, 2);
    // The store has something else as part 1, and forbids to look.
    const { bucket, journal } = here.run().session;
    const ref = refOf(bucket, file.name);
    const { upload, parts } = (await journal.openUpload(ref))!;
    await journal.beginUpload(
      ref,
      upload,
      parts.map(part => (part.number === 1 ? { ...part, etag: '0'.repeat(32) } : part)),
      0,
    );
    server.s3.deny(['ListParts']);
    server.s3.resetRequests();
    const run = here.run();
    const { observer } = run.session;
    run.session.observer = event => {
      observer(event);
      if (event.type === 'file-started') server.s3.deny([]);
    };

    await run.upload(file);
    // What the store lists as part 1 has the file's own MD5, so only part 3 was missing.
    expect(sentParts(server)).toEqual([3]);
    expect(count(server, 'CompleteMultipartUpload')).toBe(2);
    expect(await isStored(server, file)).toBe(true);
  });

  test('that answers 200 with InvalidPart inside has the parts compared, and is not repeated for half an hour', async () => {
    const server = await sandbox();
    const here = await machine(server);
    const file = await makeSource(THREE_PARTS);
    server.faults.add(complete({ errorInside: 'InvalidPart' }, { times: Infinity }));
    const error = await failure(here.run().upload(file));
    expect(error).toMatchObject({ code: 'STORAGE', status: 400, reason: 'InvalidPart', kind: 'refused' });
    expect(error.message).toMatch(/the store answered 200 with InvalidPart in it/);
    expect(count(server, 'CompleteMultipartUpload')).toBe(3);
    expect(here.clock.sleeps).toEqual([]);
  });

  test('that answers 200 with AccessDenied inside stops at once with a hint', async () => {
    const server = await sandbox();
    const here = await machine(server);
    const file = await makeSource(THREE_PARTS);
    server.faults.add(complete({ errorInside: 'AccessDenied' }, { times: Infinity }));
    const error = await failure(here.run().upload(file));
    expect(error).toMatchObject({ code: 'STORAGE', status: 403, hint: expect.stringMatching(/read and write/) });
    expect(count(server, 'CompleteMultipartUpload')).toBe(1);
    expect(here.clock.sleeps).toEqual([]);
  });

  test('that answers 200 with nothing inside is looked into and tried again', async () => {
    const server = await sandbox();
    const here = await machine(server);
    const file = await makeSource(THREE_PARTS);
    server.faults.add(complete({ answer: { status: 200, body: '' } }));
    await here.run().upload(file);
    expect(count(server, 'CompleteMultipartUpload')).toBe(2);
    expect(await isStored(server, file)).toBe(true);
  });

  test('that calls a part invalid again and again is told, not tried for ever', async () => {
    const server = await sandbox();
    const here = await machine(server);
    const file = await makeSource(THREE_PARTS);
    server.faults.add(complete({ answer: { status: 400, code: 'InvalidPart' } }, { times: Infinity }));
    const error = await failure(here.run().upload(file));
    expect(error.message).toMatch(/InvalidPart/);
    expect(count(server, 'CompleteMultipartUpload')).toBe(3);
    expect(sentParts(server)).toEqual([1, 2, 3]);
  });

  test('whose answer is lost to a key that may not look begins anew rather than claim anything', async () => {
    const server = await sandbox({ s3: { deny: ['HeadObject', 'GetObject'] } });
    const file = await makeSource(THREE_PARTS);
    server.faults.add(complete({ drop: 'after' }));
    await (await machine(server)).run().upload(file);
    expect(await isStored(server, file)).toBe(true);
    expect(server.s3.uploads()).toEqual([]);
  });
});

test('A Complete that is answered with 500 because its upload is gone leads to a new upload at once', async () => {
  // As radosgw 16 does.
  const server = await sandbox();
  const here = await machine(server);
  const file = await makeSource(THREE_PARTS);
  const fault = server.faults.add(complete({ answer: { status: 500 } }, { times: Infinity }));
  const run = here.run();
  const { bucket } = run.session;
  run.session.bucket = {
    ...bucket,
    async completeUpload(key, uploadId, ...call) {
      if (fault.hits() === 0) await bucket.abortUpload(key, uploadId, never);
      else fault.remove();
      await bucket.completeUpload(key, uploadId, ...call);
    },
  };
  await run.upload(file);
  expect(here.clock.sleeps).toEqual([]);
  expect(count(server, 'CreateMultipartUpload')).toBe(2);
  expect(await isStored(server, file)).toBe(true);
});

describe('What is in the bucket afterwards', () => {
  test('is checked: an object of another length is no upload', async () => {
    const server = await sandbox();
    const file = await makeSource(THREE_PARTS);
    const shorter = await makeSource(1024);
    const here = await machine(server);
    const run = here.run();
    replaceAfterComplete(run, async () =>
      (await machine(server)).run().session.bucket.put(KEY, bodyOf(shorter.path), SETTINGS, never),
    );
    const error = await failure(run.upload(file));
    expect(error).toMatchObject({ code: 'VERIFICATION', message: expect.stringMatching(/1024 bytes in the bucket/) });
  });

  test('is checked: an object of the same length and other bytes is no upload', async () => {
    const server = await sandbox();
    const file = await makeSource(THREE_PARTS);
    const other = await makeSource(THREE_PARTS, 3);
    const run = (await machine(server)).run();
    replaceAfterComplete(run, async () => (await machine(server)).run().upload(other, { force: true }));
    const error = await failure(run.upload(file));
    expect(error).toMatchObject({ code: 'VERIFICATION', message: expect.stringMatching(/ETag/) });
  });

  test('is checked by its token where ETags prove nothing', async () => {
    const server = await sandbox({ s3: { etags: 'opaque' } });
    const file = await makeSource(THREE_PARTS);
    const other = await makeSource(THREE_PARTS, 3);
    const run = (await machine(server)).run();
    replaceAfterComplete(run, async () => (await machine(server)).run().upload(other, { force: true }));
    const error = await failure(run.upload(file));
    expect(error).toMatchObject({ code: 'VERIFICATION', message: expect.stringMatching(/replaced by another upload/) });
  });

  test('may have come from another machine with the same bytes', async () => {
    const server = await sandbox();
    const file = await makeSource(THREE_PARTS);
    const run = (await machine(server)).run();
    replaceAfterComplete(run, async () => (await machine(server)).run().upload(file, { force: true }));
    await expect(run.upload(file)).resolves.toMatchObject({ outcome: 'uploaded' });
  });

  test('is checked after a single PUT, too', async () => {
    const server = await sandbox();
    const run = (await machine(server)).run();
    const file = await makeSource(1024);
    const { bucket } = run.session;
    run.session.bucket = {
      ...bucket,
      async put(...call) {
        const answer = await bucket.put(...call);
        await bucket.delete(KEY, never);
        return answer;
      },
    };
    const error = await failure(run.upload(file));
    expect(error).toMatchObject({ code: 'VERIFICATION', message: expect.stringMatching(/not in the bucket/) });
  });

  test.each([1024, THREE_PARTS])('needs no MD5s: a store that encrypts has other ETags (%d bytes)', async size => {
    const server = await sandbox({ s3: { etags: 'opaque' } });
    const here = await machine(server);
    const file = await makeSource(size);
    const { object } = await here.run().upload(file);
    expect(object.etag).toBe(server.s3.objects()[0]?.etag);
    expect(await isStored(server, file)).toBe(true);
    expect(await here.run().upload(file)).toMatchObject({ outcome: 'unchanged' });
  });

  test.each([
    ['is accepted where the parts are no MD5s either', 'opaque' as const, 'resolves'],
    ['is refused where the parts are', 'md5' as const, 'VERIFICATION'],
  ])('with a multipart ETag that is made of something else %s', async (_, etags, outcome) => {
    const server = await sandbox({ s3: { etags } });
    const file = await makeSource(THREE_PARTS);
    const run = (await machine(server)).run();
    const { bucket } = run.session;
    run.session.bucket = {
      ...bucket,
      async head(...call) {
        const head = await bucket.head(...call);
        return head && { ...head, etag: `${'0'.repeat(32)}-3` };
      },
    };
    const uploading = run.upload(file).then(
      () => 'resolves',
      error => error.code,
    );
    expect(await uploading).toBe(outcome);
  });

  test.each([1024, THREE_PARTS])('is believed with a warning where the key may not read (%d bytes)', async size => {
    const server = await sandbox({ s3: { deny: ['HeadObject', 'GetObject', 'ListParts', 'ListMultipartUploads'] } });
    const here = await machine(server);
    const file = await makeSource(size);
    const run = here.run();
    expect(await run.upload(file)).toMatchObject({ outcome: 'uploaded' });
    expect(run.events).toContainEqual(
      expect.objectContaining({ type: 'warning', message: expect.stringMatching(/may not read objects/) }),
    );
    expect(await isStored(server, file)).toBe(true);
    server.s3.resetRequests();
    expect(await here.run().upload(file)).toMatchObject({ outcome: 'unchanged' });
    expect(sentParts(server)).toEqual([]);
  });
});

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { bufferBody } from '../../../src/core/storage/body.ts';
import { createInFlight } from '../../../src/core/storage/in-flight.ts';
import { unlimited } from '../../../src/core/storage/throttle.ts';
import type { FaultAction, S3Operation, Sandbox } from '../../../src/sandbox/sandbox.ts';
import {
  breakOff,
  count,
  failure,
  isStored,
  KEY,
  type Machine,
  machine,
  makeSource,
  sandbox,
  sentParts,
  THREE_PARTS,
} from '../storage/support.ts';
import { virtualClock } from '../storage/virtual-clock.ts';

const MINUTE = 60_000;
const never = new AbortController().signal;

/** How each operation comes to be used: what has to be there before the run, and the file. */
const USES: {
  operation: S3Operation;
  sizeBytes: number;
  before?: (server: Sandbox, at: Machine) => Promise<unknown>;
}[] = [
  { operation: 'HeadObject', sizeBytes: 1024 },
  { operation: 'PutObject', sizeBytes: 1024 },
  { operation: 'CreateMultipartUpload', sizeBytes: THREE_PARTS },
  { operation: 'UploadPart', sizeBytes: THREE_PARTS },
  { operation: 'CompleteMultipartUpload', sizeBytes: THREE_PARTS },
  { operation: 'ListMultipartUploads', sizeBytes: THREE_PARTS },
  {
    operation: 'ListParts',
    sizeBytes: THREE_PARTS,
    before: async (_, at) => breakOff(at, await source(THREE_PARTS), 1),
  },
  {
    operation: 'AbortMultipartUpload',
    sizeBytes: THREE_PARTS,
    before: async (_, at) => breakOff(at, await makeSource(THREE_PARTS, 8), 1),
  },
];
/** Long enough for a busy machine to move a byte. */
const IMPATIENT = { stallMs: 1_500, completeStallMs: 1_500 };
let made: Awaited<ReturnType<typeof makeSource>> | undefined;
const source = async (sizeBytes: number) => {
  made ??= await makeSource(sizeBytes);
  return made;
};
const FAILURES: [string, FaultAction][] = [
  ['answers 500', { answer: { status: 500 } }],
  ['answers 503 SlowDown', { answer: { status: 503, code: 'SlowDown' } }],
  ['breaks off', { drop: 'before' }],
  ['breaks off although it was done', { drop: 'after' }],
  ['hangs', { hang: 'before' }],
];
const table = USES.flatMap(use => FAILURES.map(([what, action]) => ({ ...use, what, action })));

describe('A call that fails once', () => {
  test.each(table)('$operation $what: the file is uploaded all the same', async use => {
    made = undefined;
    const server = await sandbox();
    const here = await machine(server);
    await use.before?.(server, here);
    const file = await source(use.sizeBytes);
    const fault = server.faults.add({ server: 's3', operation: use.operation, action: use.action });

    const hangs = use.action.hang !== undefined;
    expect(await here.run({ bucket: hangs ? IMPATIENT : {} }).upload(file)).toMatchObject({ outcome: 'uploaded' });
    expect(fault.hits()).toBe(1);
    expect(await isStored(server, file)).toBe(true);
    expect(server.s3.uploads()).toEqual([]);
    // On a busy machine an impatient client takes more than the one that hangs for stalled.
    const twice = use.operation === 'UploadPart' ? 1 : 0;
    if (!hangs) expect(sentParts(server).length).toBeLessThanOrEqual((use.before ? 4 : 3) + twice);
  });
});

describe('A call that fails for ever', () => {
  test.each(USES)('$operation: the upload ends when the budget does, and says why', async use => {
    made = undefined;
    const server = await sandbox();
    const here = await machine(server);
    await use.before?.(server, here);
    const file = await source(use.sizeBytes);
    const answer = { status: 500 };
    server.faults.add({ server: 's3', operation: use.operation, times: Infinity, action: { answer } });

    const error = await failure(here.run({ random: () => 0.9 }).upload(file));
    expect(error).toMatchObject({ code: 'STORAGE', status: 500 });
    expect(here.clock.elapsed()).toBeGreaterThan(29 * MINUTE);
    expect(here.clock.elapsed()).toBeLessThan(31 * MINUTE);
  });

  test.each(USES)('$operation: what is left is finished by the next run', async use => {
    made = undefined;
    const server = await sandbox();
    const here = await machine(server);
    await use.before?.(server, here);
    const file = await source(use.sizeBytes);
    const action = { answer: { status: 500 } };
    const fault = server.faults.add({ server: 's3', operation: use.operation, times: Infinity, action });
    await failure(here.run({ budgetMs: 5_000 }).upload(file));
    fault.remove();
    here.clock.advance(3 * MINUTE);

    await here.run().upload(file);
    expect(await isStored(server, file)).toBe(true);
    expect(server.s3.uploads()).toEqual([]);
  });
});

describe('An answer', () => {
  test.each([408, 425, 429, 500, 502, 503, 504, 509, 520, 521, 522, 523, 524, 525, 526, 527, 529, 530])(
    'of %d passes by itself: it is tried again',
    async status => {
      const server = await sandbox();
      const file = await makeSource(1024);
      server.faults.add({ server: 's3', operation: 'PutObject', times: 3, action: { answer: { status, body: '' } } });
      const here = await machine(server);
      const run = here.run();
      expect(await run.upload(file)).toMatchObject({ outcome: 'uploaded' });
      expect(here.clock.sleeps).toEqual([250, 500, 1_000]);
      expect(run.events.filter(event => event.type === 'file-retrying')).toHaveLength(3);
    },
  );

  test.each([
    ['7', 7_250],
    ['Thu, 01 Jan 2026 00:00:07 GMT', 7_250],
    // MinIO asks for a minute, whatever is wrong.
    ['60', 30_250],
    ['soon', 250],
  ])('that asks to come back later (%s) is obeyed, for 30 s at most', async (retryAfter, waitMs) => {
    const server = await sandbox();
    const file = await makeSource(1024);
    const headers = { 'Retry-After': retryAfter, Date: 'Thu, 01 Jan 2026 00:00:00 GMT' };
    const answer = { status: 503, code: 'SlowDown', headers };
    server.faults.add({ server: 's3', operation: 'PutObject', action: { answer } });
    const here = await machine(server);
    expect(await here.run().upload(file)).toMatchObject({ outcome: 'uploaded' });
    expect(here.clock.sleeps).toEqual([waitMs]);
  });

  test('that asks for a minute does not use up a budget of seconds', async () => {
    const server = await sandbox();
    const file = await makeSource(1024);
    const answer = { status: 503, code: 'XMinioServerNotInitialized', headers: { 'Retry-After': '60' } };
    server.faults.add({ server: 's3', operation: 'PutObject', times: 2, action: { answer } });
    const here = await machine(server);
    expect(await here.run({ budgetMs: 10_000 }).upload(file)).toMatchObject({ outcome: 'uploaded' });
    expect(here.clock.sleeps).toEqual([2_750, 3_000]);
  });

  test.each<[number, string, RegExp]>([
    [403, 'AccessDenied', /may read and write this bucket/],
    [403, 'InvalidAccessKeyId', /accessKeyId/],
    [403, 'SignatureDoesNotMatch', /secretAccessKey/],
    [404, 'NoSuchBucket', /bucket and endpoint/],
    [301, 'PermanentRedirect', /endpoint and region/],
    [400, 'AuthorizationHeaderMalformed', /region/],
    [400, 'EntityTooLarge', /size/],
  ])('of %d %s stops at once, with a hint', async (status, code, hint) => {
    const server = await sandbox();
    const here = await machine(server);
    server.faults.add({ server: 's3', operation: 'PutObject', times: Infinity, action: { answer: { status, code } } });
    const error = await failure(here.run().upload(await makeSource(1024)));
    expect(error).toMatchObject({ code: 'STORAGE', status, reason: code, hint: expect.stringMatching(hint) });
    expect(count(server, 'PutObject')).toBe(1);
    expect(here.clock.sleeps).toEqual([]);
  });

  test.each([
    [403, 1],
    [404, 1],
    [405, 1],
    [409, 1],
    // It may be the condition (`If-None-Match`) that the store does not know: it is asked once more without.
    [400, 2],
    [501, 2],
  ])('of %d without a reason stops at once', async (status, requests) => {
    const server = await sandbox();
    const here = await machine(server);
    server.faults.add({
      server: 's3',
      operation: 'PutObject',
      times: Infinity,
      action: { answer: { status, body: '' } },
    });
    const error = await failure(here.run().upload(await makeSource(1024)));
    expect(error).toMatchObject({ code: 'STORAGE', status });
    expect(count(server, 'PutObject')).toBe(requests);
  });

  test('that is a web page comes from no S3 service: that is said', async () => {
    const server = await sandbox();
    const page = {
      status: 200,
      headers: { 'Content-Type': 'text/html' },
      body: '<!doctype html><title>Log in</title>',
    };
    server.faults.add({ server: 's3', times: Infinity, action: { answer: page } });
    const error = await failure((await machine(server)).run().upload(await makeSource(1024)));
    expect(error).toMatchObject({ code: 'STORAGE', hint: expect.stringMatching(/endpoint/) });
    expect(error.message).toMatch(/does not answer as an S3 service/);
  });
});

describe('The network', () => {
  test('may break in mid-body: only that part is sent again', async () => {
    const server = await sandbox();
    const file = await makeSource(THREE_PARTS);
    server.faults.add({ server: 's3', operation: 'UploadPart', partNumber: 2, action: { dropAfterBytes: 3_000_000 } });
    const run = (await machine(server)).run();
    await run.upload(file);
    expect(sentParts(server)).toEqual([1, 2, 2, 3]);
    expect(await isStored(server, file)).toBe(true);
    // What was counted of the try that failed is taken back.
    const bytes = run.events.reduce((sum, event) => sum + (event.type === 'file-progress' ? event.bytes : 0), 0);
    expect(bytes).toBe(THREE_PARTS);
  });

  test('may stall in mid-body: the part is given up and sent again', async () => {
    const server = await sandbox();
    const file = await makeSource(THREE_PARTS);
    server.faults.add({ server: 's3', operation: 'UploadPart', partNumber: 2, action: { hang: 'before' } });
    const run = (await machine(server)).run({ bucket: IMPATIENT });
    await run.upload(file);
    expect(sentParts(server, { whole: true })).toEqual([1, 2, 3]);
    expect(sentParts(server).filter(number => number === 2).length).toBeGreaterThan(1);
    expect(await isStored(server, file)).toBe(true);
    expect(run.events).toContainEqual(
      expect.objectContaining({ type: 'file-retrying', reason: expect.stringMatching(/no byte moved/) }),
    );
  });

  test('may be gone for ten minutes in mid-upload: no finished part is sent again', async () => {
    const clock = virtualClock();
    const server = await sandbox();
    const here = await machine(server, { clock });
    const file = await makeSource(33 * 1024 * 1024);
    const run = here.run({ random: () => 0.7 });
    const { journal } = run.session;
    let parts = 0;
    run.session.journal = {
      ...journal,
      async addParts(ref, added) {
        await journal.addParts(ref, added);
        if (++parts !== 2) return;
        const outage = server.faults.add({ server: 's3', times: Infinity, action: { drop: 'before' } });
        clock.at(clock.elapsed() + 10 * MINUTE, () => outage.remove());
      },
    };
    expect(await run.upload(file)).toMatchObject({ outcome: 'uploaded' });
    expect(clock.elapsed()).toBeGreaterThan(10 * MINUTE);
    expect(clock.elapsed()).toBeLessThan(12 * MINUTE);
    expect(sentParts(server, { whole: true })).toEqual([1, 2, 3, 4, 5]);
    expect(await isStored(server, file)).toBe(true);
  });

  test('may be gone from the start: that is said within 15 s, and the state knows what to go on with', async () => {
    const server = await sandbox();
    const here = await machine(server);
    const file = await makeSource(1024);
    await server.close();
    const error = await failure(here.run().upload(file));
    expect(error).toMatchObject({ code: 'STORAGE', hint: expect.stringMatching(/endpoint/) });
    // In a test runner's realm the SDK wraps the system's error.
    expect(error.message).toMatch(/connection refused|ECONNREFUSED/);
    expect(here.clock.elapsed()).toBeLessThanOrEqual(15_000);
  });

  test('may take requests and never answer from the start', async () => {
    const server = await sandbox();
    server.faults.add({ server: 's3', times: Infinity, action: { hang: 'before' } });
    const here = await machine(server);
    const error = await failure(here.run({ bucket: { stallMs: 50 }, random: () => 1 }).upload(await makeSource(1024)));
    expect(error.message).toMatch(/no byte moved/);
    expect(here.clock.elapsed()).toBeLessThanOrEqual(15_000);
  });

  test('that fails many requests at once does not exhaust anything: all are tried again', async () => {
    const server = await sandbox();
    const here = await machine(server);
    const file = await makeSource(64 * 1024 * 1024 + 1);
    server.faults.add({
      server: 's3',
      operation: 'UploadPart',
      times: 40,
      action: { answer: { status: 503, code: 'SlowDown' } },
    });
    const run = here.run({ session: { inFlight: createInFlight({ fixed: 16, clock: here.clock }) } });
    expect(await run.upload(file)).toMatchObject({ outcome: 'uploaded' });
    expect(sentParts(server, { whole: true })).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(await isStored(server, file)).toBe(true);
  });

  test('that flips a bit is found out by the store: the part is sent again', async () => {
    const server = await sandbox();
    const run = (await machine(server)).run();
    const { bucket } = run.session;
    const file = await makeSource(THREE_PARTS);
    let flipped = false;
    run.session.bucket = {
      ...bucket,
      uploadPart(key, uploadId, number, body, signal) {
        if (number !== 2 || flipped) return bucket.uploadPart(key, uploadId, number, body, signal);
        flipped = true;
        const bytes = readFileSync(file.path).subarray(8 * 1024 * 1024, 16 * 1024 * 1024);
        bytes[12_345]! ^= 4;
        return bucket.uploadPart(
          key,
          uploadId,
          number,
          bufferBody(bytes, body.sha256, { throttle: unlimited }),
          signal,
        );
      },
    };
    await run.upload(file);
    expect(server.s3.requests().filter(request => request.errorCode === 'XAmzContentSHA256Mismatch')).toHaveLength(1);
    expect(await isStored(server, file)).toBe(true);
  });
});

describe('A clock that is an hour off', () => {
  test.each([3_600_000, -3_600_000])('by %d ms is no hindrance', async skewMs => {
    const server = await sandbox({ now: () => Date.now() + skewMs });
    const here = await machine(server);
    const file = await makeSource(THREE_PARTS);
    expect(await here.run().upload(file)).toMatchObject({ outcome: 'uploaded' });
    expect(await isStored(server, file)).toBe(true);
    expect(here.clock.sleeps).toEqual([]);
  });

  test('does not make the state believed of an object that is gone', async () => {
    let skewMs = 0;
    const server = await sandbox({ now: () => Date.now() + skewMs });
    const here = await machine(server);
    const file = await makeSource(1024);
    await here.run().upload(file);
    await here.run().session.bucket.delete(KEY, never);
    skewMs = 3_600_000;
    expect(await here.run().upload(file)).toMatchObject({ outcome: 'uploaded' });
    expect(await isStored(server, file)).toBe(true);
  });

  test('does not hide that the key may not look', async () => {
    const server = await sandbox({ now: () => Date.now() + 3_600_000, s3: { deny: ['HeadObject'] } });
    const file = await makeSource(1024);
    expect(await (await machine(server)).run().upload(file)).toMatchObject({ outcome: 'uploaded' });
    expect(await isStored(server, file)).toBe(true);
  });
});

describe('A digest', () => {
  test('of every body is signed, so that the store can check it', async () => {
    const server = await sandbox();
    const { bucket } = (await machine(server)).run().session;
    const bytes = Buffer.from('what was meant');
    const body = bufferBody(Buffer.from('what was sent!'), createHash('sha256').update(bytes).digest(), {
      throttle: unlimited,
    });
    const error = await failure(bucket.put(KEY, body, { contentType: 'text/plain', metadata: {} }, never));
    expect(error).toMatchObject({ reason: 'XAmzContentSHA256Mismatch', kind: 'transient' });
    expect(server.s3.objects()).toEqual([]);
  });
});

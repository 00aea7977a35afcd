import { describe, expect, test } from '@jest/globals';
import { StorageFailure } from '../../../src/core/storage/failure.ts';
import {
  abortAbandonedUploads,
  type CleanUpDeps,
  findAbandonedUploads,
} from '../../../src/core/upload/clean-up-uploads.ts';
import type { Sandbox } from '../../../src/sandbox/sandbox.ts';
import {
  breakOff,
  count,
  isStored,
  KEY,
  type Machine,
  MIB,
  machine,
  makeSource,
  type Run,
  refOf,
  sandbox,
  sentParts,
  THREE_PARTS,
} from '../storage/support.ts';

/* S3 servers that differ from AWS, in what fault reports and nine servers have shown. */

const { signal } = new AbortController();
const always = Number.POSITIVE_INFINITY;
const warnings = ({ events }: Run) => events.flatMap(event => (event.type === 'warning' ? [event.message] : []));
const cleanUp = (at: Machine, run: Run, now = () => Date.now() + 8 * 86_400_000): CleanUpDeps => ({
  bucket: run.session.bucket,
  journal: at.journal,
  now,
  signal,
});
const found = (deps: CleanUpDeps, elsewhere = false) => findAbandonedUploads({ olderThanMs: 0, elsewhere }, deps);

describe('An object of parts whose ETag is not made of them', () => {
  test.each(['whole', 'opaque'] as const)(
    '(%s) is no corruption, and is there already in the next run',
    async multipartEtag => {
      const server = await sandbox({ s3: { habits: { multipartEtag } } });
      const here = await machine(server);
      const file = await makeSource(THREE_PARTS);
      expect(await here.run().upload(file)).toMatchObject({ outcome: 'uploaded' });
      expect(await here.run().upload(file)).toMatchObject({ outcome: 'unchanged', sentBytes: 0 });
      expect(await isStored(server, file)).toBe(true);
      // Without the state, too.
      expect(await (await machine(server)).run().upload(file)).toMatchObject({ outcome: 'unchanged' });
    },
  );

  test('is completed after all if the answer was lost, also if another machine began it', async () => {
    const server = await sandbox({ s3: { habits: { multipartEtag: 'opaque' } } });
    const file = await makeSource(25 * MIB);
    await breakOff(await machine(server), file, 2);
    const other = await machine(server);
    server.faults.add({ server: 's3', operation: 'CompleteMultipartUpload', action: { drop: 'after' } });
    other.clock.advance(3_600_000);
    const run = other.run();
    run.session.bucket = { ...run.session.bucket, listParts: anHourOld(run.session.bucket.listParts) };
    expect(await run.upload(file)).toMatchObject({ outcome: 'uploaded', sentBytes: 9 * MIB });
    expect(await isStored(server, file)).toBe(true);
  });
});

/** As a store's list an hour later: nobody sends to the upload any more. */
function anHourOld(listParts: Run['session']['bucket']['listParts']): Run['session']['bucket']['listParts'] {
  return async (...call) => {
    const listed = await listParts(...call);
    return { ...listed, serverTime: new Date(listed.serverTime.getTime() + 3_600_000) };
  };
}

describe('A list of parts', () => {
  test('without ETags says by numbers and sizes what is there', async () => {
    const server = await sandbox({ s3: { habits: { listsPartEtags: false } } });
    const here = await machine(server);
    const file = await makeSource(25 * MIB);
    await breakOff(here, file, 2);
    expect(await here.run().upload(file)).toMatchObject({ sentBytes: 9 * MIB });
    expect(await isStored(server, file)).toBe(true);
  });

  test.each([
    ['is a document of another kind', { status: 200, body: '<Other><A>b</A></Other>' }],
    ['is no XML', { status: 200, body: 'hello' }],
    ['is a web page', { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>hello</html>' }],
    ['is of another upload', { status: 200, body: '<ListPartsResult><UploadId>x</UploadId></ListPartsResult>' }],
    ['says that there is no such upload', { status: 404, code: 'NoSuchUpload' }],
    ["says so without S3's words", { status: 404, body: '' }],
    ['is a page of a proxy', { status: 404, headers: { 'content-type': 'text/html' }, body: '<html>no</html>' }],
    ['is refused', { status: 400, code: 'InvalidArgument' }],
  ])('that %s, while the upload is listed, is not "no upload": not a part is sent again', async (_what, answer) => {
    const server = await sandbox();
    const here = await machine(server);
    const file = await makeSource(25 * MIB);
    await breakOff(here, file, 2);
    server.faults.add({ server: 's3', operation: 'ListParts', times: always, action: { answer } });
    server.s3.resetRequests();
    expect(await here.run().upload(file)).toMatchObject({ outcome: 'uploaded', sentBytes: 9 * MIB });
    expect(count(server, 'CreateMultipartUpload')).toBe(0);
    expect(await isStored(server, file)).toBe(true);
  });
});

test('A HEAD without a length says nothing of the size: the token and the ETag count', async () => {
  const server = await sandbox();
  const here = await machine(server);
  const file = await makeSource(1024);
  const withoutLength = (run: Run): Run => {
    const { bucket } = run.session;
    run.session.bucket = {
      ...bucket,
      async head(...call) {
        const head = await bucket.head(...call);
        return head && { ...head, sizeBytes: undefined };
      },
    };
    return run;
  };
  expect(await withoutLength(here.run()).upload(file)).toMatchObject({ outcome: 'uploaded' });
  expect(await withoutLength(here.run()).upload(file)).toMatchObject({ outcome: 'unchanged' });
});

describe('Creates whose answers are lost', () => {
  /** The store makes an upload for each, and shows the first ones only later, as radosgw does. */
  const loseCreates = (server: Sandbox, times: number) => {
    server.faults.add({ server: 's3', operation: 'CreateMultipartUpload', times, action: { drop: 'after' } });
    const hidden = '<ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>';
    const action = { answer: { status: 200, headers: { 'content-type': 'application/xml' }, body: hidden } };
    server.faults.add({ server: 's3', operation: 'ListMultipartUploads', times: times + 1, action });
  };

  test.each([1, 2, 3])('(%d) leave nothing behind once the file is there', async times => {
    const server = await sandbox();
    loseCreates(server, times);
    const file = await makeSource(THREE_PARTS);
    expect(await (await machine(server)).run().upload(file)).toMatchObject({ outcome: 'uploaded' });
    expect(count(server, 'CreateMultipartUpload')).toBe(times + 1);
    expect(server.s3.uploads()).toEqual([]);
  });

  test('by a run that died leave nothing behind after the next', async () => {
    const server = await sandbox();
    loseCreates(server, 2);
    const here = await machine(server);
    const file = await makeSource(THREE_PARTS);
    const dying = here.run({ budgetMs: 1 });
    await expect(dying.upload(file)).rejects.toThrow();
    expect(await here.run().upload(file)).toMatchObject({ outcome: 'uploaded' });
    expect(server.s3.uploads()).toEqual([]);
  });

  test('do not end what others have begun: an upload with a part, and one from before', async () => {
    const server = await sandbox();
    const { bucket } = (await machine(server)).run().session;
    const settings = { contentType: 'video/x-matroska', metadata: {} };
    const older = await bucket.createUpload(KEY, settings, signal);
    const here = await machine(server);
    here.clock.advance(60_000);
    server.faults.add({ server: 's3', operation: 'CreateMultipartUpload', times: 2, action: { drop: 'before' } });
    const hidden = '<ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>';
    const action = { answer: { status: 200, headers: { 'content-type': 'application/xml' }, body: hidden } };
    server.faults.add({ server: 's3', operation: 'ListMultipartUploads', times: 3, action });
    const run = here.run();
    run.session.bucket = { ...run.session.bucket, listParts: aMinuteLater(run.session.bucket.listParts) };
    expect(await run.upload(await makeSource(THREE_PARTS))).toMatchObject({ outcome: 'uploaded' });
    expect(server.s3.uploads().map(({ uploadId }) => uploadId)).toEqual([older.uploadId]);
  });
});

function aMinuteLater(listParts: Run['session']['bucket']['listParts']): Run['session']['bucket']['listParts'] {
  return async (...call) => {
    const listed = await listParts(...call);
    return { ...listed, serverTime: new Date(listed.serverTime.getTime() + 60_000) };
  };
}

describe('An upload that is left behind', () => {
  test('is found by its key in a store that lists uploads by the whole key alone, and is not forgotten', async () => {
    const server = await sandbox({ s3: { habits: { listsUploadsByPrefix: false } } });
    const here = await machine(server);
    const file = await makeSource(THREE_PARTS);
    await breakOff(here, file, 2);
    const run = here.run();
    await here.journal.dropUpload(refOf(run.session.bucket, file.name));
    const deps = cleanUp(here, run);
    const uploads = await found(deps);
    expect(uploads).toMatchObject([{ key: KEY, parts: 2, bytes: 16 * MIB, begun: 'here' }]);
    await abortAbandonedUploads(uploads, deps);
    expect(server.s3.uploads()).toEqual([]);
    expect(await here.journal.begunUploads(run.session.bucket.target)).toEqual([]);
  });

  test('is forgotten only if the store, asked for its key, has it no more', async () => {
    const server = await sandbox();
    const here = await machine(server);
    const file = await makeSource(THREE_PARTS);
    await breakOff(here, file, 2);
    const run = here.run();
    const { bucket } = run.session;
    await here.journal.dropUpload(refOf(bucket, file.name));
    const hidden = '<ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>';
    const answer = { status: 200, headers: { 'content-type': 'application/xml' }, body: hidden };
    const lies = server.faults.add({
      server: 's3',
      operation: 'ListMultipartUploads',
      times: always,
      action: { answer },
    });
    expect(await found(cleanUp(here, run))).toMatchObject([{ key: KEY, parts: 2 }]);
    lies.remove();
    const nonsense = { status: 500, body: '' };
    const broken = server.faults.add({
      server: 's3',
      operation: 'ListParts',
      times: always,
      action: { answer: nonsense },
    });
    await expect(found(cleanUp(here, run))).rejects.toThrow(StorageFailure);
    broken.remove();
    expect(await here.journal.begunUploads(bucket.target)).toHaveLength(1);
    for (const { key, uploadId } of server.s3.uploads()) await bucket.abortUpload(key, uploadId, signal);
    expect(await found(cleanUp(here, run))).toEqual([]);
    expect(await here.journal.begunUploads(bucket.target)).toEqual([]);
  });

  test('by another machine is found where the key of its recording is known', async () => {
    const server = await sandbox({ s3: { habits: { listsUploadsByPrefix: false } } });
    const file = await makeSource(THREE_PARTS);
    await breakOff(await machine(server), file, 2);
    const here = await machine(server);
    await here.run().upload(file, { force: true });
    const deps = cleanUp(here, here.run());
    expect(await found(deps)).toEqual([]);
    expect(await found(deps, true)).toMatchObject([{ key: KEY, begun: 'elsewhere', parts: 2 }]);
  });

  test('by a lost state in an encrypted bucket is told of, and cleanup sees it', async () => {
    const server = await sandbox({ s3: { etags: 'opaque' } });
    const file = await makeSource(THREE_PARTS);
    await breakOff(await machine(server), file, 2);
    const here = await machine(server);
    const run = here.run();
    expect(await run.upload(file)).toMatchObject({ outcome: 'uploaded' });
    expect(warnings(run)).toContainEqual(
      expect.stringMatching(
        /42\/video\.mkv: .*nothing proves whose bytes it has; 2 parts stay \(16\.8 MB\).*cleanup --elsewhere/,
      ),
    );
    expect(await found(cleanUp(here, run), true)).toMatchObject([{ key: KEY, parts: 2 }]);
  });

  test('because the key may not abort it is told of, and cleanup with another key removes it', async () => {
    const server = await sandbox({ s3: { deny: ['AbortMultipartUpload'] } });
    const here = await machine(server);
    const file = await makeSource(THREE_PARTS);
    await breakOff(here, file, 2);
    const run = here.run();
    expect(await run.upload(file, { force: true })).toMatchObject({ outcome: 'uploaded' });
    expect(warnings(run)).toContainEqual(
      expect.stringMatching(/refuses to remove an unfinished upload .*\(403 AccessDenied\); 2 parts \(16\.8 MB\) stay/),
    );
    server.s3.deny([]);
    const deps = cleanUp(here, run);
    const uploads = await found(deps);
    expect(uploads).toMatchObject([{ begun: 'here', parts: 2 }]);
    await abortAbandonedUploads(uploads, deps);
    expect(server.s3.uploads()).toEqual([]);
  });

  test('says so where its parts cannot be listed', async () => {
    const server = await sandbox({ s3: { deny: ['ListParts'] } });
    const here = await machine(server);
    const file = await makeSource(THREE_PARTS);
    await breakOff(here, file, 2);
    const run = here.run();
    await here.journal.dropUpload(refOf(run.session.bucket, file.name));
    expect(await found(cleanUp(here, run))).toMatchObject([{ key: KEY, parts: undefined, bytes: undefined }]);
    expect(sentParts(server)).toHaveLength(2);
  });
});

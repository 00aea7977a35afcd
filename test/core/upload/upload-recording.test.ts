import { appendFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { AppError } from '../../../src/core/errors.ts';
import type { Recording, RecordingId, Role } from '../../../src/core/recording/recording.ts';
import { uploadRecording } from '../../../src/core/upload/upload-recording.ts';
import type { UploadRequest } from '../../../src/core/upload/upload-report.ts';
import type { Sandbox } from '../../../src/sandbox/sandbox.ts';
import { openState } from '../../../src/state/open.ts';
import {
  afterTest,
  count,
  failure,
  ID,
  isStored,
  lookAt,
  MIB,
  machine,
  type RunOptions,
  refOf,
  sandbox,
  sentParts,
  tempFolder,
  writeSource,
} from '../storage/support.ts';

const REQUEST: UploadRequest = {
  force: false,
  endpoints: ['default'],
  region: 'us-west-1',
  publicBaseUrl: 'https://s3.example.com',
  uploadSource: 'test',
};
const ROLES: Record<string, Role> = {
  'video.mkv': 'video',
  'thumbnail.jpg': 'thumbnail',
  'transcript.txt': 'transcript',
};
const SIZES = { 'video.mkv': 17 * MIB, 'thumbnail.jpg': 20_000, 'transcript.txt': 300 };

async function look(dir: string, names = Object.keys(SIZES)): Promise<Recording> {
  const files = await Promise.all(
    names.map(async name => ({ ...(await lookAt(join(dir, name))), role: ROLES[name]! })),
  );
  const details = { title: 'A meeting', createdAt: '2026-01-02 03:04:05.000000', user: { email: 'ada@example.com' } };
  return { id: ID, dir, files, skipped: [], details };
}

async function makeRecording(sizes: Record<string, number> = SIZES): Promise<Recording> {
  const dir = join(tempFolder(), ID);
  mkdirSync(dir);
  for (const [name, size] of Object.entries(sizes)) writeSource(join(dir, name), size, size);
  return look(dir, Object.keys(sizes));
}

/** A machine with an outbox. */
async function office(server: Sandbox) {
  const stateDir = tempFolder();
  const here = await machine(server, { stateDir });
  const { outbox } = here.state;
  const session = (options?: RunOptions) => here.run(options).session;
  const upload = (recording: Recording, request: Partial<UploadRequest> = {}, options?: RunOptions) =>
    uploadRecording(recording, { ...REQUEST, ...request }, session(options));
  return { here, stateDir, outbox, session, upload };
}

const metadataOf = async ({ s3 }: Sandbox) => JSON.parse((await s3.read(`${ID}/metadata.json`)).toString());

describe('An upload', () => {
  test('brings every file, then metadata.json, and queues the same words for the server', async () => {
    const server = await sandbox();
    const { upload, outbox, here, session } = await office(server);
    const recording = await makeRecording();
    const report = await upload(recording);

    expect(report.outcome).toBe('uploaded');
    for (const file of recording.files) expect(await isStored(server, file)).toBe(true);
    expect(server.s3.requests().findLast(request => request.operation === 'PutObject')?.key).toBe(
      `${ID}/metadata.json`,
    );
    expect(report.deliveries.map(({ how }) => how)).toEqual(['new']);
    expect(JSON.parse((await outbox.newest(ID, 'default'))?.payload ?? '')).toEqual(await metadataOf(server));
    expect(Object.keys((await metadataOf(server)).uploaded_files)).toEqual([
      'video',
      'thumbnail',
      'transcript',
      'metadata',
    ]);
    expect(await here.journal.recording(refOf(session().bucket, ''))).toMatchObject({ state: 'done', error: null });
  });

  test('hashes the first parts of a large file before it asks the bucket what it has', async () => {
    const server = await sandbox();
    const { session } = await office(server);
    const { hasher, ...rest } = session();
    const seen: number[] = [];
    const hash: typeof hasher.hash = (...range) => {
      seen.push(server.s3.requests().length);
      return hasher.hash(...range);
    };
    const recording = await makeRecording();
    await uploadRecording(recording, REQUEST, { ...rest, hasher: { ...hasher, hash } });
    // Three parts of the video, and each once.
    expect(seen.slice(0, 3)).toEqual([0, 0, 0]);
    expect(seen).toHaveLength(recording.files.length + 2);
    for (const file of recording.files) expect(await isStored(server, file)).toBe(true);
  });

  test.each([
    ['while a file is sent', 'addParts'],
    ['while metadata.json is stored', 'recording'],
  ] as const)('that may not go on, found out %s, announces nothing of it', async (_when, method) => {
    const server = await sandbox();
    const { session, here, upload, outbox } = await office(server);
    const recording = await makeRecording();
    const own = session();
    // As a machine of a fleet that was cut off for a moment: only this one question fails.
    let isAsked = false;
    const asked = async () => {
      if (isAsked || server.s3.requests().every(({ operation }) => operation !== 'PutObject')) return;
      isAsked = true;
      throw new AppError('BUSY', 'another machine may go on with it');
    };
    const journal = {
      ...own.journal,
      [method]: async (...args: [never, never]) => {
        await asked();
        return await own.journal[method](...args);
      },
    };
    expect(await failure(uploadRecording(recording, REQUEST, { ...own, journal }))).toMatchObject({ code: 'BUSY' });
    expect(isAsked).toBe(true);
    expect(await outbox.newest(ID, 'default')).toBeUndefined();
    expect(await here.journal.recording(refOf(own.bucket, ''))).not.toMatchObject({ state: 'done' });

    const report = await upload(recording);
    expect(report.deliveries.map(({ how }) => how)).toEqual(['new']);
    expect(Object.keys(report.payload?.uploaded_files ?? {})).toEqual(['video', 'thumbnail', 'transcript', 'metadata']);
  });

  test('that is run again sends no byte and queues nothing', async () => {
    const server = await sandbox();
    const { upload } = await office(server);
    const recording = await makeRecording();
    await upload(recording);
    server.s3.resetRequests();

    const report = await upload(recording);
    expect(report).toMatchObject({ outcome: 'unchanged', sentBytes: 0, metadata: { outcome: 'unchanged' } });
    expect(new Set(server.s3.requests().map(request => request.operation))).toEqual(new Set(['HeadObject']));
    expect(report.deliveries.map(({ how }) => how)).toEqual(['reused']);
  });

  test('from a second machine sends no byte, and says what the first one said', async () => {
    const server = await sandbox();
    const recording = await makeRecording();
    await (await office(server)).upload(recording);
    const before = await metadataOf(server);

    const report = await (await office(server)).upload(recording);
    expect(report).toMatchObject({ outcome: 'unchanged', sentBytes: 0 });
    expect(report.payload).toEqual(before);
  });

  test('is done anew where that is asked for', async () => {
    const server = await sandbox();
    const { upload } = await office(server);
    const recording = await makeRecording();
    await upload(recording);
    const report = await upload(recording, { force: true });
    expect(report).toMatchObject({ outcome: 'uploaded', sentBytes: 17 * MIB + 20_300 });
  });

  test('without a webhook queues none', async () => {
    const server = await sandbox();
    const { upload, outbox } = await office(server);
    expect((await upload(await makeRecording(), { endpoints: [] })).deliveries).toEqual([]);
    expect(await outbox.list({})).toEqual([]);
  });

  test('without an e-mail address to tell the server goes on, and its webhook is held', async () => {
    const server = await sandbox();
    const recording = await makeRecording({ 'transcript.txt': 3 });
    const { upload } = await office(server);
    const report = await upload({ ...recording, details: { ...recording.details, user: {} } });
    expect(report.outcome).toBe('uploaded');
    expect(report.deliveries.map(({ delivery }) => [delivery.state, delivery.heldReason])).toEqual([
      ['held', 'no-email'],
    ]);
  });

  test('of a recording that another process is at is refused', async () => {
    const server = await sandbox();
    const { upload, stateDir, session } = await office(server);
    const recording = await makeRecording({ 'transcript.txt': 3 });
    const other = await openState(stateDir, { pid: 4711 });
    afterTest(() => other.close());
    const { target } = session().bucket;
    expect(await other.journal.begin(target, recording, { webhooks: true, now: 1 })).toMatchObject({ ok: true });

    const error = await failure(upload(recording));
    expect(error).toMatchObject({ code: 'BUSY', message: expect.stringMatching(/pid 4711/) });
    await other.journal.release({ target, recordingId: ID });
    expect((await upload(recording)).outcome).toBe('uploaded');
  });
});

describe('A file that fails', () => {
  const deny = (key: string) => ({
    server: 's3' as const,
    operation: 'PutObject',
    key: `${ID}/${key}`,
    times: Infinity,
    action: { answer: { status: 403, code: 'AccessDenied' } },
  });

  test('does not stop the others; the server is told of those, and the next run sends it alone', async () => {
    const server = await sandbox();
    const { upload, here, session } = await office(server);
    const recording = await makeRecording();
    const fault = server.faults.add(deny('thumbnail.jpg'));
    const first = await upload(recording);
    expect(first.outcome).toBe('partial');
    expect(first.files.map(file => file.outcome)).toEqual(['uploaded', 'failed', 'uploaded']);
    expect(Object.keys(first.payload?.uploaded_files ?? {})).toEqual(['video', 'transcript', 'metadata']);
    expect(await here.journal.recording(refOf(session().bucket, ''))).toMatchObject({
      state: 'partial',
      error: expect.stringMatching(/AccessDenied/),
    });

    fault.remove();
    server.s3.resetRequests();
    const second = await upload(recording);
    expect(second.files.map(file => file.outcome)).toEqual(['unchanged', 'uploaded', 'unchanged']);
    expect(sentParts(server)).toEqual([]);
    expect(Object.keys(second.payload?.uploaded_files ?? {})).toEqual(['video', 'thumbnail', 'transcript', 'metadata']);
    expect(second.deliveries.map(({ how }) => how)).toEqual(['new']);
  });

  test('with all the others leaves nothing to tell: no metadata.json, no webhook', async () => {
    const server = await sandbox({ s3: { deny: ['PutObject', 'CreateMultipartUpload'] } });
    const { upload } = await office(server);
    const report = await upload(await makeRecording());
    expect(report).toMatchObject({
      outcome: 'failed',
      deliveries: [],
      payload: undefined,
      metadata: { outcome: 'none' },
    });
    expect(server.s3.objects()).toEqual([]);
  });

  test('being metadata.json leaves the webhook: it does not speak of it', async () => {
    const server = await sandbox();
    const { upload } = await office(server);
    server.faults.add(deny('metadata.json'));
    const report = await upload(await makeRecording());
    expect(report).toMatchObject({ outcome: 'partial', metadata: { outcome: 'none', error: { code: 'STORAGE' } } });
    expect(Object.keys(report.payload?.uploaded_files ?? {})).toEqual(['video', 'thumbnail', 'transcript']);
    expect(report.deliveries).toHaveLength(1);
  });

  test('because it changed is told as that, and the others go on', async () => {
    const server = await sandbox();
    const recording = await makeRecording();
    appendFileSync(join(recording.dir, 'transcript.txt'), 'one more line');
    rmSync(join(recording.dir, 'thumbnail.jpg'));
    const report = await (await office(server)).upload(recording);
    expect(report.files.map(file => (file.outcome === 'failed' ? file.error.code : file.outcome))).toEqual([
      'uploaded',
      'SOURCE_CHANGED',
      'SOURCE_CHANGED',
    ]);
  });
});

describe('What can be seen of the bucket', () => {
  test.each([
    ['breaks off', { truncateTo: 10 }],
    [
      'is no JSON',
      { answer: { status: 200, body: 'no json', headers: { 'x-amz-meta-recordupload-checksums': '%FF=1:1:a:b' } } },
    ],
    ['is forbidden', { answer: { status: 403, code: 'AccessDenied' } }],
  ])('may be a metadata.json that %s: the upload goes on without', async (_, action) => {
    const server = await sandbox({ s3: { etags: 'opaque' } });
    const recording = await makeRecording({ 'transcript.txt': 300 });
    await (await office(server)).upload(recording);
    server.faults.add({ server: 's3', operation: 'GetObject', times: Infinity, action });
    const report = await (await office(server)).upload(recording);
    expect(report.outcome).toBe('uploaded');
    expect(await metadataOf(server)).toEqual(report.payload);
  });

  test('may be nothing at all with an "upload only" key', async () => {
    const server = await sandbox({
      s3: {
        deny: ['HeadObject', 'GetObject', 'ListObjectsV2', 'ListParts', 'ListMultipartUploads', 'AbortMultipartUpload'],
      },
    });
    const { upload } = await office(server);
    const recording = await makeRecording();
    expect((await upload(recording)).outcome).toBe('uploaded');
    for (const file of recording.files) expect(await isStored(server, file)).toBe(true);
    expect((await upload(recording)).outcome).toBe('unchanged');
  });

  test('is found out by one list for a new recording, and file by file where the key may not list', async () => {
    for (const mayList of [true, false]) {
      const server = await sandbox();
      if (!mayList) {
        const action = { answer: { status: 403, code: 'AccessDenied' } };
        server.faults.add({ server: 's3', operation: 'ListObjectsV2', times: Number.POSITIVE_INFINITY, action });
      }
      expect((await (await office(server)).upload(await makeRecording())).outcome).toBe('uploaded');
      expect(count(server, 'ListObjectsV2')).toBe(1);
      // Each of the four objects once, to verify it; without the list, each of the three files before that too.
      expect(count(server, 'HeadObject')).toBe(mayList ? 4 : 7);
      // The same from another machine: nothing is sent.
      const [sent] = [count(server, 'PutObject')];
      expect((await (await office(server)).upload(await makeRecording())).sentBytes).toBe(0);
      expect(count(server, 'PutObject')).toBe(sent);
    }
  });

  test('by another recording changes nothing: each has its own keys', async () => {
    const server = await sandbox();
    const { upload } = await office(server);
    const recording = await makeRecording({ 'transcript.txt': 300 });
    await upload(recording);
    await upload({ ...recording, id: '421' as RecordingId });
    expect(
      server.s3
        .objects()
        .map(object => object.key)
        .sort(),
    ).toEqual(['42/metadata.json', '42/transcript.txt', '421/metadata.json', '421/transcript.txt']);
    expect(count(server, 'PutObject')).toBe(4);
  });
});

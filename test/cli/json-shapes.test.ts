import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CreateMultipartUploadCommand, S3Client, UploadPartCommand } from '@aws-sdk/client-s3';
import { describe, expect, test } from '@jest/globals';
import { COMMANDS } from '../../src/cli/commands/index.ts';
import { openState } from '../../src/state/open.ts';
import { type Desk, openDesk, openSandbox } from '../support/desk.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';
import { runCli, startCli } from '../support/run-cli.ts';
import { tempDir } from '../support/temp-dir.ts';
import { type Shape, shapeOf } from './shape.ts';

/*
 * The documents of --json, key by key, as scripts rely on them. A key that is renamed or missing, or a type that changes,
 * is a new version of the documents.
 */

const sandbox = await openSandbox();
const always = Number.POSITIVE_INFINITY;
const tested = new Set<string>();

/** The form of what a command prints with `--json`. */
async function documentOf(desk: Pick<Desk, 'run'>, line: string): Promise<Record<string, Shape>> {
  const words = line.split(' ');
  const { stdout } = await desk.run([...words, '--json']);
  const document = JSON.parse(stdout) as { command: string; result: unknown };
  tested.add(document.command);
  const { result, ...rest } = shapeOf(document) as Record<string, Shape>;
  const head = { version: 'number', command: 'string', ok: 'boolean', exitCode: 'number' };
  expect(rest).toEqual('error' in document ? { ...head, error: expect.anything() } : head);
  expect(document).toMatchObject({ version: 1 });
  return result as Record<string, Shape>;
}

const ERROR = { code: 'string', message: 'string', hint: 'string' };
const PAYLOAD = {
  recording_id: 'number',
  title: 'string',
  created_at: 'string',
  duration_seconds: 'number',
  duration_database: 'number',
  user_info: { email: 'string' },
  file_info: {
    total_size_mb: 'number',
    individual_sizes_mb: { 'video.mkv': 'number', 'thumbnail.jpg': 'number', 'transcript.txt': 'number' },
  },
  uploaded_files: { video: 'string', thumbnail: 'string', transcript: 'string', metadata: 'string' },
  upload_timestamp: 'string',
  upload_source: 'string',
  bucket_name: 'string',
  region: 'string',
};
const FILE = {
  name: 'string',
  role: 'string',
  key: 'string',
  sizeBytes: 'number',
  outcome: 'string',
  sentBytes: 'number',
  etag: 'string',
};
const FAILED_FILE = {
  name: 'string',
  role: 'string',
  key: 'string',
  sizeBytes: 'number',
  outcome: 'string',
  error: ERROR,
};
const UPLOAD = {
  recordingId: 'string',
  dir: 'string',
  target: 'string',
  outcome: 'string',
  files: [FILE],
  metadata: { key: 'string', outcome: 'string' },
  skipped: [],
  payload: PAYLOAD,
  sentBytes: 'number',
  durationMs: 'number',
};
const DELIVERED = {
  recordingId: 'string',
  endpoint: 'string',
  webhookId: 'string',
  outcome: 'string',
  action: 'string',
  status: 'number',
  durationMs: 'number',
};
const PENDING = {
  recordingId: 'string',
  endpoint: 'string',
  webhookId: 'string',
  outcome: 'string',
  status: 'number',
  detail: 'string',
  nextAt: 'string',
  durationMs: 'number',
};
const ENDPOINT_RUN = { endpoint: 'string', sent: 'number', left: 'number', busy: 'number', detail: 'string' };
const ATTEMPT = {
  number: 'number',
  trigger: 'string',
  durationMs: 'number',
  outcome: 'string',
  status: 'number',
  error: 'null',
  excerpt: 'string',
  at: 'string',
};
const HISTORY = {
  webhookId: 'string',
  endpoint: 'string',
  state: 'string',
  heldReason: 'null',
  createdAt: 'string',
  nextTry: 'null',
  settledAt: 'string',
  payload: PAYLOAD,
  attempts: [ATTEMPT],
};

/** A desk with a recording that is uploaded and known to the server. */
async function deskWithUpload(): Promise<{ desk: Desk; id: string; dir: string }> {
  const desk = openDesk(sandbox);
  const id = freshId();
  const dir = makeRecording({ name: id });
  expect((await desk.run(['upload', dir, '--quiet'])).code).toBe(0);
  return { desk, id, dir };
}

/** A desk with a recording whose video could not be uploaded, and whose webhook waits. */
async function deskWithPartialUpload(): Promise<{ desk: Desk; id: string }> {
  const desk = openDesk(sandbox);
  const id = freshId();
  const key = `${id}/video.mkv`;
  const refuse = { answer: { status: 403, code: 'AccessDenied' } };
  const fault = sandbox.faults.add({ server: 's3', operation: 'PutObject', key, times: always, action: refuse });
  sandbox.faults.add({ server: 'webhook', action: { answer: { status: 503 } } });
  expect((await desk.run(['upload', makeRecording({ name: id }), '--quiet'])).code).toBe(4);
  fault.remove();
  return { desk, id };
}

describe('the JSON of upload', () => {
  test('recordings that are uploaded, and folders that are none', async () => {
    const desk = openDesk(sandbox);
    expect(await documentOf(desk, `upload ${makeRecording()} ${desk.home}/missing`)).toEqual({
      recordings: [
        { ...UPLOAD, deliveries: [DELIVERED] },
        { dir: 'string', outcome: 'string', error: ERROR },
      ],
    });
  });

  test('a file and a webhook that fail', async () => {
    const desk = openDesk(sandbox);
    const id = freshId();
    const action = { answer: { status: 403, code: 'AccessDenied' } };
    sandbox.faults.add({ server: 's3', operation: 'PutObject', key: `${id}/video.mkv`, action });
    sandbox.faults.add({ server: 'webhook', action: { answer: { status: 503 } } });
    const { recordings } = await documentOf(desk, `upload ${makeRecording({ name: id })}`);
    const [recording] = recordings as [Record<string, Shape>];
    expect(recording.files).toEqual([FAILED_FILE, FILE]);
    expect(recording.deliveries).toEqual([PENDING]);
  });

  test('--dry-run', async () => {
    expect(await documentOf(openDesk(sandbox), `upload ${makeRecording()} --dry-run`)).toEqual({
      dryRun: 'boolean',
      recordings: [
        {
          recordingId: 'string',
          dir: 'string',
          bucket: 'string',
          endpoint: 'string',
          objects: [
            { key: 'string', sizeBytes: 'number', contentType: 'string' },
            { key: 'string', contentType: 'string' },
          ],
          skipped: [],
          payload: PAYLOAD,
        },
      ],
    });
  });
});

describe('the JSON of enqueue', () => {
  test('what is ready, what waits, and what is refused', async () => {
    const desk = openDesk(sandbox);
    const waiting = makeRecording({ files: { 'video.mkv': null } });
    const taken = { recordingId: 'string', dir: 'string', outcome: 'string' };
    expect(await documentOf(desk, `enqueue ${makeRecording()} ${waiting} ${desk.home}/missing`)).toEqual({
      recordings: [
        { ...taken, waitsFor: 'null' },
        { ...taken, waitsFor: ERROR },
        { dir: 'string', outcome: 'string', error: ERROR },
      ],
      tokenless: [],
      worker: 'null',
    });
  });
});

describe('the JSON about folders that wait', () => {
  test('of the other commands, with a worker', async () => {
    const desk = openDesk(sandbox);
    const id = freshId();
    const dir = makeRecording({ name: id, files: { 'video.mkv': null } });
    expect((await desk.run(['enqueue', dir, makeRecording(), '--quiet'])).code).toBe(0);
    const queued = {
      dir: 'string',
      recordingId: 'string',
      origin: 'string',
      reason: 'string',
      hint: 'string',
      since: 'string',
      updatedAt: 'string',
      nextTry: 'string',
    };
    const state = await openState(desk.stateDir);
    await state.takeWorker(Date.now());
    const WORKER = { pid: 'number', since: 'string' };
    expect((await documentOf(desk, `enqueue ${dir}`)).worker).toEqual(WORKER);
    const all = await documentOf(desk, 'status');
    await state.close();
    expect(all).toMatchObject({ worker: WORKER, oldest: { queued: 'string' }, refused: [] });
    // One that waits for a reason, and one that nobody has looked at.
    expect(all.queued).toEqual([queued, { ...queued, reason: 'null', hint: 'null' }]);
    const one = await documentOf(desk, `status ${id}`);
    expect(one).toEqual({ recordingId: 'string', uploads: [], queued: [queued], refused: [], webhooks: [] });
    const plan = { recordingId: 'string', dir: 'string', reason: 'string', hint: 'string', nextTry: 'string' };
    expect((await documentOf(desk, `retry --list ${id}`)).queued).toEqual([plan]);
    expect((await documentOf(desk, `retry ${id}`)).uploads).toEqual([
      { recordingId: 'string', dir: 'string', outcome: 'string', error: ERROR },
    ]);
    const forgotten = { recordingId: 'string', uploads: [], discarded: [], queued: ['string'], refused: [] };
    expect(await documentOf(desk, `forget ${id}`)).toEqual(forgotten);
  });
});

describe('the JSON of retry', () => {
  test('--list, then what was done', async () => {
    const { desk } = await deskWithPartialUpload();
    expect(await documentOf(desk, 'retry --list')).toEqual({
      uploads: [{ recordingId: 'string', dir: 'string', state: 'string', error: 'string' }],
      queued: [],
      refused: [],
      deliveries: [
        {
          recordingId: 'string',
          endpoint: 'string',
          webhookId: 'string',
          state: 'string',
          heldReason: 'null',
          attempts: 'number',
          nextAt: 'string',
        },
      ],
      unconfigured: [],
    });
    expect(await documentOf(desk, 'retry --now')).toEqual({
      uploads: [UPLOAD],
      deliveries: [DELIVERED],
      remade: [],
      endpoints: [ENDPOINT_RUN],
      unconfigured: [],
      held: [],
      elsewhere: [],
      local: { dryRun: 'boolean', ageMs: 'null', recordings: [], stopped: 'null' },
      tidied: 'null',
    });
  });

  test('an endpoint that stops, and one that is no longer configured', async () => {
    const { desk } = await deskWithPartialUpload();
    await desk.run(['webhook', 'disable', 'default', '--quiet']);
    const { endpoints } = await documentOf(desk, 'retry --now');
    expect(endpoints).toEqual([
      { endpoint: 'string', sent: 'number', left: 'number', busy: 'number', stopped: 'string', detail: 'string' },
    ]);
    writeFileSync(join(desk.cwd, '.recorduploadrc'), JSON.stringify({ webhooks: [] }), { mode: 0o600 });
    const env = { WEBHOOK_URL: undefined, WEBHOOK_TOKEN: undefined };
    const { stdout } = await desk.run(['retry', '--json'], { env });
    expect(shapeOf(JSON.parse(stdout).result.unconfigured)).toEqual([{ endpoint: 'string', count: 'number' }]);
  });
});

describe('the JSON of the other commands', () => {
  test('verify', async () => {
    const { desk, id, dir } = await deskWithUpload();
    const files = [{ name: 'string', key: 'string', verdict: 'string', detail: 'string', sizeBytes: 'number' }];
    expect(await documentOf(desk, `verify ${id} ${dir}`)).toEqual({
      recordings: [
        { recordingId: 'string', ok: 'boolean', files },
        { recordingId: 'string', dir: 'string', ok: 'boolean', files },
      ],
    });
  });

  test('status, with and without a state', async () => {
    const COUNTS = {
      recording: 'number',
      uploading: 'number',
      partial: 'number',
      queued: 'number',
      refused: 'number',
      done: 'number',
      removed: 'number',
      waiting: 'number',
      held: 'number',
      delivered: 'number',
      superseded: 'number',
    };
    expect(await documentOf(openDesk(sandbox), 'status')).toEqual({
      stateDir: 'string',
      hasState: 'boolean',
      counts: COUNTS,
      alarms: [],
      nextTry: 'null',
      oldest: { upload: 'null', partial: 'null', queued: 'null', refused: 'null', waiting: 'null' },
      worker: 'null',
      uploads: [],
      queued: [],
      refused: [],
      webhooks: [],
      endpoints: [],
    });
    const { desk } = await deskWithPartialUpload();
    await desk.run(['webhook', 'disable', 'default', '--quiet']);
    await desk.run(['upload', makeRecording({ files: { 'video.mkv': null } }), '--quiet']);
    expect(await documentOf(desk, 'status')).toEqual({
      stateDir: 'string',
      hasState: 'boolean',
      counts: COUNTS,
      alarms: [{ kind: 'string', count: 'number' }],
      nextTry: 'string',
      oldest: { upload: 'string', partial: 'string', queued: 'null', refused: 'string', waiting: 'string' },
      worker: 'null',
      queued: [],
      refused: [
        {
          dir: 'string',
          recordingId: 'string',
          error: 'string',
          hint: 'string',
          since: 'string',
          updatedAt: 'string',
        },
      ],
      uploads: [
        {
          target: 'string',
          id: 'string',
          dir: 'string',
          state: 'string',
          pid: 'null',
          error: 'string',
          files: [
            {
              name: 'string',
              state: 'string',
              sizeBytes: 'number',
              partsDone: 'number',
              parts: 'number',
              error: 'null',
            },
            {
              name: 'string',
              state: 'string',
              sizeBytes: 'number',
              partsDone: 'number',
              parts: 'number',
              error: 'string',
            },
          ],
          since: 'string',
          updatedAt: 'string',
        },
      ],
      webhooks: [
        {
          recordingId: 'string',
          endpoint: 'string',
          webhookId: 'string',
          state: 'string',
          heldReason: 'null',
          attempts: 'number',
          error: 'string',
          since: 'string',
          nextTry: 'string',
        },
      ],
      endpoints: [{ name: 'string', reason: 'string', since: 'string' }],
    });
    const { alarms } = await documentOf(desk, 'status --max-age 0s');
    expect(alarms).toEqual([
      { kind: 'string', count: 'number' },
      { kind: 'string', ageMs: 'number' },
    ]);
  });

  test('status of a recording', async () => {
    const { desk, id } = await deskWithUpload();
    expect(await documentOf(desk, `status ${id}`)).toEqual({
      recordingId: 'string',
      uploads: [
        {
          target: 'string',
          id: 'string',
          dir: 'string',
          state: 'string',
          pid: 'null',
          error: 'null',
          files: [
            {
              name: 'string',
              state: 'string',
              sizeBytes: 'number',
              partsDone: 'number',
              parts: 'number',
              error: 'null',
            },
          ],
          since: 'null',
          updatedAt: 'string',
          local: { removedAt: 'null', kept: 'null' },
          metadata: PAYLOAD,
        },
      ],
      queued: [],
      refused: [],
      webhooks: [HISTORY],
    });
  });

  test('doctor', async () => {
    const finding = { name: 'string', area: 'string', status: 'string', detail: 'string' };
    const { healthy, checks } = await documentOf(openDesk(sandbox, { RECORDUPLOAD_BUCKET: 'nowhere' }), 'doctor');
    expect(healthy).toBe('boolean');
    expect(checks).toEqual(
      expect.arrayContaining([finding, { ...finding, mend: 'string' }, { ...finding, more: ['string'] }]),
    );
    expect(checks).toHaveLength(3);
  });

  test('logs', async () => {
    const { desk } = await deskWithUpload();
    expect(await documentOf(desk, 'logs --lines 1')).toEqual({
      file: 'string',
      lines: [expect.objectContaining({ level: 'string', time: 'string', run: 'string', msg: 'string' })],
    });
  });

  test('cleanup', async () => {
    const { url, accessKeyId, secretAccessKey, bucket: Bucket } = sandbox.s3;
    const credentials = { accessKeyId, secretAccessKey };
    const client = new S3Client({ endpoint: url, region: 'us-west-1', forcePathStyle: true, credentials });
    const place = { Bucket, Key: `${freshId()}/video.mkv` };
    const { UploadId } = await client.send(new CreateMultipartUploadCommand(place));
    await client.send(new UploadPartCommand({ ...place, UploadId, PartNumber: 1, Body: 'a part' }));
    client.destroy();
    // Seen from a server whose clock is a minute ahead, the part is a minute old.
    sandbox.faults.add({ server: 's3', operation: 'ListParts', times: always, action: { clockSkewMs: 60_000 } });
    expect(await documentOf(openDesk(sandbox), 'cleanup --older-than 0s --elsewhere --yes')).toEqual({
      aborted: 'boolean',
      uploads: [
        {
          key: 'string',
          uploadId: 'string',
          initiated: 'string',
          lastPart: 'string',
          parts: 'number',
          bytes: 'number',
          begun: 'string',
        },
      ],
    });
  });

  test('cleanup of local files, and what each would do', async () => {
    const { desk } = await deskWithUpload();
    const age = '--older-than 0s';
    const file = { name: 'string', sizeBytes: 'number' };
    const recording = { recordingId: 'string', dir: 'string', outcome: 'string', folderRemoved: 'boolean', left: [] };
    const local = { dryRun: 'boolean', ageMs: 'number', stopped: 'null' };
    const pruned = {
      dryRun: 'boolean',
      settledBefore: 'string',
      deliveries: 'number',
      deadOwners: 'number',
      freedBytes: 'number',
      setAside: [],
    };
    expect(await documentOf(desk, `cleanup ${age}`)).toEqual({
      aborted: 'boolean',
      uploads: [],
      state: pruned,
      local: { ageMs: 'number', recordings: 'number', bytes: 'number' },
    });
    const removed = { ...local, recordings: [{ ...recording, files: [file], reason: 'null' }] };
    expect(await documentOf(desk, `cleanup local ${age} --dry-run`)).toEqual(removed);
    expect(await documentOf(desk, `cleanup local ${age}`)).toEqual(removed);
    expect(await documentOf(desk, `cleanup state ${age}`)).toEqual(pruned);
  });

  test('list and forget', async () => {
    const { desk, id } = await deskWithPartialUpload();
    const dir = makeRecording({ files: { 'video.mkv': null } });
    await desk.run(['upload', dir, '--quiet']);
    await desk.run(['enqueue', makeRecording({ files: { 'video.mkv': null } }), '--quiet']);
    const queued = { dir: 'string', recordingId: 'string', hint: 'string', since: 'string', updatedAt: 'string' };
    expect(await documentOf(desk, 'list')).toEqual({
      stateDir: 'string',
      hasState: 'boolean',
      recordings: [
        {
          recordingId: 'string',
          target: 'string',
          dir: 'string',
          title: 'string',
          state: 'string',
          updatedAt: 'string',
          files: 'number',
          storedBytes: 'number',
          localRemovedAt: 'null',
          webhooks: [{ endpoint: 'string', state: 'string' }],
        },
      ],
      queued: [{ ...queued, origin: 'string', reason: 'string', nextTry: 'string' }],
      refused: [{ ...queued, error: 'string' }],
    });
    const discarded = [{ endpoint: 'string', webhookId: 'string', attempts: 'number' }];
    expect(await documentOf(desk, `webhook discard ${id}`)).toEqual({ recordingId: 'string', discarded });
    expect(await documentOf(desk, `forget ${id}`)).toEqual({
      recordingId: 'string',
      uploads: [{ target: 'string', dir: 'string', state: 'string', aborted: [], notAborted: [], stored: ['string'] }],
      discarded: [],
      queued: [],
      refused: [],
    });
  });

  test('forget, where the store refuses', async () => {
    const desk = openDesk(sandbox);
    const id = freshId();
    const refuse = (operation: string) =>
      sandbox.faults.add({
        server: 's3',
        operation,
        times: always,
        action: { answer: { status: 403, code: 'AccessDenied' } },
      });
    const faults = [refuse('UploadPart'), refuse('AbortMultipartUpload')];
    await desk.run(['upload', makeRecording({ name: id, videoBytes: 18 * 1024 * 1024 }), '--quiet']);
    expect(await documentOf(desk, `forget ${id}`)).toMatchObject({
      uploads: [{ notAborted: [{ key: 'string', uploadId: 'string', error: ERROR }] }],
    });
    for (const fault of faults) fault.remove();
  });

  test('prune', async () => {
    const { desk } = await deskWithUpload();
    expect(await documentOf(desk, 'prune --older-than 0s')).toEqual({
      dryRun: 'boolean',
      settledBefore: 'string',
      deliveries: 'number',
      deadOwners: 'number',
      freedBytes: 'number',
      setAside: [],
    });
  });

  test('dashboard', async () => {
    const running = openDesk(sandbox).start(['dashboard', '--json', '--listen', '127.0.0.1:0']);
    const text = await running.printed('\n}\n');
    running.kill('SIGTERM');
    await running.result;
    tested.add('dashboard');
    expect(shapeOf(JSON.parse(text).result)).toEqual({
      address: 'string',
      listensOn: 'string',
      signInAddress: 'string',
      readOnly: 'boolean',
    });
  });

  test('sandbox', async () => {
    const running = startCli(['sandbox', '--json'], { env: { HOME: tempDir() } });
    const text = await running.printed('\n}\n');
    running.kill('SIGTERM');
    await running.result;
    tested.add('sandbox');
    expect(shapeOf(JSON.parse(text).result)).toEqual({
      s3: {
        endpoint: 'string',
        bucket: 'string',
        region: 'string',
        accessKeyId: 'string',
        secretAccessKey: 'string',
      },
      webhook: {
        url: 'string',
        token: 'string',
        recordings: 'string',
        requests: 'string',
        authFailures: 'string',
      },
      environment: {
        RECORDUPLOAD_ENDPOINT: 'string',
        RECORDUPLOAD_REGION: 'string',
        RECORDUPLOAD_BUCKET: 'string',
        AWS_ACCESS_KEY_ID: 'string',
        AWS_SECRET_ACCESS_KEY: 'string',
        WEBHOOK_URL: 'string',
        WEBHOOK_TOKEN: 'string',
      },
    });
  });
});

describe('the JSON of webhook', () => {
  test('send', async () => {
    const { desk, id } = await deskWithUpload();
    expect(await documentOf(desk, `webhook send ${id} --title other`)).toEqual({
      deliveries: [DELIVERED],
      changes: [{ key: 'string', before: 'string', after: 'string' }],
    });
    expect(await documentOf(desk, `webhook send ${id} --dry-run`)).toEqual({
      dryRun: 'boolean',
      from: 'string',
      payload: PAYLOAD,
    });
  });

  test('test', async () => {
    const { works, checks } = await documentOf(openDesk(sandbox), 'webhook test');
    expect(works).toBe('boolean');
    for (const check of checks as Record<string, Shape>[]) {
      expect(check).toEqual({
        endpoint: 'string',
        kind: 'string',
        ok: 'boolean',
        verdict: 'string',
        request: { method: 'string', url: 'string', headers: expect.anything(), body: 'string' },
        response: { status: 'number', body: 'string' },
        timings: expect.objectContaining({ total: 'number' }),
      });
    }
  });

  test('list', async () => {
    const { desk } = await deskWithPartialUpload();
    const endpoint = {
      name: 'string',
      url: 'string',
      configured: 'boolean',
      enabled: 'boolean',
      switchedOff: 'boolean',
      disabledReason: 'null',
      disabledSince: 'null',
      refusedSince: 'null',
      refusedOn: [],
      token: 'string',
      signingSecrets: 'number',
      counts: { pending: 'number', held: 'number', heldBy: {}, delivered: 'number', superseded: 'number' },
      oldestWaiting: 'string',
      nextTry: 'string',
    };
    expect(await documentOf(desk, 'webhook list')).toEqual({ endpoints: [endpoint] });
    sandbox.faults.add({ server: 'webhook', action: { answer: { status: 400 } } });
    await desk.run(['retry', '--now', '--quiet']);
    const { endpoints } = await documentOf(desk, 'webhook list');
    const counts = { ...endpoint.counts, heldBy: { rejected: 'number' } };
    expect(endpoints).toEqual([{ ...endpoint, counts, nextTry: 'null' }]);
  });

  test('disable and enable', async () => {
    const desk = openDesk(sandbox);
    const switched = { endpoint: 'string', enabled: 'boolean', changed: 'boolean', released: 'number' };
    expect(await documentOf(desk, 'webhook disable default')).toEqual(switched);
    expect(await documentOf(desk, 'webhook enable default')).toEqual(switched);
  });

  test('history', async () => {
    const { desk, id } = await deskWithUpload();
    const history = await documentOf(desk, `webhook history ${id}`);
    expect(history).toEqual({ recordingId: 'string', deliveries: [HISTORY] });
  });

  test('replay', async () => {
    const { desk } = await deskWithUpload();
    expect(await documentOf(desk, 'webhook replay --since 1h --dry-run')).toEqual({
      dryRun: 'boolean',
      chosen: 'number',
      deliveries: [
        {
          recordingId: 'string',
          endpoint: 'string',
          webhookId: 'string',
          state: 'string',
          heldReason: 'null',
          settledAt: 'string',
        },
      ],
    });
    expect(await documentOf(desk, 'webhook replay --since 1h --yes')).toEqual({
      chosen: 'number',
      deliveries: [DELIVERED],
      remade: [],
      endpoints: [ENDPOINT_RUN],
    });
  });
});

describe('the JSON of config', () => {
  const files = [{ file: 'string', level: 'string', state: 'string' }];
  const lonely = () => {
    const [HOME, cwd] = [tempDir(), tempDir()];
    return { cwd, run: (args: readonly string[]) => runCli(args, { cwd, env: { HOME } }) };
  };

  test('alerts test', async () => {
    const desk = openDesk(sandbox, { RECORDUPLOAD_ALERTS: '[{"command":"true"},{"command":"false"}]' });
    expect(await documentOf(desk, 'alerts test')).toEqual({
      alerts: [
        { to: 'string', ok: 'boolean' },
        { to: 'string', ok: 'boolean', detail: 'string' },
      ],
    });
  });

  test('show and path', async () => {
    const { values, ...rest } = await documentOf(lonely(), 'config show');
    expect(rest).toEqual({ files, warnings: [] });
    const value = { path: 'string', value: 'string', secret: 'boolean', source: 'string', shadows: [] };
    expect(values).toEqual(
      expect.arrayContaining([value, { ...value, value: 'boolean' }, { ...value, value: 'number' }]),
    );
    expect(await documentOf(lonely(), 'config path')).toEqual({ files, stateDir: 'string', logFile: 'string' });
  });

  test('trust', async () => {
    const desk = lonely();
    writeFileSync(join(desk.cwd, '.recorduploadrc'), 'stateDir: state\n', { mode: 0o600 });
    expect(await documentOf(desk, 'config trust')).toEqual({ trusted: [{ file: 'string', steers: ['string'] }] });
    expect(await documentOf(desk, 'config trust --list')).toEqual({
      files: [{ file: 'string', state: 'string', since: 'string' }],
    });
    expect(await documentOf(desk, 'config trust --remove')).toEqual({ removed: 'number' });
  });

  test('validate and init', async () => {
    const desk = lonely();
    expect(await documentOf(desk, 'config init --email ada@example.com')).toEqual({
      files: ['string'],
      gitignore: 'null',
      problems: [],
    });
    expect(await documentOf(desk, 'config validate')).toEqual({
      valid: 'boolean',
      problems: [],
      warnings: [],
      missing: ['string'],
    });
  });
});

test('the lines of --progress json', async () => {
  const desk = openDesk(sandbox);
  const id = freshId();
  const busy = { answer: { status: 503, code: 'SlowDown' } };
  sandbox.faults.add({ server: 's3', operation: 'PutObject', key: `${id}/transcript.txt`, action: busy });
  const refuse = { answer: { status: 403, code: 'AccessDenied' } };
  sandbox.faults.add({ server: 's3', operation: 'PutObject', key: `${id}/video.mkv`, action: refuse });
  sandbox.faults.add({ server: 'webhook', action: { answer: { status: 503 } } });
  const dir = makeRecording({ name: id });
  const first = await desk.run(['upload', dir, '--progress', 'json', '--verbose', '--quiet']);
  const env = { RECORDUPLOAD_UNKNOWN_KEY: 'x' };
  const second = await desk.run(['upload', dir, '--progress', 'json', '--quiet'], { env });
  const lines = `${first.stderr}${second.stderr}`.split('\n').filter(line => line.startsWith('{'));
  const shapes = new Map(lines.map(line => [JSON.parse(line).type as string, shapeOf(JSON.parse(line))]));
  // Only of an upload that takes a while, which depends on the machine; a test of the progress has it.
  shapes.delete('file-progress');
  const head = { version: 'number', at: 'string', type: 'string' };
  const file = { ...head, recordingId: 'string', name: 'string' };
  const webhook = { ...head, recordingId: 'string', endpoint: 'string', webhookId: 'string' };
  expect(Object.fromEntries(shapes)).toEqual({
    'recording-started': {
      ...head,
      recordingId: 'string',
      dir: 'string',
      files: [{ name: 'string', sizeBytes: 'number' }],
    },
    'file-started': { ...file, sizeBytes: 'number', resumedBytes: 'number' },
    'file-retrying': { ...file, reason: 'string', delayMs: 'number' },
    'file-finished': { ...file, sizeBytes: 'number', sentBytes: 'number' },
    'file-unchanged': { ...file, sizeBytes: 'number' },
    'file-failed': { ...file, error: ERROR },
    request: {
      ...head,
      operation: 'string',
      target: 'string',
      durationMs: 'number',
      ok: 'boolean',
      detail: 'string',
    },
    'webhook-sending': { ...webhook, url: 'string', trigger: 'string' },
    'webhook-answered': { ...webhook, line: 'string', outcome: 'string', status: 'number', durationMs: 'number' },
    'webhook-failed-after-upload': { ...head, recordingId: 'string' },
    warning: { ...head, message: 'string' },
  });
});

test('the lines of watch --json', async () => {
  const desk = openDesk(sandbox, { RECORDUPLOAD_SETTLE: '0.1s' });
  const id = freshId();
  const refuse = { answer: { status: 403, code: 'AccessDenied' } };
  sandbox.faults.add({ server: 's3', operation: 'PutObject', key: `${id}/video.mkv`, action: refuse });
  makeRecording({ name: id, parent: desk.cwd });
  const running = desk.start(['watch', desk.cwd, '--json']);
  const text = await running.printed('"outcome":"uploaded"');
  running.kill('SIGTERM');
  await running.result;
  tested.add('watch');
  const lines = text
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line));
  const shapes = new Map(lines.map(line => [`${line.type}${line.error ? ' with error' : ''}`, shapeOf(line)]));
  const head = { version: 'number', at: 'string', type: 'string' };
  const ended = {
    ...head,
    recordingId: 'string',
    dir: 'string',
    outcome: 'string',
    files: 'number',
    sentBytes: 'number',
    durationMs: 'number',
  };
  expect(shapes.get('watch-started')).toEqual({ ...head, roots: ['string'] });
  expect(shapes.get('recording-finished')).toEqual({ ...head, dir: 'string', by: 'string' });
  expect(shapes.get('upload-ended')).toEqual(ended);
  expect(shapes.get('upload-ended with error')).toEqual({ ...ended, error: ERROR, retryInMs: 'number' });
});

test('a failure has the same head, and the error in place of a result', async () => {
  const { stdout } = await openDesk(sandbox).run(['verify', 'a/../b', '--json']);
  expect(shapeOf(JSON.parse(stdout))).toEqual({
    version: 'number',
    command: 'string',
    ok: 'boolean',
    exitCode: 'number',
    error: ERROR,
  });
});

test('every command that has --json is tested above', () => {
  const known = COMMANDS.filter(({ options }) => options.some(({ flags }) => flags === '--json'));
  // `state move` needs a PostgreSQL: test/fleet/state-move.test.ts.
  const here = known.map(({ name }) => name).filter(name => name !== 'state move');
  expect(here.filter(name => !tested.has(name))).toEqual([]);
});

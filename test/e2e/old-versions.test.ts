import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { gunzipSync } from 'node:zlib';
import { CreateMultipartUploadCommand, S3Client, UploadPartCommand } from '@aws-sdk/client-s3';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { load } from 'js-yaml';
import { settingsSchema } from '../../src/config/schema.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { MIGRATIONS } from '../../src/state/sqlite/migrations.ts';
import { type Desk, openDesk, openSandbox, readJson, sentBytes, webhooksOf } from '../support/desk.ts';
import { filler, fixture, makeRecording } from '../support/make-recording.ts';

/* What every version that people have installed leaves on a machine is opened by this one. `scripts/old-versions.ts` makes it. */

const VERSIONS = readdirSync(fixture('versions'));
const versionFile = (version: string, name: string) => fixture(join('versions', version, name));
const PART_BYTES = 8 * 1024 * 1024;
const VIDEO_BYTES = 20_000_000;
let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await openSandbox();
});

interface Origin {
  endpoint: string;
  bucket: string;
  recordings: string;
}

/** Puts the old state and log where this desk has its own. The upload that the old program was killed in is in the bucket. */
async function upgradedDesk(version: string): Promise<{ desk: Desk; recordings: string }> {
  const desk = openDesk(sandbox);
  const recordings = join(desk.home, 'recordings');
  for (const name of ['11', '12', '14']) makeRecording({ parent: recordings, name, videoBytes: 250_000, files: FILES });
  makeRecording({ parent: recordings, name: '13', videoBytes: VIDEO_BYTES, files: FILES });
  mkdirSync(join(desk.stateDir, 'logs'), { recursive: true, mode: 0o700 });
  const file = join(desk.stateDir, 'state.db');
  writeFileSync(file, gunzipSync(readFileSync(versionFile(version, 'state.db.gz'))), { mode: 0o600 });
  const log = readFileSync(versionFile(version, 'app.log'));
  writeFileSync(join(desk.stateDir, 'logs/app.log'), log, { mode: 0o600 });
  await moveHere(file, JSON.parse(readFileSync(versionFile(version, 'origin.json'), 'utf8')) as Origin, recordings);
  sandbox.s3.resetRequests();
  return { desk, recordings };
}

const FILES = { 'thumbnail.jpg': null, 'transcript.txt': 'Ada: shall we begin?\n' };

/** The addresses in the state become those of this test: server, folders and the number of the upload in the bucket. */
async function moveHere(file: string, origin: Origin, recordings: string): Promise<void> {
  const state = new DatabaseSync(file);
  const moved = [
    [origin.recordings, recordings],
    [`${origin.endpoint}/${origin.bucket}`, `${sandbox.s3.url}/${sandbox.s3.bucket}`],
  ] as const;
  const tables = state.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
  for (const { name } of tables) {
    for (const { name: column, type } of state.prepare(`PRAGMA table_info(${name})`).all()) {
      // The payload's bytes stay as the old program made them.
      if (type !== 'TEXT' || column === 'payload' || column === 'metadata') continue;
      for (const [from, to] of moved) {
        state.prepare(`UPDATE ${name} SET ${column} = replace(${column}, ?, ?)`).run(from, to);
      }
    }
  }
  const open = state.prepare('SELECT upload_id, token FROM multipart_uploads').get() as Record<string, string>;
  const uploadId = await openUpload(String(open.token));
  for (const table of ['multipart_uploads', 'begun_uploads']) {
    state.prepare(`UPDATE ${table} SET upload_id = ? WHERE upload_id = ?`).run(uploadId, String(open.upload_id));
  }
  state.close();
}

/** Begins the upload of 13/video.mkv as the old program did, and sends the two parts that it had sent. */
async function openUpload(token: string): Promise<string> {
  const { url, bucket, accessKeyId, secretAccessKey } = sandbox.s3;
  const client = new S3Client({
    endpoint: url,
    region: 'us-west-1',
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });
  const at = { Bucket: bucket, Key: '13/video.mkv' };
  const { UploadId = '' } = await client.send(
    new CreateMultipartUploadCommand({ ...at, Metadata: { 'recordupload-token': token } }),
  );
  const video = filler(VIDEO_BYTES);
  for (const PartNumber of [1, 2]) {
    const Body = video.subarray((PartNumber - 1) * PART_BYTES, PartNumber * PART_BYTES);
    await client.send(new UploadPartCommand({ ...at, UploadId, PartNumber, Body }));
  }
  client.destroy();
  return UploadId;
}

test('there is one for each schema of the state that was ever in use', () => {
  const schemas = VERSIONS.map(version => {
    const bytes = gunzipSync(readFileSync(versionFile(version, 'state.db.gz')));
    // https://www.sqlite.org/fileformat2.html: the user version is at offset 60.
    return bytes.readUInt32BE(60);
  });
  // The first one was in no version that could be installed; the newest one may be this version's own.
  const older = MIGRATIONS.map((_, index) => index + 1).slice(1, -1);
  expect(older.filter(schema => !schemas.includes(schema))).toEqual([]);
});

describe.each(VERSIONS)('what %s left', version => {
  test('is finished: the upload goes on where it was killed, and the webhook that waited is delivered', async () => {
    const { desk } = await upgradedDesk(version);
    const waiting = await desk.run(['status', '--json']);
    expect(waiting.code).toBe(4);

    const { code, stderr } = await desk.run(['retry', '--now']);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(sentBytes(sandbox, '13')).toMatchObject({ '13/video.mkv': VIDEO_BYTES - 2 * PART_BYTES });
    expect((await sandbox.s3.read('13/video.mkv')).equals(filler(VIDEO_BYTES))).toBe(true);
    // 11 was delivered, 12 was not.
    expect(['11', '12', '13'].map(id => webhooksOf(sandbox, id).map(({ status }) => status))).toEqual([
      [],
      [201],
      [201],
    ]);
    expect((await desk.run(['status'])).code).toBe(0);
  });

  test('is shown before anything has changed it: status, list, history and the log', async () => {
    const { desk } = await upgradedDesk(version);
    const list = await desk.run(['list']);
    expect(list.code).toBe(0);
    for (const id of ['11', '12']) expect(list.stdout).toMatch(new RegExp(`\\b${id}\\b`));
    const history = await desk.run(['webhook', 'history', '12']);
    expect(history.stdout).toContain('503');
    const logs = await desk.run(['logs']);
    expect(logs.code).toBe(0);
    expect(logs.stdout).toContain('✅ Webhook sent successfully');
    expect(logs.stdout).toContain('❌ Webhook failed with status 503');
    // Each line of the old log is one that people can read.
    const lines = readFileSync(versionFile(version, 'app.log'), 'utf8').trimEnd().split('\n');
    const shown = readJson<{ entries: unknown[] }>(await desk.run(['logs', '--json']));
    expect(JSON.stringify(shown.result).match(/"msg"/g)?.length).toBeGreaterThanOrEqual(lines.length);
  });

  test('has a configuration that is valid, with everything in it switched on', async () => {
    const desk = openDesk(sandbox);
    const example = readFileSync(versionFile(version, 'recorduploadrc.example'), 'utf8');
    const file = join(desk.home, 'old.yaml');
    writeFileSync(file, example, { mode: 0o600 });
    const { code, stderr } = await desk.run(['config', 'validate', file]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const whole = load(example.replace(/^( *)#(?=[\w]+:)/gm, '$1').replace(/^#(?= {2}[-\w ] )/gm, ''));
    expect(settingsSchema.safeParse(whole).error?.issues).toBeUndefined();
  });
});

describe('a state of a newer version', () => {
  test.each([
    [['status'], 4],
    [['list'], 4],
    [['retry'], 4],
    [['enqueue', 'recordings/1'], 4],
    [['cleanup', 'state'], 4],
    [['webhook', 'list'], 4],
    [['webhook', 'history', '1'], 4],
  ])('is refused in one line, and left as it is: %j', async (args, expected) => {
    const desk = openDesk(sandbox);
    makeRecording({ parent: join(desk.cwd, 'recordings'), name: '1' });
    expect((await desk.run(['upload', 'recordings/1', '--no-webhook'])).code).toBe(0);
    const file = join(desk.stateDir, 'state.db');
    const state = new DatabaseSync(file);
    state.exec(`PRAGMA user_version = ${MIGRATIONS.length + 1}; PRAGMA wal_checkpoint(TRUNCATE)`);
    state.close();
    const before = readFileSync(file);
    const { code, stdout, stderr } = await desk.run(args);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^error: [^\n]*state\.db was written by a newer version[^\n]*upgrade recordupload[^\n]*\n$/);
    expect(code).toBe(expected);
    expect(readFileSync(file).equals(before)).toBe(true);
  });
});

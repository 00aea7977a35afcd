import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { type Desk, EMAIL, openDesk, openSandbox, readJson, sentBytes, webhooksOf } from '../support/desk.ts';
import { filler, fixture, freshId, makeRecording } from '../support/make-recording.ts';
import { tempDir } from '../support/temp-dir.ts';
import { codeBlocks, launcher, page } from './support.ts';

/* What docs/moving-over.md promises to those who come from the recorder's Python thread. */

const PAGE = page('docs/moving-over.md');
let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await openSandbox({ receiver: { users: [EMAIL, 'ada@example.com', 'souvik@fyelabs.com'] } });
});

describe('the Python example', () => {
  const withPython = spawnSync('python3', ['-c', 'pass']).status === 0 ? test : test.skip;

  /** Runs the example, with a `recordupload` on the PATH that is the built program. */
  async function handOver(desk: Desk, args: string[], program = `exec '${process.execPath}' '${launcher}' "$@"`) {
    const bin = tempDir();
    writeFileSync(join(bin, 'recordupload'), `#!/bin/sh\n${program}\n`, { mode: 0o755 });
    const [example = ''] = codeBlocks(PAGE, 'python');
    const env = { ...desk.env, PATH: `${bin}:${process.env.PATH}`, PYTHONIOENCODING: 'utf-8' };
    const child = spawn('python3', ['-c', example, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (output += chunk));
    const code = await new Promise<number | null>(resolve => child.on('close', resolve));
    return { code, output };
  }

  withPython('hands a folder over, which retry uploads with what the recorder said', async () => {
    const desk = openDesk(sandbox);
    const dir = makeRecording();
    const id = dir.split('/').at(-1) ?? '';
    const title = 'Grüße aus der Küche';
    expect(await handOver(desk, [dir, '--title', title])).toEqual({ code: 0, output: `${id} is handed over\n` });
    expect(webhooksOf(sandbox, id)).toEqual([]);
    expect((await desk.run(['retry'])).code).toBe(0);
    expect(webhooksOf(sandbox, id)).toMatchObject([{ status: 201, body: { title } }]);
  });

  withPython('says why a recording waits', async () => {
    const desk = openDesk(sandbox, { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined });
    const { code, output } = await handOver(desk, [makeRecording()]);
    expect(code).toBe(0);
    expect(output).toMatch(/is handed over\nit waits: no access keys for the bucket are configured\n$/);
  });

  withPython.each([
    [
      'a folder that does not exist',
      ['/nowhere/42'],
      /^not handed over: \/nowhere\/42 does not exist: check the path\n$/,
    ],
    ['an ID that is not valid', ['/nowhere/42', '--id', 'a/b'], /^not handed over: --id: "a\/b" is not a valid/],
  ])('says why it was refused: %s', async (_what, args, said) => {
    const { code, output } = await handOver(openDesk(sandbox), args);
    expect(code).toBe(1);
    expect(output).toMatch(said);
  });

  withPython('says what a program that cannot start says', async () => {
    const { code, output } = await handOver(
      openDesk(sandbox),
      ['/nowhere/42'],
      'echo "it needs a newer Node" >&2; exit 2',
    );
    expect({ code, output }).toEqual({ code: 1, output: 'not handed over: it needs a newer Node\n' });
  });
});

test("the recorder's notes of the page reach the server", async () => {
  const [notes = ''] = codeBlocks(PAGE, 'json');
  const dir = makeRecording({ name: 'any-name', files: { 'recording.json': notes } });
  expect((await openDesk(sandbox).run(['upload', dir])).code).toBe(0);
  const said = JSON.parse(notes) as Record<string, unknown>;
  expect(webhooksOf(sandbox, '42')).toMatchObject([{ status: 201, body: said }]);
});

test("the old program's .env goes on working, and one that others can read is refused with the command that helps", async () => {
  const desk = openDesk(sandbox, { WEBHOOK_URL: undefined, WEBHOOK_TOKEN: undefined });
  const { url, token } = sandbox.receiver;
  // Outside of the desk's home, in which no secret may be found.
  const cwd = tempDir();
  const dotenv = join(cwd, '.env');
  writeFileSync(dotenv, `WEBHOOK_URL=${url}\nWEBHOOK_TOKEN=${token}\n`, { mode: 0o644 });
  const open = await desk.run(['webhook', 'test'], { cwd });
  expect(open.code).toBe(2);
  expect(open.stderr).toContain('chmod 600');
  spawnSync('chmod', ['600', dotenv]);
  expect((await desk.run(['webhook', 'test'], { cwd })).code).toBe(0);
});

describe('what the old program has uploaded', () => {
  const PART_BYTES = 8 * 1024 * 1024;
  const client = () =>
    new S3Client({
      endpoint: sandbox.s3.url,
      region: 'us-west-1',
      forcePathStyle: true,
      credentials: { accessKeyId: sandbox.s3.accessKeyId, secretAccessKey: sandbox.s3.secretAccessKey },
      requestChecksumCalculation: 'WHEN_REQUIRED',
    });

  /** Stores a file as boto3 does: small ones in one request, large ones in parts of 8 MiB. */
  async function storeAsBoto3(s3: S3Client, Key: string, body: Buffer) {
    const at = { Bucket: sandbox.s3.bucket, Key };
    if (body.length < PART_BYTES) return void (await s3.send(new PutObjectCommand({ ...at, Body: body })));
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand(at));
    const Parts: { PartNumber: number; ETag: string | undefined }[] = [];
    for (let from = 0; from < body.length; from += PART_BYTES) {
      const PartNumber = Parts.length + 1;
      const Body = body.subarray(from, from + PART_BYTES);
      const { ETag } = await s3.send(new UploadPartCommand({ ...at, UploadId, PartNumber, Body }));
      Parts.push({ PartNumber, ETag });
    }
    await s3.send(new CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload: { Parts } }));
  }

  /** A recording that the old program has uploaded, of which it stored `names`, and its metadata.json. */
  async function uploadedByTheOldOne(dir: string, id: string, names: readonly string[]) {
    using s3 = { client: client(), [Symbol.dispose]: () => s3.client.destroy() };
    for (const name of names) await storeAsBoto3(s3.client, `${id}/${name}`, readFileSync(join(dir, name)));
    const example = JSON.parse(readFileSync(fixture('payloads/contract-example.json'), 'utf8')) as Record<
      string,
      unknown
    >;
    const uploaded_files = Object.fromEntries(
      names.map(name => [name.split('.')[0], `${sandbox.s3.url}/${sandbox.s3.bucket}/${id}/${name}`]),
    );
    const payload = { ...example, recording_id: Number(id), uploaded_files, bucket_name: sandbox.s3.bucket };
    await storeAsBoto3(s3.client, `${id}/metadata.json`, Buffer.from(JSON.stringify(payload)));
    sandbox.s3.resetRequests();
    return payload;
  }
  const ALL = ['video.mkv', 'thumbnail.jpg', 'transcript.txt'];
  const large = (id: string) => makeRecording({ name: id, videoBytes: 20_000_000 });

  test('is adopted without sending it again, and the server gets the update', async () => {
    const id = freshId();
    const dir = large(id);
    await uploadedByTheOldOne(dir, id, ALL);
    const desk = openDesk(sandbox);
    const { code, stderr } = await desk.run(['upload', dir]);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(Object.keys(sentBytes(sandbox, id))).toEqual([`${id}/metadata.json`]);
    expect(webhooksOf(sandbox, id)).toMatchObject([{ status: 201, body: { upload_source: 'cli' } }]);
    expect((await desk.run(['verify', dir, '--full'])).code).toBe(0);
  });

  test('in part is completed', async () => {
    const id = freshId();
    const dir = large(id);
    await uploadedByTheOldOne(dir, id, ['video.mkv']);
    expect((await openDesk(sandbox).run(['upload', dir])).code).toBe(0);
    expect(Object.keys(sentBytes(sandbox, id)).sort()).toEqual(
      [`${id}/metadata.json`, `${id}/thumbnail.jpg`, `${id}/transcript.txt`].sort(),
    );
  });

  test('cut off is refused with what is there; --force stores the folder', async () => {
    const id = freshId();
    const dir = large(id);
    const half = tempDir();
    cpSync(dir, half, { recursive: true });
    writeFileSync(join(half, 'video.mkv'), filler(10_000_000));
    await uploadedByTheOldOne(half, id, ALL);
    const desk = openDesk(sandbox);
    const refused = await desk.run(['upload', dir]);
    expect(refused.code).toBe(3);
    expect(refused.stderr).toContain('the bucket has another one with this id');
    expect((await desk.run(['upload', dir, '--force'])).code).toBe(0);
    const hash = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
    expect(hash(await sandbox.s3.read(`${id}/video.mkv`))).toBe(hash(readFileSync(join(dir, 'video.mkv'))));
  });

  test('and not announced is announced by webhook send, without a folder', async () => {
    const id = freshId();
    const dir = makeRecording({ name: id });
    const payload = await uploadedByTheOldOne(dir, id, ALL);
    expect((await openDesk(sandbox).run(['webhook', 'send', id])).code).toBe(0);
    expect(webhooksOf(sandbox, id)).toEqual([{ status: 201, body: payload }]);
  });

  test('is uploaded into another bucket without a webhook, for a trial', async () => {
    const id = freshId();
    const dir = makeRecording({ name: id });
    await uploadedByTheOldOne(dir, id, ALL);
    const trial = await openSandbox({ s3: { bucket: 'fyemeet-trial' } });
    const desk = openDesk(trial, { RECORDUPLOAD_BUCKET: 'fyemeet' });
    const run = await desk.run(['upload', dir, '--bucket', 'fyemeet-trial', '--no-webhook', '--json']);
    expect(readJson(run).exitCode).toBe(0);
    expect(Object.keys(sentBytes(trial, id))).toHaveLength(ALL.length + 1);
    expect(webhooksOf(trial, id)).toEqual([]);
  });
});

test("the week's crontab: settle keeps what is new for the old program, and the rest goes up", async () => {
  const desk = openDesk(sandbox, { RECORDUPLOAD_SETTLE: '1h' });
  const parent = join(desk.home, 'recordings');
  mkdirSync(parent);
  const [old, fresh] = [freshId(), freshId()];
  const oldDir = makeRecording({ name: old, parent });
  const twoHoursAgo = Date.now() / 1000 - 7_200;
  for (const name of readdirSync(oldDir)) utimesSync(join(oldDir, name), twoHoursAgo, twoHoursAgo);
  const newDir = makeRecording({ name: fresh, parent });
  writeFileSync(join(newDir, 'transcript.txt'), 'Ada: one more thing.\n');
  const [line = ''] = /recordupload (upload .*)$/m.exec(PAGE)?.slice(1) ?? [];
  const { code, stderr } = await desk.run(line.replace('/var/recordings', parent).split(' '));
  expect(stderr).toContain(fresh);
  expect(code).toBe(3);
  expect(webhooksOf(sandbox, old)).toMatchObject([{ status: 201 }]);
  expect(webhooksOf(sandbox, fresh)).toEqual([]);
});

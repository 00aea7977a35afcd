import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Payload } from '../../src/core/payload/payload.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { type Desk, openDesk, openSandbox, readJson, webhooksOf } from '../support/desk.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';

/* Who asks for a held webhook again gets what is configured now; what was said with an option stays said. */

let sandbox: Sandbox;
let desk: Desk;
beforeEach(async () => {
  sandbox = await openSandbox({ receiver: { users: 'any' } });
  desk = openDesk(sandbox);
});

/** An upload whose webhook the server refuses with 400: it is held. */
async function held(env: NodeJS.ProcessEnv, options: string[] = []) {
  const id = freshId();
  const dir = makeRecording({ name: id });
  const fault = sandbox.faults.add({ server: 'webhook', action: { answer: { status: 400 } } });
  expect((await desk.run(['upload', dir, ...options], { env })).stdout).toContain('held');
  expect(fault.hits()).toBe(1);
  return { id, dir };
}

const lastTold = (id: string) => webhooksOf(sandbox, id).at(-1)?.body as unknown as Payload;

const CDN = { RECORDUPLOAD_PUBLIC_BASE_URL: 'https://media.example.com/rec' };
const link = (id: string, name = 'video.mkv') => `https://media.example.com/rec/fyemeet/${id}/${name}`;

const AGAIN: [string, (id: string) => string[]][] = [
  ['retry --held', id => ['retry', '--held', id]],
  ['webhook send', id => ['webhook', 'send', id]],
  ['webhook replay --held', () => ['webhook', 'replay', '--held', '--since', '1h', '--yes']],
];

describe.each(AGAIN)('%s', (_name, again) => {
  test('sends the links, region, source and user that are configured now, and says what it changed', async () => {
    const { id } = await held({});
    const before = lastTold(id);
    const env = {
      ...CDN,
      RECORDUPLOAD_UPLOAD_SOURCE: 'meeting room 5',
      RECORDUPLOAD_USER_EMAIL: 'corrected@example.com',
      RECORDUPLOAD_USER_NAME: 'ada',
    };
    const { code, stdout } = await desk.run(again(id), { env });
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringContaining(
        `changed: uploaded_files.video from "${before.uploaded_files.video}" to "${link(id)}"\n`,
      ),
    });
    expect(stdout).toContain('changed: uploaded_files.metadata from');
    expect(stdout).toContain('changed: upload_source from "cli" to "meeting room 5"\n');
    expect(stdout).toContain('changed: user_info.email from "operator@example.com" to "corrected@example.com"\n');
    expect(stdout).toContain('changed: user_info.username from nothing to "ada"\n');
    expect(lastTold(id)).toEqual({
      ...before,
      upload_source: 'meeting room 5',
      user_info: { email: 'corrected@example.com', username: 'ada' },
      uploaded_files: {
        video: link(id),
        thumbnail: link(id, 'thumbnail.jpg'),
        transcript: link(id, 'transcript.txt'),
        metadata: link(id, 'metadata.json'),
      },
    });
  });

  test('sends the same bytes if nothing is configured otherwise, and says nothing of changes', async () => {
    const { id } = await held({});
    const { code, stdout } = await desk.run(again(id));
    expect({ code, says: stdout.includes('changed') }).toEqual({ code: 0, says: false });
    const [first, second] = webhooksOf(sandbox, id).map(({ body }) => body);
    expect(second).toEqual(first);
  });

  test('keeps what was said with options of the upload, also once the folder is gone', async () => {
    const said = ['--email', 'asked@example.com', '--username', 'grace', '--title', 'Weekly'];
    const { id, dir } = await held({ RECORDUPLOAD_USER_NAME: 'ada' }, said);
    rmSync(dir, { recursive: true });
    const env = { RECORDUPLOAD_USER_EMAIL: 'corrected@example.com', RECORDUPLOAD_USER_NAME: 'eve' };
    expect((await desk.run(again(id), { env })).code).toBe(0);
    expect(lastTold(id)).toMatchObject({
      title: 'Weekly',
      user_info: { email: 'asked@example.com', username: 'grace' },
    });
  });
});

test('JSON has the changes', async () => {
  const { id } = await held({});
  const { result } = readJson<{ remade: unknown[] }>(await desk.run(['retry', '--held', '--json'], { env: CDN }));
  expect(result.remade).toMatchObject([
    { recordingId: id, endpoint: 'default', changes: [{ key: 'uploaded_files.video', after: link(id) }, {}, {}, {}] },
  ]);
});

test('retry without --held leaves held payloads as they are', async () => {
  const { id } = await held({});
  expect((await desk.run(['retry', '--now'], { env: CDN })).code).toBe(5);
  expect(webhooksOf(sandbox, id)).toHaveLength(1);
});

test('a sidecar that was corrected counts, a second correction of the configuration too', async () => {
  const { id, dir } = await held({ RECORDUPLOAD_USER_EMAIL: 'first@example.com' });
  sandbox.faults.add({ server: 'webhook', action: { answer: { status: 400 } } });
  await desk.run(['retry', '--held'], { env: { RECORDUPLOAD_USER_EMAIL: 'second@example.com' } });
  expect(lastTold(id).user_info.email).toBe('second@example.com');
  sandbox.faults.add({ server: 'webhook', action: { answer: { status: 400 } } });
  await desk.run(['retry', '--held'], { env: { RECORDUPLOAD_USER_EMAIL: 'third@example.com' } });
  expect(lastTold(id).user_info.email).toBe('third@example.com');
  writeFileSync(join(dir, 'recording.json'), JSON.stringify({ user_info: { email: 'noted@example.com' } }));
  expect((await desk.run(['retry', '--held'])).code).toBe(0);
  expect(lastTold(id).user_info.email).toBe('noted@example.com');
});

test('an address that webhook send was given is not replaced by the configured one later', async () => {
  const { id } = await held({ RECORDUPLOAD_USER_EMAIL: 'first@example.com' });
  sandbox.faults.add({ server: 'webhook', action: { answer: { status: 400 } } });
  const sent = await desk.run(['webhook', 'send', id, '--email', 'asked@example.com']);
  expect(sent).toMatchObject({
    code: 5,
    stdout: expect.stringContaining('changed: user_info.email from "first@example.com" to "asked@example.com"'),
  });
  expect((await desk.run(['retry', '--held', id])).code).toBe(0);
  expect(lastTold(id).user_info.email).toBe('asked@example.com');
});

describe('links of a recording that the state knows at another endpoint', () => {
  test('are made again where the configured one has its files', async () => {
    const { id } = await held({});
    const renamed = sandbox.s3.url.replace('127.0.0.1', 'localhost');
    expect(renamed).not.toBe(sandbox.s3.url);
    expect((await desk.run(['retry', '--held'], { env: { RECORDUPLOAD_ENDPOINT: renamed } })).code).toBe(0);
    expect(lastTold(id).uploaded_files.video).toBe(`${renamed}/fyemeet/${id}/video.mkv`);
  });

  test.each(['other store', 'dead store'])('stay where the configured one has not: %s', async which => {
    const other = await openSandbox();
    const { id } = await held({});
    const { video } = lastTold(id).uploaded_files;
    if (which === 'dead store') await other.close();
    const env = { RECORDUPLOAD_ENDPOINT: other.s3.url };
    expect((await desk.run(['retry', '--held'], { env })).code).toBe(0);
    expect(lastTold(id).uploaded_files.video).toBe(video);
  });

  test('stay in another bucket', async () => {
    const { id } = await held({});
    const { video } = lastTold(id).uploaded_files;
    expect((await desk.run(['retry', '--held'], { env: { RECORDUPLOAD_BUCKET: 'elsewhere' } })).code).toBe(0);
    expect(lastTold(id)).toMatchObject({ uploaded_files: { video }, bucket_name: 'fyemeet' });
  });
});

test('a payload that another machine stored is sent as it is', async () => {
  const id = freshId();
  expect((await desk.run(['upload', makeRecording({ name: id })])).code).toBe(0);
  const other = openDesk(sandbox, { ...CDN, RECORDUPLOAD_USER_EMAIL: 'other@example.com' });
  expect((await other.run(['webhook', 'send', id])).code).toBe(0);
  const [first, second] = webhooksOf(sandbox, id).map(({ body }) => body);
  expect(second).toEqual(first);
});

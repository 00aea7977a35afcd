import { copyFileSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { EMAIL, openDesk, openSandbox, readJson, sentBytes, webhooksOf } from '../support/desk.ts';
import { makeOld } from '../support/make-old.ts';
import { fixture, freshId, makeRecording } from '../support/make-recording.ts';

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await openSandbox();
});
beforeEach(() => {
  sandbox.s3.resetRequests();
  sandbox.receiver.resetRequests();
});

interface UploadResult {
  recordings: { recordingId: string; outcome: string; sentBytes: number; deliveries: { outcome: string }[] }[];
}

describe('upload', () => {
  test('puts the files and metadata.json into the bucket, and tells the server', async () => {
    const desk = openDesk(sandbox);
    const id = freshId();
    const dir = makeRecording({ name: id });
    const { code, stdout, stderr } = await desk.run(['upload', dir]);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(stdout).toContain(`${id}: 3 files uploaded and verified`);
    expect(stdout).toContain('webhook delivered (201, created)');
    expect(stderr.match(/📤 Sending webhook to .*\n✅ Webhook sent successfully/)).not.toBeNull();

    const types = Object.fromEntries(sandbox.s3.objects().map(({ key, contentType }) => [key, contentType]));
    expect(types).toMatchObject({
      [`${id}/video.mkv`]: 'video/x-matroska',
      [`${id}/thumbnail.jpg`]: 'image/jpeg',
      [`${id}/transcript.txt`]: 'text/plain; charset=utf-8',
      [`${id}/metadata.json`]: 'application/json',
    });
    const puts = sandbox.s3.requests().filter(({ operation }) => operation === 'PutObject');
    expect(puts.at(-1)?.key).toBe(`${id}/metadata.json`);
    expect(desk.log()).toEqual(
      expect.arrayContaining([`📤 Sending webhook to ${sandbox.receiver.url}`, '✅ Webhook sent successfully']),
    );
  });

  test('a second run sends no byte of a file, and no webhook', async () => {
    const desk = openDesk(sandbox);
    const id = freshId();
    const dir = makeRecording({ name: id });
    await desk.run(['upload', dir]);
    sandbox.s3.resetRequests();
    sandbox.receiver.resetRequests();
    const { code, stdout } = await desk.run(['upload', dir]);
    expect(code).toBe(0);
    expect(stdout).toContain('nothing had to be uploaded');
    expect(stdout).toContain('webhook delivered already');
    expect(sandbox.s3.requests().filter(({ operation }) => operation !== 'HeadObject')).toEqual([]);
    expect(sandbox.receiver.requests()).toEqual([]);
  });

  test('of a changed recording only the changed file is sent, and the server is told of the update', async () => {
    const desk = openDesk(sandbox);
    const id = freshId();
    const dir = makeRecording({ name: id });
    await desk.run(['upload', dir]);
    sandbox.s3.resetRequests();
    writeFileSync(join(dir, 'transcript.txt'), `${'Ada: now with more words. '.repeat(1000)}\n`);
    makeOld(dir);
    const { code, stdout } = await desk.run(['upload', dir]);
    expect(code).toBe(0);
    expect(stdout).toContain('webhook delivered (200, updated)');
    expect(Object.keys(sentBytes(sandbox, id)).sort()).toEqual([`${id}/metadata.json`, `${id}/transcript.txt`]);
    expect(webhooksOf(sandbox, id).at(-1)?.body.file_info).toMatchObject({
      individual_sizes_mb: { 'transcript.txt': 0.02 },
    });
  });

  test('a file that was only touched is not sent again', async () => {
    const desk = openDesk(sandbox);
    const id = freshId();
    const dir = makeRecording({ name: id });
    await desk.run(['upload', dir]);
    sandbox.s3.resetRequests();
    utimesSync(join(dir, 'thumbnail.jpg'), 1_700_000_000, 1_700_000_000);
    expect((await desk.run(['upload', dir])).code).toBe(0);
    expect(sentBytes(sandbox, id)).toEqual({});
  });

  test('a file that came later is sent alone, and the server is told of all', async () => {
    const desk = openDesk(sandbox);
    const id = freshId();
    const dir = makeRecording({ name: id, files: { 'transcript.txt': null } });
    await desk.run(['upload', dir]);
    sandbox.s3.resetRequests();
    writeFileSync(join(dir, 'transcript.vtt'), 'WEBVTT\n');
    makeOld(dir);
    expect((await desk.run(['upload', dir])).code).toBe(0);
    expect(Object.keys(sentBytes(sandbox, id)).sort()).toEqual([`${id}/metadata.json`, `${id}/transcript.vtt`]);
    expect(Object.keys(webhooksOf(sandbox, id).at(-1)?.body.uploaded_files as object)).toEqual([
      'video',
      'thumbnail',
      'transcript',
      'metadata',
    ]);
  });

  test('--force sends all anew, and the webhook too', async () => {
    const desk = openDesk(sandbox);
    const id = freshId();
    const dir = makeRecording({ name: id, videoBytes: 1000, files: { 'recording.json': '{"duration_seconds": 5}' } });
    await desk.run(['upload', dir]);
    sandbox.s3.resetRequests();
    const { code, stdout } = await desk.run(['upload', dir, '--force']);
    expect(code).toBe(0);
    expect(stdout).toContain('(200, updated)');
    expect(sentBytes(sandbox, id)[`${id}/video.mkv`]).toBe(1000);
    expect(webhooksOf(sandbox, id)).toHaveLength(2);
  });

  test('--dry-run shows keys, content types, sizes and the payload; it sends nothing and writes nothing', async () => {
    const desk = openDesk(sandbox);
    const id = freshId();
    const { code, stdout, stderr } = await desk.run(['upload', makeRecording({ name: id }), '--dry-run']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(new RegExp(`${id}/video\\.mkv +video/x-matroska +253 kB`));
    expect(stdout).toContain(`"recording_id": ${id}`);
    expect(sandbox.s3.requests()).toEqual([]);
    expect(sandbox.receiver.requests()).toEqual([]);
    expect(readdirSync(desk.home, { recursive: true })).toEqual(['work']);
  });

  test('--dry-run needs neither access keys nor a token', async () => {
    const nothing = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined, WEBHOOK_TOKEN: undefined };
    const { code } = await openDesk(sandbox, nothing).run(['upload', makeRecording(), '--dry-run', '--json']);
    expect(code).toBe(0);
  });

  test('--json prints one document and nothing else', async () => {
    const desk = openDesk(sandbox);
    const id = freshId();
    const output = readJson<UploadResult>(await desk.run(['upload', makeRecording({ name: id }), '--json']));
    expect(output).toMatchObject({
      command: 'upload',
      result: { recordings: [{ recordingId: id, outcome: 'uploaded', deliveries: [{ outcome: 'delivered' }] }] },
    });
  });

  test('--json tells errors the same way', async () => {
    const desk = openDesk(sandbox);
    const missing = await desk.run(['upload', join(desk.home, 'missing'), '--json']);
    expect(missing.code).toBe(3);
    expect(readJson<UploadResult>(missing).result.recordings).toMatchObject([
      { outcome: 'failed', error: { code: 'RECORDING' } },
    ]);
    const usage = await desk.run(['upload', '--json']);
    expect(usage.code).toBe(2);
    expect(readJson(usage).error).toMatchObject({ code: 'USAGE' });
    const config = await desk.run(['upload', makeRecording(), '--json'], { env: { RECORDUPLOAD_ENDPOINT: 'nowhere' } });
    expect(config.code).toBe(2);
    expect(readJson(config).error).toMatchObject({ code: 'CONFIG' });
  });

  test('--quiet prints nothing where all is well', async () => {
    const result = await openDesk(sandbox).run(['upload', makeRecording(), '--quiet']);
    expect(result).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  test('--no-webhook tells nobody, needs no e-mail and no token, and leaves nothing to retry', async () => {
    const desk = openDesk(sandbox, { RECORDUPLOAD_USER_EMAIL: undefined, WEBHOOK_TOKEN: undefined });
    const { code, stdout } = await desk.run(['upload', makeRecording(), '--no-webhook']);
    expect(code).toBe(0);
    expect(stdout).not.toContain('webhook');
    expect(sandbox.receiver.requests()).toEqual([]);
    expect((await desk.run(['retry', '--list'])).stdout).toContain('nothing to do');
  });

  test('flags beat the sidecar', async () => {
    const desk = openDesk(sandbox);
    const dir = makeRecording({ files: { 'recording.json': JSON.stringify({ recording_id: 1, title: 'old' }) } });
    const flags = {
      '--id': 'standup-7',
      '--title': 'Stand-up: Ünïcode 🎥',
      '--email': 'souvik@fyelabs.com',
      '--username': 'souvik',
      '--created-at': '2025-10-25 01:55:59',
      '--duration': '00:01:17',
    };
    const { code } = await desk.run(['upload', dir, ...Object.entries(flags).flat()]);
    expect(code).toBe(0);
    expect(webhooksOf(sandbox, 'standup-7').map(({ body }) => body)).toMatchObject([
      {
        recording_id: 'standup-7',
        title: 'Stand-up: Ünïcode 🎥',
        user_info: { username: 'souvik', email: 'souvik@fyelabs.com' },
        created_at: '2025-10-25 01:55:59.000000',
        duration_seconds: 77,
        duration_database: 77,
      },
    ]);
  });

  test('--sandbox needs no configuration, heeds none, and leaves nothing behind', async () => {
    const desk = openDesk(sandbox);
    const env = { TMPDIR: desk.cwd, RECORDUPLOAD_BUCKET: 'somewhere-else', WEBHOOK_URL: 'https://example.invalid/' };
    const { code, stdout } = await desk.run(['upload', makeRecording(), '--sandbox'], { env });
    expect(code).toBe(0);
    expect(stdout).toContain('webhook delivered (201, created)');
    expect(readdirSync(desk.home)).toEqual(['work']);
    expect(readdirSync(desk.cwd)).toEqual([]);
    expect(sandbox.s3.requests()).toEqual([]);
  });

  test('--sandbox works where a proxy leads to other hosts', async () => {
    const env = { HTTP_PROXY: 'http://127.0.0.1:9', HTTPS_PROXY: 'http://127.0.0.1:9' };
    const { code, stdout } = await openDesk(sandbox).run(['upload', makeRecording(), '--sandbox'], { env });
    expect([code, stdout]).toEqual([0, expect.stringContaining('webhook delivered (201, created)')]);
  });

  test('several folders: each is uploaded, and one that is unusable does not stop the others', async () => {
    const desk = openDesk(sandbox);
    const good = [freshId(), freshId()];
    const dirs = good.map(name => makeRecording({ name }));
    const { code, stdout, stderr } = await desk.run(['upload', dirs[0]!, join(desk.home, 'missing'), dirs[1]!]);
    expect(code).toBe(3);
    expect(stderr.match(/error: .*missing does not exist/g)).toHaveLength(1);
    for (const id of good) {
      expect(stdout).toContain(`${id}: 3 files uploaded and verified`);
      expect(webhooksOf(sandbox, id)).toHaveLength(1);
    }
  });

  test('without the state, nothing that is in the bucket is uploaded again', async () => {
    const id = freshId();
    const dir = makeRecording({ name: id });
    await openDesk(sandbox).run(['upload', dir]);
    sandbox.s3.resetRequests();
    const { code, stdout } = await openDesk(sandbox).run(['upload', dir]);
    expect(code).toBe(0);
    expect(stdout).toContain('nothing had to be uploaded');
    expect(sentBytes(sandbox, id)).toEqual({});
    // Whether the server was told, this machine cannot know: telling it twice does no harm.
    expect(webhooksOf(sandbox, id).map(({ status }) => status)).toEqual([201, 200]);
  });

  test('the folder is only read', async () => {
    const dir = makeRecording();
    const before = readdirSync(dir);
    await openDesk(sandbox).run(['upload', dir]);
    expect(readdirSync(dir)).toEqual(before);
  });

  test('a relative path, and the folder "." itself', async () => {
    const desk = openDesk(sandbox);
    const id = freshId();
    makeRecording({ name: id, parent: desk.cwd });
    expect((await desk.run(['upload', id])).code).toBe(0);
    expect((await desk.run(['upload', '.'], { cwd: join(desk.cwd, id) })).stdout).toContain(
      `${id}: nothing had to be uploaded`,
    );
  });

  test('configuration comes from the file that --config names', async () => {
    const desk = openDesk(sandbox, { RECORDUPLOAD_USER_EMAIL: undefined });
    const file = join(desk.home, 'other.json');
    writeFileSync(file, JSON.stringify({ user: { email: EMAIL }, uploadSource: 'night-shift' }), { mode: 0o600 });
    const id = freshId();
    expect((await desk.run(['upload', makeRecording({ name: id }), '--config', file])).code).toBe(0);
    expect(webhooksOf(sandbox, id)[0]?.body).toMatchObject({ upload_source: 'night-shift' });
  });

  test('names with spaces, #, %, umlauts and emoji become URL-encoded links that lead to the file', async () => {
    const desk = openDesk(sandbox, { RECORDUPLOAD_EXTRA_FILES: '*.pdf' });
    const id = freshId();
    const dir = makeRecording({ name: id });
    const name = 'Notes #1 100% für 🎥.pdf';
    copyFileSync(fixture('recordings/3/thumbnail.jpg'), join(dir, name));
    const { code } = await desk.run(['upload', dir]);
    expect(code).toBe(0);
    const links = webhooksOf(sandbox, id)[0]?.body.uploaded_files as Record<string, string>;
    const url = `${sandbox.s3.url}/fyemeet/${id}/Notes%20%231%20100%25%20f%C3%BCr%20%F0%9F%8E%A5.pdf`;
    expect(links[name]).toBe(url);
    expect(sandbox.s3.objects().map(({ key }) => key)).toContain(`${id}/${name}`);
  });
});

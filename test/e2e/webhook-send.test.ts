import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { openDesk, openSandbox, readJson, webhooksOf } from '../support/desk.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await openSandbox();
});

/** Puts an object there as another program would. */
async function put(key: string, body: string): Promise<void> {
  const { url, accessKeyId, secretAccessKey, bucket } = sandbox.s3;
  const client = new S3Client({
    endpoint: url,
    region: 'us-west-1',
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
  });
  await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));
  client.destroy();
}

describe('webhook send', () => {
  test('sends again what the state knows, the very same bytes, without asking the bucket', async () => {
    const desk = openDesk(sandbox);
    const id = freshId();
    await desk.run(['upload', makeRecording({ name: id })]);
    sandbox.s3.resetRequests();
    const { code, stdout } = await desk.run(['webhook', 'send', id]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '✔ webhook delivered (200, updated)\n' });
    const [first, second] = webhooksOf(sandbox, id);
    expect(second?.body).toEqual(first?.body);
    expect(sandbox.s3.requests()).toEqual([]);
  });

  test('on another machine takes metadata.json from the bucket', async () => {
    const id = freshId();
    await openDesk(sandbox).run(['upload', makeRecording({ name: id }), '--title', 'Planning']);
    const other = openDesk(sandbox, { RECORDUPLOAD_USER_EMAIL: undefined });
    expect((await other.run(['webhook', 'send', id])).code).toBe(0);
    const [first, second] = webhooksOf(sandbox, id);
    expect(second?.body).toEqual(first?.body);
    expect((await other.run(['webhook', 'send', id, '--title', 'Retro', '--json'])).code).toBe(0);
    const third = webhooksOf(sandbox, id)[2]?.body;
    expect(third).toEqual({ ...first?.body, title: 'Retro' });
    expect(Object.keys(third ?? {})).toEqual(Object.keys(first?.body ?? {}));
  });

  test('without metadata.json lists what is there; the e-mail comes from flags or configuration', async () => {
    const id = freshId();
    await put(`${id}/video.mkv`, 'x'.repeat(1_048_576));
    await put(`${id}/notes.pdf`, 'not ours');
    const desk = openDesk(sandbox, { RECORDUPLOAD_USER_EMAIL: undefined });
    const nobody = await desk.run(['webhook', 'send', id]);
    expect(nobody.code).toBe(2);
    expect(nobody.stderr).toMatch(/no e-mail address.*--email/);
    expect((await desk.run(['webhook', 'send', id, '--email', 'user@example.com'])).code).toBe(0);
    expect(webhooksOf(sandbox, id)[0]?.body).toMatchObject({
      recording_id: Number(id),
      title: expect.stringMatching(/^Meeting /) as unknown,
      user_info: { email: 'user@example.com' },
      file_info: { total_size_mb: 1, individual_sizes_mb: { 'video.mkv': 1 } },
      uploaded_files: { video: `${sandbox.s3.url}/fyemeet/${id}/video.mkv` },
    });
  });

  test('another program’s metadata.json is no payload; the listing is used', async () => {
    const id = freshId();
    await put(`${id}/video.mp4`, 'video');
    await put(`${id}/metadata.json`, '{"meeting_url": "https://meet.example.com/x", "participants": []}');
    expect((await openDesk(sandbox).run(['webhook', 'send', id])).code).toBe(0);
    expect(JSON.stringify(webhooksOf(sandbox, id))).not.toContain('meet.example.com');
  });

  test('a bucket that is busy for a moment is asked again', async () => {
    const id = freshId();
    await openDesk(sandbox).run(['upload', makeRecording({ name: id })]);
    const action = { answer: { status: 503, code: 'SlowDown' } };
    const fault = sandbox.faults.add({ server: 's3', operation: 'GetObject', key: `${id}/metadata.json`, action });
    const { code, stderr } = await openDesk(sandbox).run(['webhook', 'send', id]);
    expect([code, fault.hits()]).toEqual([0, 1]);
    expect(stderr).toContain('503 SlowDown; trying again in');
    expect(webhooksOf(sandbox, id).map(({ status }) => status)).toEqual([201, 200]);
  });

  test('--dry-run prints the payload and sends nothing', async () => {
    const desk = openDesk(sandbox);
    const id = freshId();
    await desk.run(['upload', makeRecording({ name: id })]);
    const { code, stdout } = await desk.run(['webhook', 'send', id, '--dry-run']);
    expect(code).toBe(0);
    expect(JSON.stringify(JSON.parse(stdout))).toBe(JSON.stringify(webhooksOf(sandbox, id)[0]?.body));
    expect(webhooksOf(sandbox, id)).toHaveLength(1);
  });

  test('exits with 5 where the server does not take it, and leaves it to retry', async () => {
    const desk = openDesk(sandbox);
    const id = freshId();
    await desk.run(['upload', makeRecording({ name: id })]);
    sandbox.faults.add({ server: 'webhook', action: { answer: { status: 500 } } });
    const { code, stdout } = await desk.run(['webhook', 'send', id]);
    expect(code).toBe(5);
    expect(stdout).toContain('webhook pending');
    expect((await desk.run(['retry', '--now', '--quiet'])).code).toBe(0);
    expect(webhooksOf(sandbox, id).map(({ status }) => status)).toEqual([201, 500, 200]);
  });

  test('an id that is none is told before anything else', async () => {
    const { code, stderr } = await openDesk(sandbox).run(['webhook', 'send', '../3']);
    expect(code).toBe(2);
    expect(stderr).toContain('not a valid recording ID');
  });
});

describe('webhook test', () => {
  interface TestResult {
    works: boolean;
    checks: { kind: string; ok: boolean; verdict: string; request: { headers: Record<string, string> } }[];
  }

  test('shows the request and the response, and says that the integration works', async () => {
    const desk = openDesk(sandbox);
    const { code, stdout } = await desk.run(['webhook', 'test']);
    expect(code).toBe(0);
    expect(stdout).toContain(`POST ${sandbox.receiver.url}`);
    expect(stdout).toContain('X-Webhook-Token: ***');
    expect(stdout).toMatch(/"recording_id":999\b/);
    expect(stdout).toContain('answer 201: {"status":"success"');
    expect(stdout).toMatch(/time: .*total \d+ ms/);
    expect(stdout.trimEnd().split('\n').at(-1)).toBe('The webhook integration works.');
    // It is marked as a test, so that it is kept apart from recordings.
    expect(sandbox.receiver.recording('999')).toBeUndefined();
  });

  test('--json for CI, with another id', async () => {
    const output = readJson<TestResult>(await openDesk(sandbox).run(['webhook', 'test', '--id', '1234', '--json']));
    expect(output.result.works).toBe(true);
    expect(output.result.checks[0]?.request.headers['X-Webhook-Token']).toBe('***');
  });

  test.each<[string, NodeJS.ProcessEnv, RegExp]>([
    ['a wrong token', { WEBHOOK_TOKEN: 'fake-wrong-token' }, /token/],
    ['an unknown e-mail address', { RECORDUPLOAD_USER_EMAIL: 'nobody@example.com' }, /nobody@example\.com/],
    ['a server that is not there', { WEBHOOK_URL: 'http://127.0.0.1:9/' }, /127\.0\.0\.1:9/],
    ['an unknown host', { WEBHOOK_URL: 'https://recordings.invalid/' }, /recordings\.invalid/],
    ['no TLS where https:// is asked for', { WEBHOOK_URL: 'https' }, /secure connection|certificate/],
  ])('%s: exit 5, and what to check', async (_name, env, says) => {
    const url = sandbox.receiver.url.replace('http:', 'https:');
    const desk = openDesk(sandbox, env.WEBHOOK_URL === 'https' ? { WEBHOOK_URL: url } : env);
    const { code, stdout } = await desk.run(['webhook', 'test']);
    expect(code).toBe(5);
    expect(stdout.trimEnd().split('\n').at(-1)).toBe('The webhook integration does not work yet.');
    expect(stdout).toMatch(/ {2}✘ .*(check|correct|set webhook\.token)/);
    expect(stdout).toMatch(says);
    const quiet = await desk.run(['webhook', 'test', '--quiet']);
    expect({ code: quiet.code, stdout: quiet.stdout }).toEqual({ code: 5, stdout: '' });
    expect(quiet.stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  test('--unauthorized succeeds only where the server answers 401, and needs no token', async () => {
    const desk = openDesk(sandbox, { WEBHOOK_TOKEN: undefined });
    const good = await desk.run(['webhook', 'test', '--unauthorized']);
    expect(good.code).toBe(0);
    expect(good.stdout).not.toContain('X-Webhook-Token');
    sandbox.faults.add({ server: 'webhook', action: { answer: { status: 200, body: '{}' } } });
    const bad = await desk.run(['webhook', 'test', '--unauthorized']);
    expect(bad.code).toBe(5);
    expect(bad.stdout).toContain('anybody can send it webhooks');
  });
});

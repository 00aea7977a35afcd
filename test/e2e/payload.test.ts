import { beforeAll, describe, expect, test } from '@jest/globals';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { openDesk, openSandbox, SECRETS, webhooksOf } from '../support/desk.ts';
import { fixture, makeRecording } from '../support/make-recording.ts';

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await openSandbox();
});

/** Each field in the contract's form; which bytes it stands for is told by the other tests here. */
const TIMES = {
  createdAt: /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}$/,
  uploaded: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/,
};

describe('the request that the recordings server gets', () => {
  test('has the contract’s method, path, headers and body', async () => {
    const desk = openDesk(sandbox, { WEBHOOK_SECRET: 'whsec_ZmFrZS1zaWduaW5nLXNlY3JldC1mYWtlLWZha2U=' });
    expect((await desk.run(['upload', fixture('recordings/3')])).code).toBe(0);
    const [request] = sandbox.receiver.requests();
    expect(request).toMatchObject({ method: 'POST', path: '/recordings/webhook/', token: 'valid', status: 201 });
    expect(request?.headers).toMatchObject({
      'content-type': 'application/json',
      'webhook-id': expect.stringMatching(/^msg_/) as unknown,
      'webhook-signature': expect.stringMatching(/^v1,/) as unknown,
    });
    const base = `${sandbox.s3.url}/fyemeet/3`;
    const payload = JSON.parse(request?.body ?? '') as Record<string, unknown>;
    expect(payload).toEqual({
      recording_id: 3,
      title: 'Weekly sync',
      created_at: '2025-10-25 01:55:59.374860',
      duration_seconds: 10,
      duration_database: 10,
      user_info: { username: 'souvik', email: 'souvik@fyelabs.com' },
      file_info: {
        total_size_mb: 0.25,
        individual_sizes_mb: { 'video.mkv': 0.24, 'thumbnail.jpg': 0.01, 'transcript.txt': 0 },
      },
      uploaded_files: {
        video: `${base}/video.mkv`,
        thumbnail: `${base}/thumbnail.jpg`,
        transcript: `${base}/transcript.txt`,
        metadata: `${base}/metadata.json`,
      },
      upload_timestamp: expect.stringMatching(TIMES.uploaded) as unknown,
      upload_source: 'cli',
      bucket_name: 'fyemeet',
      region: 'us-west-1',
    });
    expect(Object.keys(payload)).toEqual([
      'recording_id',
      'title',
      'created_at',
      'duration_seconds',
      'duration_database',
      'user_info',
      'file_info',
      'uploaded_files',
      'upload_timestamp',
      'upload_source',
      'bucket_name',
      'region',
    ]);
    expect((await sandbox.s3.read('3/metadata.json')).toString()).toBe(request?.body);
  });

  test('derives what nobody says: title and start from the video’s times, the duration from the media', async () => {
    const desk = openDesk(sandbox, { RECORDUPLOAD_USER_NAME: 'operator' });
    const dir = makeRecording({ name: 'derived' });
    expect((await desk.run(['upload', dir])).code).toBe(0);
    const { body } = webhooksOf(sandbox, 'derived')[0]!;
    expect(body).toMatchObject({
      recording_id: 'derived',
      title: expect.stringMatching(/^Meeting \d{4}-\d\d-\d\d \d\d:\d\d$/) as unknown,
      created_at: expect.stringMatching(TIMES.createdAt) as unknown,
      duration_seconds: 10,
      duration_database: 10,
      user_info: { username: 'operator', email: 'operator@example.com' },
    });
    // The title says local time (New York here), created_at says UTC.
    const start = new Date(`${String(body.created_at).replace(' ', 'T')}Z`);
    const local = start.toLocaleString('sv-SE', { timeZone: 'America/New_York' }).slice(0, 16);
    expect(body.title).toBe(`Meeting ${local}`);
  });

  test('what a recorder notes beside the contract’s fields reaches neither bucket nor server', async () => {
    const desk = openDesk(sandbox);
    const sidecar = {
      title: 'Retro',
      upload_token: SECRETS.token,
      participants: ['Grace'],
      user_info: { badge: 'Grace' },
    };
    const dir = makeRecording({ name: 'jibri', files: { 'metadata.json': JSON.stringify(sidecar) } });
    expect((await desk.run(['upload', dir])).code).toBe(0);
    const stored = (await sandbox.s3.read('jibri/metadata.json')).toString();
    for (const text of [stored, JSON.stringify(webhooksOf(sandbox, 'jibri'))]) {
      expect(text).toContain('Retro');
      expect(text).not.toContain(SECRETS.token);
      expect(text).not.toContain('Grace');
    }
  });

  test('publicBaseUrl stands in the links in place of the endpoint', async () => {
    const desk = openDesk(sandbox, { RECORDUPLOAD_PUBLIC_BASE_URL: 'https://media.example.com/' });
    expect((await desk.run(['upload', makeRecording({ name: 'links' })])).code).toBe(0);
    expect(webhooksOf(sandbox, 'links')[0]?.body.uploaded_files).toMatchObject({
      video: 'https://media.example.com/fyemeet/links/video.mkv',
    });
  });
});

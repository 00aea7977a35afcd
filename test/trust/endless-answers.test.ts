import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import { openDesk, openSandbox } from '../support/desk.ts';
import { makeRecording } from '../support/make-recording.ts';

/*
 * A store, or whoever may write into the bucket, sends more than anybody asked for: objects, lists and refusals without an
 * end. Each command ends by itself, and hangs up after a few MiB.
 */
const sandbox = await openSandbox();
const CHUNK = Buffer.alloc(64 * 1024, ' ');
const FEW_BYTES = 100 * 1024 * 1024;

/** Which requests get an answer without an end, and how it begins. */
let endless: (request: IncomingMessage) => { status: number; type: string; begin: string } | undefined = () =>
  undefined;
let sentBytes = 0;
let hungUp = 0;

async function pour(
  response: ServerResponse,
  { status, type, begin }: { status: number; type: string; begin: string },
) {
  response.setMaxListeners(0);
  response.writeHead(status, { 'content-type': type, etag: '"e"' });
  response.write(begin);
  while (!response.destroyed && sentBytes < 2 * FEW_BYTES) {
    sentBytes += CHUNK.length;
    if (!response.write(CHUNK)) await Promise.race([once(response, 'drain'), once(response, 'close')]);
  }
  if (response.destroyed) hungUp++;
  response.end();
}

const front = createServer((request, response) => {
  response.on('error', () => {});
  const poured = endless(request);
  if (poured) {
    request.resume();
    void pour(response, poured);
    return;
  }
  const { port } = new URL(sandbox.s3.url);
  const onward = forward({
    host: '127.0.0.1',
    port,
    method: request.method,
    path: request.url,
    headers: request.headers,
  });
  onward.on('response', answer => {
    response.writeHead(answer.statusCode ?? 500, answer.headers);
    answer.pipe(response);
  });
  request.pipe(onward);
});
await new Promise<void>(resolve => front.listen(0, '127.0.0.1', resolve));
afterAll(() => {
  front.closeAllConnections();
  front.close();
});
beforeEach(() => {
  sentBytes = 0;
  hungUp = 0;
});
const env = { RECORDUPLOAD_ENDPOINT: `http://127.0.0.1:${(front.address() as AddressInfo).port}` };

const isGet = ({ method, url = '' }: IncomingMessage, part: string) => method === 'GET' && url.includes(part);

describe('An answer without an end', () => {
  test('in place of metadata.json: it counts as none of ours', async () => {
    await openDesk(sandbox, env).run(['upload', makeRecording({ name: '71' })]);
    endless = request =>
      isGet(request, '71/metadata.json') ? { status: 200, type: 'application/json', begin: '{"a":"' } : undefined;
    const upload = await openDesk(sandbox, env).run(['upload', makeRecording({ name: '71' })]);
    const send = await openDesk(sandbox, env).run(['webhook', 'send', '71']);
    expect([upload.code, send.code]).toEqual([0, 0]);
    expect(hungUp).toBe(2);
    expect(sentBytes).toBeLessThan(FEW_BYTES);
  });

  test('in place of an object that verify --full reads back', async () => {
    await openDesk(sandbox, env).run(['upload', makeRecording({ name: '72' })]);
    endless = request =>
      isGet(request, '72/video') ? { status: 200, type: 'video/x-matroska', begin: '' } : undefined;
    const { code, stdout, stderr } = await openDesk(sandbox, env).run(['verify', '72', '--full']);
    expect([code, stdout + stderr]).toEqual([7, expect.stringMatching(/more than its \d+ bytes came back/)]);
    expect(hungUp).toBe(1);
    expect(sentBytes).toBeLessThan(FEW_BYTES);
  });

  test.each([
    ['a list', 200, '<ListBucketResult>'],
    ['a refusal', 403, '<Error><Code>AccessDenied</Code>'],
  ])('in place of %s', async (_, status, begin) => {
    endless = request => (isGet(request, 'list-type=2') ? { status, type: 'application/xml', begin } : undefined);
    const { code, stderr } = await openDesk(sandbox, env).run(['webhook', 'send', '73']);
    expect([code, stderr]).toEqual([4, expect.stringMatching(/^error: /)]);
    expect(hungUp).toBe(1);
    expect(sentBytes).toBeLessThan(FEW_BYTES);
  });

  test('of a service that gives keys', async () => {
    endless = ({ method, url }) =>
      method === 'POST' && url === '/' ? { status: 200, type: 'text/xml', begin: '<AssumeRoleResponse>' } : undefined;
    const desk = openDesk(sandbox, {
      AWS_ACCESS_KEY_ID: undefined,
      AWS_SECRET_ACCESS_KEY: undefined,
      AWS_PROFILE: 'recordings',
      AWS_ENDPOINT_URL_STS: env.RECORDUPLOAD_ENDPOINT,
      RECORDUPLOAD_UPLOAD_RETRY_BUDGET: '0s',
    });
    const role = 'role_arn = arn:aws:iam::123456789012:role/recordings\nsource_profile = base\nregion = eu-west-9';
    const base = 'aws_access_key_id = FAKE-BASE\naws_secret_access_key = fake-base';
    mkdirSync(join(desk.home, '.aws'));
    const file = join(desk.home, '.aws/config');
    writeFileSync(file, `[profile recordings]\n${role}\n[profile base]\n${base}\n`, { mode: 0o600 });
    const { code, stderr } = await desk.run(['upload', makeRecording()]);
    expect([code, stderr]).toEqual([4, expect.stringContaining('more bytes than expected')]);
    expect(hungUp).toBeGreaterThan(0);
    expect(sentBytes).toBeLessThan(FEW_BYTES);
  });

  test('of headers', async () => {
    const desk = openDesk(sandbox);
    const fault = sandbox.faults.add({
      server: 's3',
      times: Number.POSITIVE_INFINITY,
      action: { answer: { status: 200, headers: { 'x-amz-meta-a': 'a'.repeat(1024 * 1024) } } },
    });
    const { code, stderr } = await desk.run(['verify', '3'], { env: { RECORDUPLOAD_UPLOAD_RETRY_BUDGET: '1s' } });
    fault.remove();
    expect([code, stderr]).toEqual([4, expect.stringContaining('Header overflow')]);
  });
});

import { createHash, createHmac } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { type Sandbox, type SandboxOptions, startSandbox } from '../../src/sandbox/sandbox.ts';

export const MIB = 1024 * 1024;

const cleanups: (() => Promise<unknown> | unknown)[] = [];

/** Undoes what the test began, last first; for `afterEach`. */
export async function cleanUp(): Promise<void> {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
}

/** A sandbox that ends with the test. */
export async function sandbox(options?: SandboxOptions): Promise<Sandbox> {
  const started = await startSandbox(options);
  cleanups.push(() => started.close());
  return started;
}

/** A folder that ends with the test. */
export async function tempDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'sandbox-test-'));
  cleanups.push(() => rm(dir, { recursive: true }));
  return dir;
}

/** An SDK client for the sandbox, without retries. */
export function clientFor({ s3 }: Sandbox, config: S3ClientConfig = {}): S3Client {
  const client = new S3Client({
    endpoint: s3.url,
    region: s3.region,
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: { accessKeyId: s3.accessKeyId, secretAccessKey: s3.secretAccessKey },
    ...config,
  });
  cleanups.push(() => client.destroy());
  return client;
}

/** What became of a promise that should fail: its error's name and HTTP status. */
export async function failure(promise: Promise<unknown>): Promise<{ name: string; status: number | undefined }> {
  try {
    await promise;
  } catch (error) {
    const { name, code, $metadata } = error as Error & { code?: string; $metadata?: { httpStatusCode?: number } };
    return { name: name === 'Error' ? (code ?? name) : name, status: $metadata?.httpStatusCode };
  }
  throw new Error('it should have failed');
}

/** Bytes that differ from place to place, the same for the same length. */
export function bytes(length: number): Buffer {
  const buffer = Buffer.alloc(length);
  for (let at = 0; at + 4 <= length; at += 4) buffer.writeUInt32LE(Math.imul(at + 1, 2654435761) >>> 0, at);
  return buffer;
}

/** Sends raw bytes to a server and reads until it closes; null where it was cut by a reset. */
export function rawRequest(url: string, text: string | Buffer, { half = false } = {}): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise(resolve => {
    let answer = '';
    const socket = connect(Number(port), hostname, () => {
      if (half) socket.end(text);
      else socket.write(text);
    });
    socket.setEncoding('latin1').on('data', chunk => {
      answer += chunk;
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(answer));
  });
}

/** The contract's example, shortened. */
export function payload(fields: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    recording_id: 3,
    title: 'Meeting 2025-10-24 21:55',
    user_info: { username: 'souvik', email: 'souvik@fyelabs.com' },
    ...fields,
  };
}

/** Sends a webhook as the tool would. */
export function post({ receiver }: Sandbox, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(receiver.url, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { 'Content-Type': 'application/json', 'X-Webhook-Token': receiver.token, ...headers },
  });
}

/** The head of a signed HTTP request, for bodies that no decent client would send. */
export function signedHead({ s3 }: Sandbox, method: string, path: string, headers: Record<string, string>): string {
  const amzDate = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const all: Record<string, string> = {
    host: new URL(s3.url).host,
    'x-amz-date': amzDate,
    'x-amz-content-sha256': 'UNSIGNED-PAYLOAD',
    ...headers,
  };
  const names = Object.keys(all).sort();
  const [pathname, query = ''] = path.split('?');
  const canonical = [
    method,
    pathname,
    query,
    ...names.map(name => `${name}:${all[name]}`),
    '',
    names.join(';'),
    all['x-amz-content-sha256'],
  ].join('\n');
  const scope = `${amzDate.slice(0, 8)}/${s3.region}/s3/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', amzDate, scope, createHash('sha256').update(canonical).digest('hex')].join('\n');
  const key = scope
    .split('/')
    .reduce<string | Buffer>((secret, part) => hmac(secret, part), `AWS4${s3.secretAccessKey}`);
  all.authorization =
    `AWS4-HMAC-SHA256 Credential=${s3.accessKeyId}/${scope},SignedHeaders=${names.join(';')},` +
    `Signature=${hmac(key, text).toString('hex')}`;
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}Connection: close\r\n\r\n`;
}

const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();

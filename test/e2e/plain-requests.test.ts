import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, expect, test } from '@jest/globals';
import { openDesk, openSandbox } from '../support/desk.ts';
import { makeRecording } from '../support/make-recording.ts';

/* Servers that refuse what newer SDKs and HTTP clients send by themselves. */

type Refuse = (headers: IncomingMessage['headers'], request: IncomingMessage) => string | undefined;

const servers: { close(): unknown }[] = [];
afterAll(() => {
  for (const server of servers) server.close();
});

/** A server before another one: it refuses requests by their headers, and passes the others on as they are. */
async function gate(
  target: string,
  refuse: Refuse,
  rewrite: (headers: string[]) => string[] = headers => headers,
): Promise<{ url: string; refused: string[]; passed: number }> {
  const seen = { url: '', refused: [] as string[], passed: 0 };
  const { hostname, port } = new URL(target);
  const server = createServer((incoming, response) => {
    const why = refuse(incoming.headers, incoming);
    if (why !== undefined) {
      seen.refused.push(why);
      incoming.resume();
      response.writeHead(400, { 'content-type': 'application/xml', connection: 'close' });
      response.end(`<Error><Code>InvalidArgument</Code><Message>${why}</Message></Error>`);
      return;
    }
    seen.passed++;
    const { method, url: path, rawHeaders } = incoming;
    const outgoing = request({ hostname, port, method, path, headers: rewrite(rawHeaders), setHost: false }, answer => {
      response.writeHead(answer.statusCode ?? 0, answer.rawHeaders);
      answer.pipe(response);
    });
    incoming.pipe(outgoing);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  servers.push(server);
  seen.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return seen;
}

/** As Backblaze B2 and Cloudflare R2 answered when SDKs began to send checksums with every request. */
const noChecksums: Refuse = (headers, request) => {
  const name = Object.keys(headers).find(one => /^x-amz-(checksum-|sdk-checksum-|trailer)/.test(one));
  if (name !== undefined) return `Unsupported header '${name}' received for this API call.`;
  if (/aws-chunked/.test(headers['content-encoding'] ?? '')) return 'aws-chunked is not implemented';
  return noChunks(headers, request);
};
const noChunks: Refuse = headers =>
  headers['transfer-encoding'] === undefined ? undefined : 'Transfer-Encoding is not implemented';

test('A store that knows no checksum headers gets none, in one piece and in parts', async () => {
  const sandbox = await openSandbox();
  const store = await gate(sandbox.s3.url, noChecksums);
  const desk = openDesk(sandbox, { RECORDUPLOAD_ENDPOINT: store.url });
  const { code, stdout } = await desk.run(['upload', makeRecording({ videoBytes: 17_000_000 })]);
  expect({ refused: store.refused, code }).toEqual({ refused: [], code: 0 });
  expect(stdout).not.toContain('warning');
  expect(store.passed).toBeGreaterThan(8);
});

test('A webhook has a length: servers that take no chunked body get it', async () => {
  const sandbox = await openSandbox();
  const { origin, pathname } = new URL(sandbox.receiver.url);
  const server = await gate(origin, noChunks);
  const desk = openDesk(sandbox, { WEBHOOK_URL: `${server.url}${pathname}` });
  expect((await desk.run(['upload', makeRecording(), '--strict'])).code).toBe(0);
  expect({ refused: server.refused, passed: server.passed }).toEqual({ refused: [], passed: 1 });
});

/** As Google's front end and Cloudflare do; a server behind nginx or lighttpd may refuse `Expect` with 417. */
const REWRITTEN: Record<string, string> = {
  'accept-encoding': 'gzip(gfe)',
  'user-agent': 'proxied',
  connection: 'close',
};

test('Nothing is signed that front ends rewrite, and no answer is waited for before the body', async () => {
  const sandbox = await openSandbox();
  const rewrite = (headers: string[]) => [
    ...headers.flatMap((name, at) => {
      if (at % 2 === 1) return [];
      return name.toLowerCase() in REWRITTEN ? [] : [name, headers[at + 1] ?? ''];
    }),
    ...Object.entries(REWRITTEN).flat(),
    ...['X-Forwarded-For', '192.0.2.1', 'CDN-Loop', 'cloudflare'],
  ];
  const store = await gate(sandbox.s3.url, ({ expect: expected }) => expected && `Expect: ${expected}`, rewrite);
  const desk = openDesk(sandbox, { RECORDUPLOAD_ENDPOINT: store.url });
  const { code, stdout } = await desk.run(['upload', makeRecording({ videoBytes: 17_000_000 })]);
  expect({ refused: store.refused, code, stdout }).toMatchObject({ refused: [], code: 0 });
});

test('The parts of an upload have one length but the last, as Cloudflare R2 wants it, also when another run resumes', async () => {
  const sandbox = await openSandbox();
  const sizes = new Map<number, number>();
  const store = await gate(sandbox.s3.url, (headers, { method, url = '' }) => {
    const number = Number(/[?&]partNumber=(\d+)/.exec(url)?.[1]);
    if (method === 'PUT' && number) sizes.set(number, Number(headers['content-length']));
    if (method !== 'POST' || !url.includes('uploadId=')) return undefined;
    const ordered = [...sizes].sort(([a], [b]) => a - b).map(([, size]) => size);
    const isUniform = ordered.every(
      (size, at) => size === ordered[0] || (at === ordered.length - 1 && size < ordered[0]!),
    );
    return isUniform ? undefined : `All non-trailing parts must have the same length: ${ordered}`;
  });
  const dir = makeRecording({ name: '61', videoBytes: 42_000_000 });
  const fault = sandbox.faults.add({
    server: 's3',
    operation: 'UploadPart',
    partNumber: 3,
    times: Number.POSITIVE_INFINITY,
    action: { answer: { status: 403, code: 'AccessDenied' } },
  });
  const desk = openDesk(sandbox, { RECORDUPLOAD_ENDPOINT: store.url, RECORDUPLOAD_CONCURRENCY: '2' });
  expect((await desk.run(['upload', dir])).code).toBe(4);
  fault.remove();
  const { code, stdout } = await desk.run(['upload', dir], { env: { RECORDUPLOAD_CONCURRENCY: '7' } });
  expect({ refused: store.refused, code, stdout }).toMatchObject({ refused: [], code: 0 });
  expect(sizes.size).toBe(6);
});

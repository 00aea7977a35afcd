import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, connect, createServer as createTcpServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import type { PostRequest } from '../../../src/core/webhook/post-result.ts';
import {
  createPoster,
  MAX_ANSWER_BYTES,
  type Poster,
  type PostOptions,
} from '../../../src/core/webhook/post-webhook.ts';
import { makeCertificate } from '../../support/certificate.ts';
import { answerJson, type Handler, type Receiver, startReceiver } from './support.ts';

const TOKEN = 'fake-token-for-tests';
const SECRET = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

function poster(options: Partial<PostOptions> = {}): Poster {
  const made = createPoster({ userAgent: 'recordupload/0.0.0', ...options });
  ends.push(() => made.close());
  return made;
}

async function receiver(handler?: Handler): Promise<Receiver> {
  const made = await startReceiver(handler);
  ends.push(() => made.close());
  return made;
}

/** A listening server of any kind; returns its port. */
async function listen(server: Server): Promise<number> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const sockets = new Set<{ destroy(): void }>();
  server.on('connection', socket => sockets.add(socket));
  ends.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise(resolve => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

function requestTo(url: string, more: Partial<PostRequest> = {}): PostRequest {
  const timestampSeconds = Math.floor(Date.now() / 1000);
  return {
    url,
    token: TOKEN,
    secrets: [],
    webhookId: 'msg_1',
    body: '{"recording_id":3,"title":"Grüße"}',
    timestampSeconds,
    ...more,
  };
}

describe('one POST', () => {
  it('sends the contract’s headers and the exact bytes, and no more', async () => {
    const server = await receiver();
    const result = await poster().post(requestTo(server.url));
    expect(result).toMatchObject({ kind: 'answer', status: 201, truncated: false });
    const { method, url, headers, body } = server.received[0]!;
    expect({ method, url, body }).toEqual({
      method: 'POST',
      url: '/recordings/webhook/',
      body: '{"recording_id":3,"title":"Grüße"}',
    });
    expect(headers).toEqual({
      'content-type': 'application/json',
      'x-webhook-token': TOKEN,
      'user-agent': 'recordupload/0.0.0',
      'content-length': String(Buffer.byteLength(body)),
      host: `127.0.0.1:${server.port}`,
      connection: 'keep-alive',
    });
  });

  it('is signed with a secret, and goes without a token if there is none', async () => {
    const server = await receiver();
    await poster().post(requestTo(server.url, { token: undefined, secrets: [SECRET] }));
    const { headers, body } = server.received[0]!;
    expect(headers['x-webhook-token']).toBeUndefined();
    new Webhook(SECRET).verify(body, headers as Record<string, string>);
  });

  it('measures its phases', async () => {
    const server = await receiver();
    const { timings } = await poster().post(requestTo(server.url.replace('127.0.0.1', 'localhost')));
    expect(timings).toEqual({
      dns: expect.any(Number),
      connect: expect.any(Number),
      tls: undefined,
      firstByte: expect.any(Number),
      total: expect.any(Number),
    });
  });

  it('uses its connection again', async () => {
    let connections = 0;
    const server = createHttpServer((_, response) => answerJson(response, 200, {}));
    server.on('connection', () => connections++);
    const port = await listen(server);
    const { post } = poster();
    for (let i = 0; i < 5; i++) await post(requestTo(`http://127.0.0.1:${port}/`));
    expect(connections).toBe(1);
  });

  it.each([301, 302, 303, 307, 308])('follows no redirect (%i), and its target receives nothing', async status => {
    const target = await receiver();
    const server = await receiver((_, response) => void response.writeHead(status, { Location: target.url }).end());
    expect(await poster().post(requestTo(server.url))).toMatchObject({ kind: 'answer', status, location: target.url });
    expect(target.received).toEqual([]);
  });

  it('reads 64 KiB of an endless answer and hangs up', async () => {
    let hungUp: (() => void) | undefined;
    const closed = new Promise<void>(resolve => {
      hungUp = resolve;
    });
    const server = await receiver((_, response) => {
      const chunk = 'x'.repeat(100_000);
      const write = () => {
        while (!response.destroyed && response.write(chunk)) {}
      };
      response.on('drain', write).on('close', () => hungUp?.());
      write();
    });
    const result = await poster().post(requestTo(server.url));
    expect(result).toMatchObject({ kind: 'answer', status: 200, truncated: true, body: 'x'.repeat(MAX_ANSWER_BYTES) });
    await closed;
  });

  it('gives the whole of an answer of exactly 64 KiB', async () => {
    const server = await receiver((_, response) => void response.end('y'.repeat(MAX_ANSWER_BYTES)));
    expect(await poster().post(requestTo(server.url))).toMatchObject({
      truncated: false,
      body: 'y'.repeat(MAX_ANSWER_BYTES),
    });
  });

  it.each<[string, Handler]>([
    ['says nothing', () => {}],
    [
      'drips',
      (_, response) => {
        response.writeHead(200);
        const timer = setInterval(() => response.write(' '), 20);
        response.on('close', () => clearInterval(timer));
      },
    ],
  ])('times out in total when the server %s', async (_, handler) => {
    const server = await receiver(handler);
    const startedAt = performance.now();
    const result = await poster({ timeoutMs: 300 }).post(requestTo(server.url));
    expect(result).toMatchObject({ kind: 'timeout', timeoutMs: 300, wasSent: true });
    expect(performance.now() - startedAt).toBeLessThan(1500);
  });

  it('ends at once on an abort, also one that came before', async () => {
    const server = await receiver(() => {});
    const controller = new AbortController();
    const under = poster().post(requestTo(server.url, { signal: controller.signal }));
    setTimeout(() => controller.abort(), 50);
    expect(await under).toMatchObject({ kind: 'aborted', wasSent: true });
    expect(await poster().post(requestTo(server.url, { signal: controller.signal }))).toMatchObject({
      kind: 'aborted',
      wasSent: false,
    });
  });
});

describe('a connection that fails', () => {
  it('is told apart: DNS, refused, reset', async () => {
    const port = await listen(createTcpServer());
    for (const end of ends.splice(0)) await end();
    const resetting = await listen(createTcpServer(socket => socket.once('data', () => socket.resetAndDestroy())));
    const ending = await listen(createTcpServer(socket => socket.once('data', () => socket.end())));
    const garbage = await listen(
      createTcpServer(socket => socket.once('data', () => socket.end('SSH-2.0-OpenSSH\r\n\r\n'))),
    );
    const { post } = poster();
    const what = async (url: string) => {
      const result = await post(requestTo(url));
      return result.kind === 'network' ? result.what : result.kind;
    };
    expect(await what('http://no-such-host.invalid/')).toBe('dns');
    expect(await what(`http://127.0.0.1:${port}/`)).toBe('refused');
    expect(await what(`http://127.0.0.1:${resetting}/`)).toBe('reset');
    expect(await what(`http://127.0.0.1:${ending}/`)).toBe('reset');
    expect(await what(`http://127.0.0.1:${garbage}/`)).toBe('reset');
  });

  it('is told apart: a plain server at an https URL', async () => {
    const server = await receiver();
    const result = await poster().post(requestTo(server.url.replace('http:', 'https:')));
    expect(result).toMatchObject({ kind: 'network', what: 'tls' });
  });

  it('is told apart: the proxy is down, refuses, or hangs', async () => {
    const closed = await listen(createTcpServer());
    for (const end of ends.splice(0)) await end();
    const refusing = createHttpServer();
    refusing.on('connect', (_, socket) => socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n'));
    const refusingPort = await listen(refusing);
    const hangingPort = await listen(createTcpServer(() => {}));
    const via = async (port: number) => {
      const proxyEnv = { HTTPS_PROXY: `http://127.0.0.1:${port}` };
      const result = await poster({ proxyEnv, timeoutMs: 400 }).post(requestTo('https://ops.example.invalid/'));
      return result.kind === 'network' ? result.what : result.kind;
    };
    expect(await via(closed)).toBe('proxy');
    expect(await via(refusingPort)).toBe('proxy');
    expect(await via(hangingPort)).toBe('timeout');
  });

  it('is not the proxy’s where NO_PROXY names the server, even if the server’s name says proxy', async () => {
    const proxyEnv = { HTTP_PROXY: 'http://127.0.0.1:1', NO_PROXY: 'proxy.invalid' };
    expect(await poster({ proxyEnv }).post(requestTo('http://proxy.invalid/'))).toMatchObject({ what: 'dns' });
  });

  it('tells nothing of the request', async () => {
    const { post } = poster({ timeoutMs: 200 });
    const silent = await listen(createTcpServer(() => {}));
    for (const url of ['http://no-such-host.invalid/', `http://127.0.0.1:${silent}/`, 'http://127.0.0.1:1/']) {
      expect(inspect(await post(requestTo(url, { secrets: [SECRET] })), { depth: 9 })).not.toMatch(
        /fake-token|msg_1|whsec/,
      );
    }
  });
});

describe('TLS', () => {
  let dir = '';
  let ca = '';
  let options = { key: '', cert: '' };
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'recordupload-tls-'));
    const { cert, key } = makeCertificate(dir, 'DNS:localhost,DNS:ops.example');
    ca = readFileSync(cert, 'utf8');
    options = { key: readFileSync(key, 'utf8'), cert: ca };
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  it('trusts a private authority only when told to, and only for its host', async () => {
    const port = await listen(createHttpsServer(options, (_, response) => answerJson(response, 200, {})));
    expect(await poster().post(requestTo(`https://localhost:${port}/`))).toMatchObject({
      kind: 'network',
      what: 'tls',
    });
    const trusted = await poster({ ca }).post(requestTo(`https://localhost:${port}/`));
    expect(trusted).toMatchObject({ kind: 'answer', status: 200, timings: { tls: expect.any(Number) } });
    const otherHost = await poster({ ca }).post(requestTo(`https://127.0.0.1:${port}/`));
    expect(otherHost).toMatchObject({ kind: 'network', what: 'tls', code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  });

  it('goes through the proxy of the environment, unless NO_PROXY names the host or it is this machine', async () => {
    const port = await listen(createHttpsServer(options, (_, response) => answerJson(response, 200, {})));
    const asked: string[] = [];
    const proxy = createHttpServer();
    proxy.on('connect', (request, socket) => {
      asked.push(request.url ?? '');
      const upstream = connect(port, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
        upstream.pipe(socket).pipe(upstream);
      });
      for (const side of [socket, upstream]) side.on('error', () => {});
      socket.on('close', () => upstream.destroy());
    });
    const HTTPS_PROXY = `http://127.0.0.1:${await listen(proxy)}`;
    const url = `https://ops.example:${port}/`;
    expect(await poster({ ca, proxyEnv: { HTTPS_PROXY } }).post(requestTo(url))).toMatchObject({ status: 200 });
    expect(asked).toEqual([`ops.example:${port}`]);
    const proxyEnv = { HTTPS_PROXY, NO_PROXY: 'ops.example' };
    expect(await poster({ ca, proxyEnv }).post(requestTo(url))).toMatchObject({ what: 'dns' });
    const local = `https://localhost:${port}/`;
    expect(await poster({ ca, proxyEnv: { HTTPS_PROXY } }).post(requestTo(local))).toMatchObject({ status: 200 });
    expect(asked).toHaveLength(1);
  });
});

import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { afterAll, describe, expect, test } from '@jest/globals';
import { openDesk, openSandbox, readJson, SECRETS } from '../support/desk.ts';
import { startProxy, type TestProxy } from './proxy.ts';
import { certificate, queue } from './support.ts';

const { certFile, tls } = certificate('IP:127.0.0.1,DNS:localhost,DNS:ops.example');
const sandbox = await openSandbox({ receiver: { tls } });
const port = new URL(sandbox.receiver.url).port;
const byName = `https://localhost:${port}/recordings/webhook/`;

const ends: (() => Promise<unknown>)[] = [];
afterAll(() => Promise.all(ends.map(end => end())));

async function listen(server: Server): Promise<number> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  ends.push(() => new Promise(resolve => server.close(resolve)));
  return (server.address() as AddressInfo).port;
}
async function proxy(refusal?: number): Promise<TestProxy> {
  const made = await startProxy(refusal);
  ends.push(() => made.close());
  return made;
}

/** What one try says that goes to this URL, and what the delivery became. */
async function tryAt(url: string, env: NodeJS.ProcessEnv = {}) {
  const desk = openDesk(sandbox, { WEBHOOK_URL: url, ...env });
  await queue(desk.stateDir, ['3']);
  const { code, stdout, stderr } = await desk.run(['retry']);
  return { code, stdout, line: stderr.split('\n').find(line => line.includes('❌')) };
}

describe('a server with a certificate of a private authority', () => {
  test.each([
    ['nothing', {}, 5],
    ['caFile', { RECORDUPLOAD_CA_FILE: certFile }, 0],
    ['NODE_EXTRA_CA_CERTS', { NODE_EXTRA_CA_CERTS: certFile }, 0],
  ])('is trusted by %s as it should be', async (_, env, expected) => {
    const { code, line } = await tryAt(byName, env);
    expect(code).toBe(expected);
    if (expected !== 0) {
      expect(line).toContain('❌ Webhook connection failed: the certificate of localhost');
      expect(line).toContain('name its CA certificate in caFile or NODE_EXTRA_CA_CERTS');
    }
  });

  test('webhook test measures every phase of it', async () => {
    const desk = openDesk(sandbox, { WEBHOOK_URL: byName, RECORDUPLOAD_CA_FILE: certFile });
    const { result } = readJson<{ checks: unknown[] }>(await desk.run(['webhook', 'test', '--json']));
    const ms = expect.any(Number);
    expect(result.checks).toMatchObject([
      { kind: 'accepted', ok: true, timings: { dns: ms, connect: ms, tls: ms, firstByte: ms, total: ms } },
      { kind: 'wrong-token', ok: true, response: { status: 401 }, timings: { firstByte: ms, total: ms } },
    ]);
  });

  test('that is for another host is refused', async () => {
    const other = certificate('DNS:elsewhere.example');
    const server = createTlsServer(other.tls, (_, response) => response.end());
    const { code, line } = await tryAt(`https://127.0.0.1:${await listen(server)}/`, {
      RECORDUPLOAD_CA_FILE: other.certFile,
    });
    expect([code, line]).toEqual([5, expect.stringContaining('the certificate is not for 127.0.0.1')]);
  });
});

describe('a connection that fails is told apart, with what to do', () => {
  test.each([
    [
      'a name that does not exist',
      'https://ops.nowhere.invalid/',
      'the name ops.nowhere.invalid could not be resolved; check the host',
    ],
    [
      'a port on which nobody listens',
      'https://127.0.0.1:1/',
      'nothing listens at 127.0.0.1:1 (connection refused); check that the server is running',
    ],
  ])('%s', async (_, url, words) => {
    const { code, line, stdout } = await tryAt(url);
    expect([code, line]).toEqual([5, expect.stringContaining(`❌ Webhook connection failed: ${words}`)]);
    expect(stdout).toContain('next try');
  });

  test('a server that hangs up', async () => {
    const server = createTcpServer(socket => {
      socket.on('error', () => {});
      socket.once('data', () => socket.resetAndDestroy());
    });
    const { line } = await tryAt(`http://127.0.0.1:${await listen(server)}/`);
    expect(line).toMatch(/closed the connection before it answered \(ECONNRESET\); check the server/);
  });

  test('a plain server behind an https URL', async () => {
    const plain = await openSandbox();
    const { line } = await tryAt(plain.receiver.url.replace('http:', 'https:'));
    expect(line).toMatch(/no secure connection to 127\.0\.0\.1:\d+: .*check the scheme and the port of webhook\.url/);
  });
});

describe('a proxy', () => {
  const trusting = { RECORDUPLOAD_CA_FILE: certFile };
  // Only the proxy knows this name.
  const elsewhere = `https://ops.example:${port}/recordings/webhook/`;

  test('of HTTPS_PROXY is used, and sees neither token nor payload', async () => {
    const { url, asked } = await proxy();
    expect((await tryAt(elsewhere, { ...trusting, HTTPS_PROXY: url })).code).toBe(0);
    expect(asked).toEqual([`ops.example:${port}`]);
  });

  test.each(['ops.example', '.example', `ops.example:${port}`])('is passed by where NO_PROXY is %s', async NO_PROXY => {
    const { url, asked } = await proxy();
    const { line } = await tryAt(elsewhere, { ...trusting, HTTPS_PROXY: url, NO_PROXY });
    expect(line).toContain('the name ops.example could not be resolved');
    expect(asked).toEqual([]);
  });

  test('never leads to this machine itself', async () => {
    const { url, asked } = await proxy();
    for (const host of ['localhost', '127.0.0.1']) {
      const { code } = await tryAt(byName.replace('localhost', host), { ...trusting, HTTPS_PROXY: url });
      expect(code).toBe(0);
    }
    expect(asked).toEqual([]);
  });

  test('that refuses, or is down, is named as what is broken', async () => {
    const { url } = await proxy(407);
    const refused = await tryAt(elsewhere, { ...trusting, HTTPS_PROXY: url });
    expect([refused.code, refused.line]).toEqual([5, expect.stringContaining('the proxy could not be used: ')]);
  });

  test.each([
    [elsewhere, 'HTTPS_PROXY'],
    [elsewhere, 'https_proxy'],
    [elsewhere, 'ALL_PROXY'],
    ['http://ops.example/', 'HTTP_PROXY'],
    ['http://ops.example/', 'http_proxy'],
  ])('for %s that is down is named by its variable, %s', async (url, variable) => {
    const env = { ...trusting, RECORDUPLOAD_ALLOW_INSECURE: 'true', [variable]: 'http://127.0.0.1:1' };
    expect((await tryAt(url, env)).line).toContain(`check ${variable}, or name the server in NO_PROXY`);
  });

  test('keeps its password to itself', async () => {
    const { url } = await proxy(407);
    const secret = SECRETS.secretAccessKey;
    const { line, stdout } = await tryAt(elsewhere, {
      ...trusting,
      HTTPS_PROXY: url.replace('//', `//user:${secret}@`),
    });
    expect(`${line}${stdout}`).not.toContain(secret);
  });
});

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { startProxy, type TestProxy } from '../delivery/proxy.ts';
import { certificate } from '../delivery/support.ts';
import { openDesk, openSandbox } from '../support/desk.ts';
import { makeRecording } from '../support/make-recording.ts';

/* A store of one's own: a certificate of a private authority, and a name that only the proxy knows. */

const NAME = 'minio.example';
const { certFile, tls } = certificate(`DNS:${NAME}`);
/** A certificate for the name, until yesterday. */
function expired() {
  const made = certificate(`DNS:${NAME}`);
  const [key, out] = ['key.pem', 'expired.pem'].map(name => join(dirname(made.certFile), name)) as [string, string];
  const args = ['x509', '-in', made.certFile, '-signkey', key, '-days', '-1', '-out', out];
  execFileSync('openssl', args, { stdio: 'ignore' });
  return { certFile: out, tls: { ...made.tls, cert: readFileSync(out) } };
}

const sandbox = await openSandbox({ s3: { tls, bucket: 'weekly.meetings' } });
const { port } = new URL(sandbox.s3.url);
const proxies: TestProxy[] = [];
afterAll(() => Promise.all(proxies.map(proxy => proxy.close())));

async function deskBehindProxy(env: NodeJS.ProcessEnv = {}) {
  const proxy = await startProxy();
  proxies.push(proxy);
  const endpoint = { RECORDUPLOAD_ENDPOINT: `https://${NAME}:${port}`, RECORDUPLOAD_BUCKET: 'weekly.meetings' };
  return { proxy, desk: openDesk(sandbox, { ...endpoint, HTTPS_PROXY: proxy.url, ...env }) };
}

test('A store behind a proxy is asked by its own name: the bucket stays in the path', async () => {
  const { proxy, desk } = await deskBehindProxy({ RECORDUPLOAD_CA_FILE: certFile });
  const { code, stdout } = await desk.run(['upload', makeRecording({ videoBytes: 9_000_000 })]);
  expect({ code, stdout }).toMatchObject({ code: 0 });
  expect(new Set(proxy.asked)).toEqual(new Set([`${NAME}:${port}`]));
});

describe('The certificate of a store', () => {
  test.each([
    ['that has expired', () => expired(), "have the store's certificate renewed, unless this machine's clock"],
    [
      'of another host',
      () => certificate('DNS:other.example'),
      'check the host in endpoint: the certificate is for another',
    ],
  ])('%s: the advice is not to trust another authority', async (_, make, hint) => {
    const { certFile: ca, tls: own } = make();
    const store = await openSandbox({ s3: { tls: own } });
    const proxy = await startProxy();
    proxies.push(proxy);
    const endpoint = `https://${NAME}:${new URL(store.s3.url).port}`;
    const desk = openDesk(store, { RECORDUPLOAD_ENDPOINT: endpoint, RECORDUPLOAD_CA_FILE: ca, HTTPS_PROXY: proxy.url });
    const { code, stdout } = await desk.run(['upload', makeRecording()]);
    expect(code).toBe(4);
    expect(stdout).toContain(hint);
    expect(stdout).not.toContain('caFile');
    expect(store.s3.requests()).toEqual([]);
  });

  test.each([
    ['of a private authority', {}],
    ['of another authority than caFile has', { RECORDUPLOAD_CA_FILE: certificate().certFile }],
  ])('%s is not accepted: nothing is sent, and the error says what helps', async (_, env) => {
    const { desk } = await deskBehindProxy(env);
    sandbox.s3.resetRequests();
    const { code, stdout } = await desk.run(['upload', makeRecording()]);
    expect(code).toBe(4);
    expect(stdout).toContain(`the TLS certificate of https://${NAME}:${port} is not accepted (`);
    expect(stdout).toContain('name your own certificate authority with caFile or NODE_EXTRA_CA_CERTS');
    expect(sandbox.s3.requests()).toEqual([]);
  });
});

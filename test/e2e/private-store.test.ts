import { afterAll, describe, expect, test } from '@jest/globals';
import { startProxy, type TestProxy } from '../delivery/proxy.ts';
import { certificate } from '../delivery/support.ts';
import { openDesk, openSandbox } from '../support/desk.ts';
import { makeRecording } from '../support/make-recording.ts';

/* A store of one's own: a certificate of a private authority, and a name that only the proxy knows. */

const NAME = 'minio.example';
const { certFile, tls } = certificate(`DNS:${NAME}`);
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

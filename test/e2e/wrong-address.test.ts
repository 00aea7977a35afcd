import { createServer, type RequestListener, request } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, connect, createServer as createPort } from 'node:net';
import { afterAll, describe, expect, test } from '@jest/globals';
import { certificate } from '../delivery/support.ts';
import { openDesk, openSandbox, SECRETS } from '../support/desk.ts';
import { makeRecording } from '../support/make-recording.ts';

/* The address of the store leads to another port, or to a proxy that lets nothing through: what is said helps. */

const sandbox = await openSandbox();
const { certFile, tls } = certificate();
const servers: { close(): unknown }[] = [];
afterAll(() => {
  for (const server of servers) server.close();
});

interface Listener {
  listen(port: number, host: string, done: () => void): unknown;
  address(): AddressInfo | string | null;
  close(): unknown;
}
async function listen(server: Listener): Promise<number> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', () => resolve()));
  servers.push(server);
  return (server.address() as AddressInfo).port;
}

/** Passes a request on to the sandbox's store, with other headers if asked to. */
const passOn =
  (change: (headers: string[]) => string[] = headers => headers): RequestListener =>
  (incoming, response) => {
    const { hostname, port } = new URL(sandbox.s3.url);
    const { method, url: path, rawHeaders } = incoming;
    const outgoing = request({ hostname, port, method, path, headers: change(rawHeaders), setHost: false }, answer => {
      response.writeHead(answer.statusCode ?? 0, answer.rawHeaders);
      answer.pipe(response);
    });
    incoming.pipe(outgoing);
  };

/** A port that speaks TLS, and answers requests without TLS as `plain` says. */
async function securePort(plain: (request: string) => string): Promise<string> {
  const secure = await listen(createSecureServer(tls, passOn()));
  const port = await listen(
    createPort(socket => {
      socket.on('error', () => {});
      socket.once('data', first => {
        if (first[0] !== 0x16) return void socket.end(plain(first.toString('latin1')));
        const inner = connect(secure, '127.0.0.1', () => inner.write(first));
        inner.on('error', () => {});
        socket.pipe(inner).pipe(socket);
      });
    }),
  );
  return `http://127.0.0.1:${port}`;
}

const page = (status: string, title: string, headers = '') =>
  `HTTP/1.1 ${status}\r\nServer: nginx/1.24.0\r\nContent-Type: text/html\r\n${headers}Connection: close\r\n\r\n` +
  `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n</body>\r\n</html>\r\n`;
const withoutBody = (request: string, answer: string) =>
  request.startsWith('HEAD') ? answer.slice(0, answer.indexOf('\r\n\r\n') + 4) : answer;

describe('http:// before a port that speaks HTTPS', () => {
  test.each<[string, (request: string) => string]>([
    // To a HEAD as well, byte for byte.
    ['Go (MinIO)', () => 'HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n'],
    [
      'nginx',
      asked => withoutBody(asked, page('400 Bad Request', '400 The plain HTTP request was sent to HTTPS port')),
    ],
    [
      'a proxy that redirects',
      asked => {
        const [, path = '', host = ''] = /^\S+ (\S+)[\s\S]*?\r\nhost: (\S+)/i.exec(asked) ?? [];
        const location = `Location: https://${host}${path}\r\n`;
        return withoutBody(asked, page('301 Moved Permanently', '301 Moved Permanently', location));
      },
    ],
  ])('%s: the endpoint that the hint names works', async (_server, plain) => {
    const endpoint = await securePort(plain);
    const desk = openDesk(sandbox, { RECORDUPLOAD_ENDPOINT: endpoint, RECORDUPLOAD_CA_FILE: certFile });
    const dir = makeRecording();
    const { code, stdout } = await desk.run(['upload', dir]);
    expect(code).toBe(4);
    const [, instead] = /set endpoint to (\S+) \(RECORDUPLOAD_ENDPOINT\)/.exec(stdout) ?? [];
    expect({ stdout, instead }).toMatchObject({ instead: endpoint.replace('http', 'https') });
    expect((await desk.run(['upload', dir], { env: { RECORDUPLOAD_ENDPOINT: instead } })).code).toBe(0);
  });

  test('in webhook.url: the advice is to begin it with https://, and no token is blamed', async () => {
    const url = await securePort(
      () => 'HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n',
    );
    const desk = openDesk(sandbox, { WEBHOOK_URL: `${url}/recordings/webhook/` });
    const { stdout } = await desk.run(['upload', makeRecording()]);
    expect(stdout).toContain('webhook.url begins with http://, but');
    expect(stdout).not.toContain('webhook.token');
  });
});

test('https:// before a port that speaks HTTP is said at once, in words', async () => {
  const desk = openDesk(sandbox, { RECORDUPLOAD_ENDPOINT: sandbox.s3.url.replace('http', 'https') });
  const { code, stdout, stderr } = await desk.run(['upload', makeRecording()]);
  expect(code).toBe(4);
  expect(stdout).toMatch(/no secure connection to https:\/\/\S+ \(wrong version number\) \(check the scheme/);
  expect(stdout + stderr).not.toMatch(/SSL routines|trying again/);
});

test('a store that has only an IPv6 address is signed for by it', async () => {
  const server = createServer(passOn());
  await new Promise<void>(resolve => server.listen(0, '::1', resolve));
  servers.push(server);
  const endpoint = `http://[::1]:${(server.address() as AddressInfo).port}`;
  const dir = makeRecording({ videoBytes: 9_000_000 });
  const { code, stdout } = await openDesk(sandbox, { RECORDUPLOAD_ENDPOINT: endpoint }).run(['upload', dir]);
  expect({ code, stdout }).toMatchObject({ code: 0 });
});

describe("MinIO's console", () => {
  const says =
    '<?xml version="1.0" encoding="UTF-8"?><Error><Code>InvalidArgument</Code>' +
    '<Message>S3 API Requests must be made to API port.</Message><RequestId>0</RequestId></Error>';
  const console = (location: string | undefined) =>
    createServer((incoming, response) => {
      incoming.resume();
      const headers = { 'content-type': 'text/xml', ...(location && { location }) };
      response.writeHead(400, headers).end(incoming.method === 'HEAD' ? undefined : says);
    });

  test('names the API: the endpoint that the hint has from it works', async () => {
    const port = await listen(console(sandbox.s3.url));
    const desk = openDesk(sandbox, { RECORDUPLOAD_ENDPOINT: `http://127.0.0.1:${port}` });
    const dir = makeRecording();
    const { stdout } = await desk.run(['upload', dir]);
    const [, instead] = /API port\S* \(set endpoint to (\S+) \(RECORDUPLOAD_ENDPOINT\)/.exec(stdout) ?? [];
    expect({ stdout, instead }).toMatchObject({ instead: sandbox.s3.url });
    expect((await desk.run(['upload', dir], { env: { RECORDUPLOAD_ENDPOINT: instead } })).code).toBe(0);
  });

  test('of an older version does not, and is still recognised', async () => {
    const port = await listen(console(undefined));
    const desk = openDesk(sandbox, { RECORDUPLOAD_ENDPOINT: `http://127.0.0.1:${port}` });
    const { stdout } = await desk.run(['upload', makeRecording()]);
    expect(stdout).toMatch(/check endpoint: .*not of a web console; MinIO's API has port 9000/);
  });
});

describe('A proxy before the store', () => {
  test.each([
    ['nginx', { 'content-type': 'text/html', server: 'nginx/1.24.0' }, '<title>413 Request Entity Too Large</title>'],
    ['a gateway', { 'content-type': 'application/json' }, '{"message":"Request size limit exceeded"}'],
    ['one without a word', {}, ''],
  ])('%s that refuses large requests is blamed for that, not the endpoint', async (_name, headers, body) => {
    const pass = passOn();
    const port = await listen(
      createServer((incoming, response) => {
        if (incoming.method !== 'PUT' || Number(incoming.headers['content-length']) <= 1024 ** 2) {
          return pass(incoming, response);
        }
        incoming.resume().once('end', () => response.writeHead(413, headers).end(body));
      }),
    );
    const desk = openDesk(sandbox, { RECORDUPLOAD_ENDPOINT: `http://127.0.0.1:${port}` });
    const { code, stdout } = await desk.run(['upload', makeRecording({ videoBytes: 9_000_000 })]);
    expect(code).toBe(4);
    expect(stdout).toMatch(/video\.mkv, part \d.* 413.*\(have the limit on the size of requests raised to 64 MB/);
    expect(stdout).not.toContain('web console');
  });

  test('that refuses large requests is found by doctor, which leaves nothing behind', async () => {
    const pass = passOn();
    const port = await listen(
      createServer((incoming, response) => {
        if (Number(incoming.headers['content-length'] ?? 0) <= 1024 ** 2) return pass(incoming, response);
        incoming.resume().once('end', () => response.writeHead(413).end());
      }),
    );
    const desk = openDesk(sandbox, { RECORDUPLOAD_ENDPOINT: `http://127.0.0.1:${port}` });
    const { code, stdout } = await desk.run(['doctor']);
    expect(code).toBe(4);
    expect(stdout).toMatch(/✘ multipart: .* 413\n +→ have the limit on the size of requests raised to 64 MB/);
    expect(sandbox.s3.objects().filter(({ key }) => key.startsWith('.recordupload-doctor/'))).toEqual([]);
    expect(sandbox.s3.uploads().filter(({ key }) => key.startsWith('.recordupload-doctor/'))).toEqual([]);
  });

  test('that changes the host is named beside the secret key as the cause of a wrong signature', async () => {
    const port = await listen(
      createServer(
        passOn(headers => headers.map((text, at) => (headers[at - 1]?.toLowerCase() === 'host' ? 'minio:9000' : text))),
      ),
    );
    const desk = openDesk(sandbox, { RECORDUPLOAD_ENDPOINT: `http://127.0.0.1:${port}` });
    const { code, stdout } = await desk.run(['upload', makeRecording()]);
    expect(code).toBe(4);
    expect(stdout).toMatch(
      /SignatureDoesNotMatch .*check secretAccessKey .*; if it is right, a proxy before the store/,
    );
  });

  test('that blocks with a page is named by its title; secrets in it are not shown', async () => {
    const title = `Attention Required! | ${SECRETS.accessKeyId}`;
    const port = await listen(
      createServer((incoming, response) => {
        incoming.resume();
        response.writeHead(403, { 'content-type': 'text/html', server: 'cloudflare' });
        response.end(incoming.method === 'HEAD' ? undefined : `<html><title>${title}</title></html>`);
      }),
    );
    const desk = openDesk(sandbox, { RECORDUPLOAD_ENDPOINT: `http://127.0.0.1:${port}` });
    const { stdout } = await desk.run(['upload', makeRecording()]);
    expect(stdout).toMatch(/HTTP 403 with a web page from cloudflare: "Attention Required! \| \*{3}"\)/);
    expect(stdout).toContain('(a firewall, a gateway or a login page before the store blocks the request');
  });
});

import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { type Connections, openConnections } from '../../../src/core/http/connections.ts';

const ends: (() => unknown)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** A proxy that answers CONNECT as it is told. `ended` resolves once it has lost its client; `asked`, once it has one. */
async function proxy(answer: string | undefined) {
  const asked = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const sockets: Socket[] = [];
  const server = createServer(socket => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.on('close', () => ended.resolve());
    socket.once('data', () => {
      if (answer !== undefined) socket.write(answer);
      asked.resolve();
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  const connections = openConnections({ proxyEnv: { HTTPS_PROXY: url, HTTP_PROXY: url } });
  ends.push(() => {
    connections.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { connections, asked: asked.promise, ended: ended.promise, sawClient: () => sockets.length > 0 };
}

const ask = (connections: Connections) =>
  new Promise<Error>(resolve => {
    connections.to(new URL('https://store.example/'))({ method: 'GET' }).on('error', resolve).end();
  });

describe('A connection to a proxy', () => {
  test('that refuses and would keep it open is ended, so that the process can end', async () => {
    const { connections, ended } = await proxy(
      'HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n',
    );
    expect(await ask(connections)).toMatchObject({ code: 'ERR_PROXY_TUNNEL' });
    await ended;
  });

  test('that does not answer ends with the others', async () => {
    const { connections, asked, ended } = await proxy(undefined);
    void ask(connections);
    await asked;
    connections.close();
    await ended;
  });

  test('whose tunnel leads nowhere ends with the others', async () => {
    const { connections, asked, ended } = await proxy('HTTP/1.1 200 OK\r\n\r\n');
    void ask(connections);
    await asked;
    connections.close();
    await ended;
  });
});

describe('A server on this machine', () => {
  test('is asked directly, and the proxy sees nothing of it', async () => {
    const { connections, sawClient } = await proxy('HTTP/1.1 502 Bad Gateway\r\n\r\n');
    const server = createServer(socket => socket.end('HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n'));
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    ends.push(() => server.close());
    const { port } = server.address() as AddressInfo;
    for (const host of ['127.0.0.1', 'localhost']) {
      const status = await new Promise<number | undefined>((resolve, reject) => {
        const request = connections.to(new URL(`http://${host}:${port}/`))({ method: 'GET' });
        request.on('error', reject).on('response', response => resolve(response.statusCode));
        request.end();
      });
      expect(status).toBe(204);
    }
    expect(sawClient()).toBe(false);
  });
});

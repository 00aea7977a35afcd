import { createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { type Connections, openConnections } from '../../../src/core/http/connections.ts';
import { proxyVariables } from '../../../src/core/http/proxy-variables.ts';

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
  const connections = openConnections({ proxyEnv: { HTTPS_PROXY: url } });
  ends.push(() => {
    connections.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { connections, asked: asked.promise, ended: ended.promise };
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

describe('Proxies in the environment', () => {
  test('are addresses with or without a scheme', () => {
    expect(proxyVariables({ HTTPS_PROXY: ' proxy:3128 ', http_proxy: 'https://proxy', NO_PROXY: 'a' })).toMatchObject({
      HTTPS_PROXY: 'http://proxy:3128',
      http_proxy: 'https://proxy',
      NO_PROXY: 'a',
    });
  });

  test('are none where nothing is named', () => {
    expect(proxyVariables({ HTTPS_PROXY: '', NO_PROXY: 'a' })).toBeUndefined();
    expect(proxyVariables(undefined)).toBeUndefined();
  });

  test.each(['http://ada:fake-password@proxy:99999', 'http://ada:fake-password%@proxy', 'http://fake-password@'])(
    'that are no addresses are told without their password: %s',
    value => {
      expect(() => proxyVariables({ HTTP_PROXY: value })).toThrow(/^HTTP_PROXY: ((?!fake-password).)*$/);
    },
  );
});

import { createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { createPoster, type Poster } from '../../../src/core/webhook/post-webhook.ts';
import { confirmation } from './support.ts';

const ends: (() => unknown)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** Posts once to a server that answers as it is told: to which request of which connection. */
async function postTo(answers: (socket: Socket, at: { request: number; connection: number }) => void) {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer(socket => {
    const connection = ++connections;
    let request = 0;
    sockets.add(socket.on('error', () => {}));
    socket.on('data', bytes => {
      // The body is the end of a request; it is small enough to come with the head or by itself.
      if (bytes.toString().endsWith('}')) answers(socket, { request: ++request, connection });
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/`;
  const poster: Poster = createPoster({ userAgent: 'recordupload/0.0.0' });
  ends.push(() => {
    poster.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const request = { url, secrets: [], webhookId: 'msg_1', body: '{"recording_id":3}', timestampSeconds: 1 };
  return { post: () => poster.post(request), connections: () => connections };
}

const BODY = JSON.stringify(confirmation(3));
const ACCEPTED = `HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`;

describe('A connection out of the ordinary', () => {
  test('that the server closes while it is idle is replaced, and the webhook goes out on a new one', async () => {
    const { post, connections } = await postTo((socket, { request }) =>
      request === 1 ? socket.write(ACCEPTED) : socket.resetAndDestroy(),
    );
    expect(await post()).toMatchObject({ kind: 'answer', status: 201 });
    expect(await post()).toMatchObject({ kind: 'answer', status: 201, body: BODY });
    expect(connections()).toBe(2);
  });

  test('that the server closes while it is idle is replaced, however many there are', async () => {
    const { post, connections } = await postTo((socket, { request }) => {
      if (request === 1) socket.write(ACCEPTED);
      else socket.resetAndDestroy();
    });
    await Promise.all([post(), post(), post()]);
    expect(await post()).toMatchObject({ kind: 'answer', status: 201, body: BODY });
    expect(connections()).toBe(4);
  });

  test('that is new and closed at once is a failure, and not tried again here', async () => {
    const { post, connections } = await postTo(socket => socket.resetAndDestroy());
    expect(await post()).toMatchObject({ kind: 'network', what: 'reset' });
    expect(connections()).toBe(1);
  });

  test('that the server wants for another protocol (101) is a failure, and not waited for', async () => {
    const { post } = await postTo(socket =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n'),
    );
    expect(await post()).toMatchObject({ kind: 'network', what: 'reset' });
  });

  test.each([
    ['its length', `HTTP/1.1 201 Created\r\nContent-Length: ${BODY.length + 1}\r\n\r\n${BODY}`],
    [
      'its chunks',
      `HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n${BODY.length.toString(16)}\r\n${BODY}\r\n`,
    ],
  ])('that ends before the answer is whole, by %s, is a failure', async (_, start) => {
    const { post, connections } = await postTo(socket => socket.end(start));
    expect(await post()).toMatchObject({ kind: 'network', what: 'reset' });
    expect(connections()).toBe(1);
  });

  test('that the server ends on purpose after an answer without a length has brought that answer', async () => {
    const { post } = await postTo(socket => socket.end(`HTTP/1.1 201 Created\r\n\r\n${BODY}`));
    expect(await post()).toMatchObject({ kind: 'answer', status: 201, body: BODY });
  });

  test('that is reused and breaks in the middle of an answer is a failure, and not tried again here', async () => {
    const { post, connections } = await postTo((socket, { request }) => {
      if (request === 1) socket.write(ACCEPTED);
      else socket.write(ACCEPTED.slice(0, -1), () => socket.resetAndDestroy());
    });
    await post();
    expect(await post()).toMatchObject({ kind: 'network', what: 'reset' });
    expect(connections()).toBe(1);
  });

  test('that breaks after a whole answer has brought that answer', async () => {
    const { post } = await postTo(socket => socket.write(`${ACCEPTED}and more`));
    expect(await post()).toMatchObject({ kind: 'answer', status: 201, body: BODY });
  });
});

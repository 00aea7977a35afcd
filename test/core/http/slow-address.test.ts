import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type Agent, request } from 'node:http';
import type { LookupFunction } from 'node:net';
import { expect, test } from '@jest/globals';
import { openConnections } from '../../../src/core/http/connections.ts';

/**
 * Listens on 127.0.0.2 with a full queue for 600 ms, so that the system drops the first SYN and accepts the second one,
 * which comes after a second: a line with a long round trip, or one that loses a packet.
 */
const SLOW_SERVER = `
import socket, time
listener = socket.socket()
listener.bind(('127.0.0.2', 0))
listener.listen(0)
queued = [socket.socket() for _ in range(3)]
for one in queued:
    one.setblocking(False)
    one.connect_ex(listener.getsockname())
time.sleep(0.2)
print(listener.getsockname()[1], flush=True)
time.sleep(0.6)
while True:
    connection, peer = listener.accept()
    if connection.getpeername() in [one.getsockname() for one in queued]:
        continue
    connection.recv(4096)
    connection.sendall(b'HTTP/1.1 204 No Content\\r\\n\\r\\n')
    connection.close()
`;

test('An address that answers after a second is not given up for one that does not work', async () => {
  const server = spawn('python3', ['-c', SLOW_SERVER], { stdio: ['ignore', 'pipe', 'inherit'] });
  const connections = openConnections({});
  try {
    const [said] = (await once(server.stdout, 'data')) as [Buffer];
    const url = new URL(`http://store.example:${Number(said)}/`);
    const lookup = ((_host, _options, done) =>
      done(null, [
        { address: '127.0.0.2', family: 4 },
        // Nobody listens there, as if the machine had no route to it.
        { address: '127.0.0.3', family: 4 },
      ])) as LookupFunction;
    const { http } = connections.agentFor(url) as { http: Agent };
    const asked = request(url, { agent: http, lookup }).end();
    const [answer] = (await once(asked, 'response')) as [{ statusCode: number }];
    expect(answer.statusCode).toBe(204);
  } finally {
    connections.close();
    server.kill();
  }
});

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { Transform } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

/** A line between a machine and a server: so slow, so far, and cut when it is wanted. */
export interface Line {
  url: string;
  /** Breaks all connections; new ones are closed at once, until `mend`. */
  cut(): void;
  mend(): void;
  close(): Promise<void>;
}

/**
 * @param port the server's, on loopback
 * @param options.bytesPerSecond what all connections together may send to the server
 * @param options.delayMs how long each piece takes to it
 */
export async function openLine(
  port: number,
  { bytesPerSecond, delayMs }: { bytesPerSecond: number; delayMs: number },
): Promise<Line> {
  const sockets = new Set<Socket>();
  let isCut = false;
  /** When the line is free again, on the monotonic clock. */
  let freeAt = 0;
  const slow = () =>
    new Transform({
      async transform(chunk: Buffer, _, done) {
        const now = performance.now();
        freeAt = Math.max(now, freeAt) + (chunk.length / bytesPerSecond) * 1000;
        await sleep(freeAt - now + delayMs);
        done(null, chunk);
      },
    });
  const server = createServer(client => {
    if (isCut) {
      client.destroy();
      return;
    }
    const upstream = connect(port, '127.0.0.1');
    const both = [client, upstream];
    for (const socket of both) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        for (const other of both) other.destroy();
      });
    }
    client.pipe(slow()).pipe(upstream);
    upstream.pipe(client);
  });
  const destroyAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut() {
      isCut = true;
      destroyAll();
    },
    mend() {
      isCut = false;
    },
    async close() {
      server.close();
      destroyAll();
      await once(server, 'close');
    },
  };
}

import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** A TCP proxy before a server of the tests that stops passing anything on, and lets everybody wait. */
export interface SilentProxy {
  readonly port: number;
  /**
   * From now on nothing arrives any more, on either side, and no connection ends.
   * @param options.toNew false: connections that are opened from now on work, as behind a firewall that lost its table
   */
  fallSilent(options?: { toNew: boolean }): void;
  /** The same, once the program has sent `word`: the server gets that, and nobody gets its answer. */
  fallSilentAt(word: string, options?: { toNew: boolean }): Promise<void>;
  /** Resolves once the program sends `word`. */
  sends(word: string): Promise<void>;
  /** New connections work again; old ones are cut. */
  mend(): void;
  close(): Promise<void>;
}

/** @param target the server's port on this machine */
export async function startSilentProxy(target: number): Promise<SilentProxy> {
  const sockets = new Set<Socket>();
  let isSilent = false;
  const traps = new Map<string, () => void>();
  const keep = (socket: Socket, end: () => void) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => {
      sockets.delete(socket);
      end();
    });
  };
  const server = createServer(client => {
    if (isSilent) {
      keep(client, () => {});
      return void client.resume();
    }
    const upstream = connect(target, '127.0.0.1');
    keep(client, () => upstream.destroy());
    keep(upstream, () => client.destroy());
    client.on('data', data => {
      upstream.write(data);
      for (const [word, spring] of traps) {
        if (!data.includes(word)) continue;
        traps.delete(word);
        spring();
      }
    });
    upstream.on('data', data => client.write(data));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const fallSilent: SilentProxy['fallSilent'] = ({ toNew } = { toNew: true }) => {
    isSilent = toNew;
    for (const socket of sockets) socket.removeAllListeners('data').pause();
  };
  const sends = (word: string) =>
    new Promise<void>(resolve => {
      traps.set(word, resolve);
    });
  return {
    port: (server.address() as { port: number }).port,
    fallSilent,
    fallSilentAt: (word, options) =>
      new Promise(resolve => {
        // At once: the answer is not to come through.
        traps.set(word, () => resolve(fallSilent(options)));
      }),
    sends,
    mend() {
      isSilent = false;
      for (const socket of sockets) socket.destroy();
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** A TCP proxy before a server of the tests, whose connections break at the worst moment. */
export interface LossyProxy {
  readonly port: number;
  /**
   * The connection over which `word` is sent next breaks: before the server gets it, or once its answer is on its way back.
   * @param forEver nobody gets a new connection then
   */
  breakAt(word: string, moment: 'before' | 'after', options?: { forEver: boolean }): void;
  /** From now on nothing arrives any more, on either side, and nobody is told: a cable was cut. */
  cutCable(): void;
  close(): Promise<void>;
}

/** @param target the server's port on this machine */
export async function startLossyProxy(target: number): Promise<LossyProxy> {
  let planned: { word: string; moment: 'before' | 'after' } | undefined;
  let isLast = false;
  let isOver = false;
  const sockets = new Set<Socket>();
  const server = createServer(client => {
    if (isOver) return client.destroy();
    const upstream = connect(target, '127.0.0.1');
    let isBreaking = false;
    const end = () => {
      if (isBreaking && isLast) isOver = true;
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', end);
      socket.on('close', () => {
        sockets.delete(socket);
        end();
      });
    }
    client.on('data', data => {
      if (planned && data.includes(planned.word)) {
        isBreaking = true;
        const { moment } = planned;
        planned = undefined;
        if (moment === 'before') return end();
      }
      upstream.write(data);
    });
    upstream.on('data', data => {
      if (isBreaking) end();
      else client.write(data);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as { port: number }).port,
    breakAt(word, moment, { forEver } = { forEver: false }) {
      planned = { word, moment };
      isLast = forEver;
    },
    cutCable() {
      for (const socket of sockets) socket.pause();
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

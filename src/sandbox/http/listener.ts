import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, isIPv6, type Server, type Socket } from 'node:net';
import { hasErrorCode } from '../../core/errors.ts';
import { Exchange } from './exchange.ts';

/** A certificate and its key, PEM. */
export interface TlsFiles {
  cert: string | Buffer;
  key: string | Buffer;
}

export interface ListenOptions {
  host: string;
  /** A port that must be had; 0 for any. */
  port: number;
  /** Tried first where `port` is 0: the one of the last run. */
  preferredPort?: number | undefined;
  tls?: TlsFiles | undefined;
}

/** A server that listens. */
export interface Listener {
  port: number;
  /** `http://127.0.0.1:1234`, without a slash at the end. */
  url: string;
  /** Stops listening and cuts every connection, the hanging ones too. */
  close(): Promise<void>;
}

/** Idle connections stay open for longer than clients keep them: no race between a reuse and our closing. */
const KEEP_ALIVE_MS = 65_000;
const HIGH_WATER_MARK_BYTES = 1024 * 1024;

/** Starts a plain or TLS HTTP server and hands each request to `handle`, which must not reject. */
export async function listen(handle: (exchange: Exchange) => Promise<void>, options: ListenOptions): Promise<Listener> {
  const connections = new WeakMap<Socket, number>();
  let lastConnection = 0;
  const running = new Set<Promise<void>>();
  const connectionId = (socket: Socket) => {
    const id = connections.get(socket) ?? ++lastConnection;
    connections.set(socket, id);
    return id;
  };
  const onRequest =
    (expectsContinue: boolean): RequestListener =>
    (req, res) => {
      // Without these a connection reset by the client would be an unhandled 'error' event.
      req.on('error', () => {});
      res.on('error', () => {});
      const work = handle(new Exchange(req, res, connectionId(req.socket), expectsContinue)).finally(() => {
        running.delete(work);
      });
      running.add(work);
    };

  const settings = { keepAliveTimeout: KEEP_ALIVE_MS, highWaterMark: HIGH_WATER_MARK_BYTES, requestTimeout: 0 };
  const server = options.tls ? createTlsServer({ ...settings, ...options.tls }) : createServer(settings);
  server.on('request', onRequest(false));
  server.on('checkContinue', onRequest(true));

  await bind(server, options);
  const { port } = server.address() as AddressInfo;
  const authority = isIPv6(options.host) ? `[${options.host}]` : options.host;
  return {
    port,
    url: `${options.tls ? 'https' : 'http'}://${authority}:${port}`,
    async close() {
      const closed = new Promise<void>((resolve, reject) => {
        server.close(error => (error ? reject(error) : resolve()));
      });
      server.closeAllConnections();
      await closed;
      // What was under way has lost its client and ends; then nothing writes to the data folder any more.
      await Promise.all(running);
    },
  };
}

async function bind(server: Server, { host, port, preferredPort }: ListenOptions): Promise<void> {
  if (port === 0 && preferredPort) {
    try {
      return await bindTo(server, host, preferredPort);
    } catch (error) {
      if (!hasErrorCode(error, 'EADDRINUSE', 'EACCES')) throw error;
    }
  }
  await bindTo(server, host, port);
}

function bindTo(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Exchange } from './exchange.ts';

/** A body that is made while it is sent. */
export interface Stream {
  sizeBytes: number;
  chunks: AsyncIterable<Buffer>;
}

/** What a server decided to answer. */
export interface Reply {
  status: number;
  headers?: Record<string, string | number> | undefined;
  body?: string | Buffer | Stream | undefined;
}

/** Ways of spoiling an answer while it is sent. */
export interface Spoiling {
  /** One byte of the body every so many milliseconds. */
  dripMs?: number | undefined;
  /** So many bytes of the body, then the connection is cut. */
  truncateTo?: number | undefined;
}

/** A reply with a JSON body. */
export function json(status: number, value: unknown, headers: Record<string, string> = {}): Reply {
  return { status, headers: { 'Content-Type': 'application/json', ...headers }, body: JSON.stringify(value) };
}

/**
 * Sends the reply, with the server's own idea of the time in `Date`. Resolves when it is handed to the network, or the
 * client has gone.
 */
export async function send(
  exchange: Exchange,
  reply: Reply,
  options: { nowMs: number; closing: AbortSignal; spoiling?: Spoiling },
): Promise<void> {
  const { req, res } = exchange;
  if (res.destroyed || res.headersSent) return;
  const { body } = reply;
  const { dripMs, truncateTo } = options.spoiling ?? {};

  res.sendDate = false;
  res.statusCode = reply.status;
  res.setHeader('Date', new Date(options.nowMs).toUTCString());
  for (const [name, value] of Object.entries(reply.headers ?? {})) res.setHeader(name, value);
  // The body that was never asked for may come or not: the connection cannot be used again.
  if (exchange.awaitsContinue) res.setHeader('Connection', 'close');
  if (body !== undefined) res.setHeader('Content-Length', sizeOf(body));
  else if (!res.hasHeader('Content-Length') && reply.status !== 204 && reply.status !== 304) {
    res.setHeader('Content-Length', 0);
  }
  const hasNoBody = req.method === 'HEAD' || body === undefined;
  try {
    if (hasNoBody) res.end();
    else if (dripMs !== undefined) await drip(exchange, await collect(body), dripMs, options.closing);
    else if (truncateTo !== undefined) await truncate(exchange, (await collect(body)).subarray(0, truncateTo));
    else if (isStream(body)) await pipeline(Readable.from(body.chunks, { objectMode: false }), res);
    else res.end(body);
  } catch {
    // The client went away, or the stored bytes could not be read: a cut connection says that in either case.
    exchange.drop();
  }
}

async function drip(exchange: Exchange, bytes: Buffer, everyMs: number, signal: AbortSignal): Promise<void> {
  exchange.res.flushHeaders();
  for (let at = 0; at < bytes.length && !exchange.res.destroyed; at++) {
    exchange.res.write(bytes.subarray(at, at + 1));
    await sleep(everyMs, undefined, { signal });
  }
  exchange.res.end();
}

async function truncate(exchange: Exchange, bytes: Buffer): Promise<void> {
  exchange.res.flushHeaders();
  await new Promise<void>(resolve => exchange.res.write(bytes, () => resolve()));
  exchange.req.socket.end();
}

function isStream(body: string | Buffer | Stream): body is Stream {
  return typeof body === 'object' && 'chunks' in body;
}

function sizeOf(body: string | Buffer | Stream): number {
  return isStream(body) ? body.sizeBytes : Buffer.byteLength(body);
}

async function collect(body: string | Buffer | Stream): Promise<Buffer> {
  if (!isStream(body)) return Buffer.from(body);
  const chunks: Buffer[] = [];
  for await (const chunk of body.chunks) chunks.push(chunk);
  return Buffer.concat(chunks);
}

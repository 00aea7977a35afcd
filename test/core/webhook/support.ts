import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../../src/core/clock.ts';
import type { Enqueued } from '../../../src/core/delivery/outbox.ts';
import { contentHash } from '../../../src/core/payload/payload.ts';
import type { Endpoint } from '../../../src/core/webhook/endpoint.ts';
import { type Database, openDatabase } from '../../../src/state/sqlite/database.ts';
import { stateOver } from '../../../src/state/sqlite/sqlite-state.ts';
import type { State } from '../../../src/state/state.ts';

/** One request as a receiver saw it. */
export interface Received {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  body: string;
}

export interface Receiver {
  url: string;
  port: number;
  received: Received[];
  close(): Promise<void>;
}

export type Handler = (request: Received, response: ServerResponse) => void | Promise<void>;

/** A server on loopback that notes every request, then does as the handler says. */
export async function startReceiver(handler: Handler = accept): Promise<Receiver> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', chunk => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const noted = { method, url, headers, body: Buffer.concat(chunks).toString() };
      received.push(noted);
      void handler(noted, response);
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/recordings/webhook/`,
    port,
    received,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The contract's acceptance of whatever id came. */
export function accept(request: Received, response: ServerResponse): void {
  const { recording_id } = JSON.parse(request.body);
  answerJson(response, 201, confirmation(recording_id));
}

export function confirmation(recordingId: unknown): Record<string, unknown> {
  return {
    status: 'success',
    message: 'Recording created successfully',
    recording_id: recordingId,
    pk: 1,
    action: 'created',
  };
}

export function answerJson(response: ServerResponse, status: number, body: unknown, headers = {}): void {
  response.writeHead(status, { 'Content-Type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

export function endpointAt(url: string, more: Partial<Endpoint> = {}): Endpoint {
  return { name: 'default', url, token: 'fake-token-for-tests', secrets: [], enabled: true, ...more };
}

export interface TestState extends State {
  dir: string;
  database: Database;
  remove(): Promise<void>;
}

/** A state in a temporary folder of its own. */
export async function openTestState(dir = mkdtempSync(join(tmpdir(), 'recordupload-outbox-'))): Promise<TestState> {
  const database = await openDatabase(dir);
  return {
    ...stateOver(database, { pid: process.pid, stateDir: dir }),
    dir,
    database,
    async remove() {
      await database.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

export interface VirtualClock extends Clock {
  advance(ms: number): void;
  set(ms: number): void;
}

/** A clock that stands until it is turned; sleeping turns it. */
export function virtualClock(start = Date.UTC(2026, 0, 1)): VirtualClock {
  let wall = start;
  let mono = 0;
  const advance = (ms: number) => {
    wall += ms;
    mono += ms;
  };
  return {
    now: () => wall,
    monotonic: () => mono,
    async sleep(ms) {
      advance(ms);
    },
    advance,
    set(ms) {
      wall = ms;
    },
  };
}

/** Numbers in [0, 1) that are the same in every run (mulberry32). */
export function seededRandom(seed = 1): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A small payload of the contract's shape. */
export function payloadOf(recordingId: number | string, title = 'Weekly'): string {
  return JSON.stringify({
    recording_id: recordingId,
    title,
    user_info: { username: 'ada', email: 'ada@example.org' },
    upload_timestamp: '2026-01-01T00:00:00.000000',
  });
}

/** Queues a recording's payload for some endpoints. */
export function enqueue(
  { outbox }: Pick<State, 'outbox'>,
  recordingId: number | string,
  options: { title?: string; endpoints?: string[]; now?: number } = {},
): Promise<Enqueued[]> {
  const payload = payloadOf(recordingId, options.title);
  return outbox.enqueue({
    recordingId: String(recordingId),
    endpoints: options.endpoints ?? ['default'],
    payload,
    contentHash: contentHash(JSON.parse(payload)),
    now: options.now ?? Date.UTC(2026, 0, 1),
  });
}

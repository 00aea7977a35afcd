import { join } from 'node:path';
import type { Faults } from '../faults/faults.ts';
import { type Listener, type ListenOptions, listen, type TlsFiles } from '../http/listener.ts';
import { folderRecords, noRecords } from '../records.ts';
import { type AuthFailure, Gate } from './gate.ts';
import type { RateLimit } from './rate-limit.ts';
import { Recordings, type StoredRecording } from './recordings.ts';
import { type ReceiverRequest, receiverHandler } from './server.ts';
import type { SignatureRules } from './signature.ts';

export interface ReceiverOptions {
  /** 0 (default): the last run's port where it is free, else any. */
  port?: number;
  /** The right `X-Webhook-Token`. */
  token?: string;
  /** E-mail addresses that have a user, exactly as written; `any`: every address has one. */
  users?: string[] | 'any';
  /** Demands Standard Webhooks signatures. */
  signature?: SignatureRules;
  /** Addresses and CIDR ranges that may send webhooks; all unless given. */
  allowIps?: string[];
  /** For each address; none unless given. */
  rateLimit?: RateLimit;
  /** Behind a proxy: takes the client's address from the last entry of `X-Forwarded-For`. */
  trustForwardedFor?: boolean;
  tls?: TlsFiles;
}

/** The recordings server, from the inside. */
export interface ReceiverSandbox {
  /** The webhook's URL. */
  url: string;
  /** `http://127.0.0.1:<port>` */
  baseUrl: string;
  port: number;
  token: string;
  /** Every recording, in the order of its first webhook. */
  recordings(): StoredRecording[];
  recording(id: number | string): StoredRecording | undefined;
  /** What came marked `"test": true`; kept apart. */
  testRecordings(): StoredRecording[];
  /** Every request so far, oldest first. */
  requests(): ReceiverRequest[];
  resetRequests(): void;
  authFailures(): AuthFailure[];
}

export interface ReceiverContext extends Omit<ListenOptions, 'port'> {
  dataDir?: string | undefined;
  faults: Faults;
  now: () => number;
  closing: AbortSignal;
}

const DEFAULT_USERS = ['souvik@fyelabs.com', 'operator@example.com', 'recorder@example.com', 'user@example.com'];

/** Starts the recordings server with what its folder remembers. */
export async function startReceiver(
  options: ReceiverOptions,
  context: ReceiverContext,
): Promise<{ receiver: ReceiverSandbox; listener: Listener }> {
  const { dataDir, now } = context;
  const { token = 'sandbox-webhook-token', users = DEFAULT_USERS, signature, allowIps, rateLimit } = options;
  const records = dataDir ? folderRecords(join(dataDir, 'receiver')) : noRecords;
  const recordings = new Recordings(records, 'recordings');
  const tests = new Recordings(records, 'tests');
  await recordings.load();
  await tests.load();

  const gate = new Gate({ token, signature, allowIps, rateLimit, now });
  const { handle, log } = receiverHandler({
    recordings,
    tests,
    hasUser: users === 'any' ? () => true : email => users.includes(email),
    gate,
    trustForwardedFor: options.trustForwardedFor ?? false,
    ...context,
  });
  const listener = await listen(handle, { ...context, port: options.port ?? 0, tls: options.tls });
  const receiver: ReceiverSandbox = {
    url: `${listener.url}/recordings/webhook/`,
    baseUrl: listener.url,
    port: listener.port,
    token,
    recordings: () => recordings.list(),
    recording: id => recordings.get(id),
    testRecordings: () => tests.list(),
    requests: () => log.list(),
    resetRequests: () => log.reset(),
    authFailures: () => [...gate.failures],
  };
  return { receiver, listener };
}

import type { Client, PoolClient } from 'pg';
import { type DatabaseHost, type DatabaseUrl, hostText } from '../../core/database-url.ts';
import { AppError } from '../../core/errors.ts';
import { Standby } from './failure.ts';
import { refuseOldPrimary, type Timelines } from './timelines.ts';

/** What is known of a server once a connection to it is open. */
export interface ServerFacts {
  host: DatabaseHost;
  /** `150018`: 15.18. */
  versionNumber: number;
  isEncrypted: boolean;
  /** A pooler gives each transaction another server process: no session, no lock of one, no prepared statements. */
  isPooled: boolean;
  /** The number of the server's process; a pooler's changes with each transaction. */
  backend: number;
}

/** How long the server works at one statement. */
const STATEMENT_TIMEOUT_MS = 30_000;
/** A process that was stopped in the middle of a transaction keeps its locks no longer. */
const IDLE_IN_TRANSACTION_MS = 30_000;

/**
 * Settings of each session. The server notices within half a minute that this machine is gone: its locks are free then.
 * The path has no schema that others may create something in.
 */
export const SESSION_SETTINGS: readonly string[] = [
  'search_path = recordupload, pg_catalog, pg_temp',
  `statement_timeout = ${STATEMENT_TIMEOUT_MS}`,
  // Whoever has the database may have shorter ones in mind for people: each statement ends by the line above.
  'lock_timeout = 0',
  // Compiling a statement takes longer than any of ours runs.
  'jit = off',
  `idle_in_transaction_session_timeout = ${IDLE_IN_TRANSACTION_MS}`,
];
/** A session is its process's sign of life: one that idles must not end. PostgreSQL 13 has no such end. */
const NO_IDLE_END = { since: 140_000, setting: 'idle_session_timeout = 0' } as const;
const KEEPALIVE_SETTINGS: readonly string[] = [
  'tcp_keepalives_idle = 10',
  'tcp_keepalives_interval = 5',
  'tcp_keepalives_count = 3',
  'tcp_user_timeout = 25000',
];

/** Looks at a server that was just connected to, and makes its settings, where the connection has a session. */
export async function lookAt(
  client: Client | PoolClient,
  host: DatabaseHost,
  { isEncrypted, url, timelines }: { isEncrypted: boolean; url: DatabaseUrl; timelines: Timelines },
): Promise<ServerFacts> {
  const { mustWrite, connectTimeoutMs, hosts } = url;
  const ask = (text: string) => client.query({ text, query_timeout: connectTimeoutMs } as { text: string });
  const { rows } = await ask(
    `SELECT pg_backend_pid() AS backend, pg_is_in_recovery() AS standby, current_setting('server_encoding') AS encoding,
       current_setting('transaction_read_only') AS read_only, current_setting('server_version_num')::int AS version`,
  );
  const [{ backend, standby, encoding, read_only: readOnly, version }] = rows;
  if (mustWrite && (standby || readOnly === 'on'))
    throw new Standby(hostText(host), { why: standby ? 'standby' : 'read-only' });
  // Where there is one host, somebody has said that it is the right one.
  if (hosts.length > 1 && !standby) await refuseOldPrimary(host, ask, timelines);
  if (encoding !== 'UTF8') throw wrongEncoding(encoding);
  // A pooler makes up the number of the process that it gives its clients.
  const isPooled = (client as unknown as { processID: number | null }).processID !== backend;
  const settings = [
    ...SESSION_SETTINGS,
    ...KEEPALIVE_SETTINGS,
    ...(version >= NO_IDLE_END.since ? [NO_IDLE_END.setting] : []),
  ];
  if (!isPooled) await ask(settings.map(one => `SET ${one}`).join('; '));
  return { host, versionNumber: version, isEncrypted, isPooled, backend };
}

/** The error for a database that cannot keep every character of a name or a title. */
export function wrongEncoding(encoding: string): AppError {
  return new AppError('STATE', `the database's encoding is ${encoding}, and the state needs UTF8`, {
    hint: "create a database with ENCODING 'UTF8', and name it in stateUrl",
  });
}

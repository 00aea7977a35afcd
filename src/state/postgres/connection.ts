import { userInfo } from 'node:os';
import type { ConnectionOptions } from 'node:tls';
import type { PoolClient, PoolConfig } from 'pg';
import { type DatabaseHost, type DatabaseUrl, hostsText, hostText } from '../../core/database-url.ts';
import { AppError } from '../../core/errors.ts';
import { createRedactor } from '../../core/redact.ts';
import { isConnectionLost, isReadOnly, NoTls, notConnected, Standby, withoutSecrets } from './failure.ts';
import { Client, Pool } from './pg.ts';
import { waysTo } from './tls.ts';

/** What is known of a server once a connection to it is open. */
export interface ServerFacts {
  host: DatabaseHost;
  /** `150018`: 15.18. */
  versionNumber: number;
  isEncrypted: boolean;
  /** A pooler gives each transaction another server process: no session, no lock of one, no prepared statements. */
  isPooled: boolean;
}

/** Connections to the database. They are opened when they are first needed. */
export interface Connections {
  /** Host, port and database, for messages. */
  readonly where: string;
  /** Runs `work` with a connection that nobody else uses meanwhile. */
  use<T>(work: (client: PoolClient, server: ServerFacts) => Promise<T>): Promise<T>;
  /** A connection of its own, for a session; the caller ends it. */
  session(): Promise<{ client: Client; server: ServerFacts }>;
  close(): Promise<void>;
}

export interface ConnectionSettings {
  url: DatabaseUrl;
  /** What the server shows of this process. */
  applicationName: string;
  /** Certificates that are trusted, in PEM; Node's unless given. */
  ca?: string | undefined;
}

/** Writes of one process wait for each other at the disk of the server, so that more connections are no faster. */
const POOL_SIZE = 4;
/** Longer than an idle worker pauses (changes.ts): a new connection costs more than what it asks. */
const IDLE_MS = 600_000;
/** How long the server works at one statement, and how long this process waits for its answer: a cut cable sends none. */
const STATEMENT_TIMEOUT_MS = 30_000;
const ANSWER_TIMEOUT_MS = 35_000;
/** A process that was stopped in the middle of a transaction keeps its locks no longer. */
const IDLE_IN_TRANSACTION_MS = 30_000;
const KEEPALIVE_MS = 10_000;

/**
 * Settings of each session. The server notices within half a minute that this machine is gone: its locks are free then.
 * The path has no schema that others may create something in.
 */
export const SESSION_SETTINGS: readonly string[] = [
  'search_path = recordupload, pg_catalog, pg_temp',
  `statement_timeout = ${STATEMENT_TIMEOUT_MS}`,
  // Compiling a statement takes longer than any of ours runs.
  'jit = off',
  `idle_in_transaction_session_timeout = ${IDLE_IN_TRANSACTION_MS}`,
];
const KEEPALIVE_SETTINGS: readonly string[] = [
  'tcp_keepalives_idle = 10',
  'tcp_keepalives_interval = 5',
  'tcp_keepalives_count = 3',
  'tcp_user_timeout = 25000',
];

/**
 * Opens nothing yet.
 * @throws AppError `CONFIG` if the URL names a file that cannot be used, or nobody
 */
export function openConnections({ url, applicationName, ca }: ConnectionSettings): Connections {
  const user = url.user ?? ownName();
  // Without one, pg would look for it by rules of its own.
  const password = url.password ?? process.env.PGPASSWORD ?? '';
  const redact = createRedactor([password]);
  const where = `${hostsText(url)}/${url.database ?? user}`;
  const facts = new WeakMap<object, ServerFacts>();
  /** The host that answered last is asked first. */
  let current = 0;

  const configOf = (host: DatabaseHost, ssl: ConnectionOptions | false): PoolConfig => ({
    ...host,
    user,
    // Where a server asks for one and there is none, pg would leave the connection open: a wrong one the server refuses.
    password: () => password || 'none',
    database: url.database ?? user,
    ssl,
    application_name: url.applicationName ?? applicationName,
    connectionTimeoutMillis: url.connectTimeoutMs,
    query_timeout: ANSWER_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEPALIVE_MS,
    enableChannelBinding: true,
    types: { getTypeParser: parserOf as never },
  });
  const welcome = async (client: Client | PoolClient, host: DatabaseHost, isEncrypted: boolean) => {
    const server = await lookAt(client, host, isEncrypted, url.mustWrite);
    facts.set(client, server);
    return server;
  };

  const pools = url.hosts.map(host => {
    const made = waysTo(host, url, ca).map(ssl => {
      let pool: Pool | undefined;
      return {
        connect: () => {
          pool ??= new Pool({
            ...configOf(host, ssl),
            max: POOL_SIZE,
            idleTimeoutMillis: IDLE_MS,
            onConnect: (client => welcome(client as PoolClient, host, ssl !== false)) as PoolConfig['onConnect'],
          });
          // An idle connection that the server has closed is out of the pool already.
          if (pool.listenerCount('error') === 0) pool.on('error', () => {});
          return pool.connect();
        },
        session: async () => {
          const client = new Client(configOf(host, ssl));
          // What befalls it befalls its statements, or ends it.
          client.on('error', () => {});
          try {
            await client.connect();
            return { client, server: await welcome(client, host, ssl !== false) };
          } catch (error) {
            await endSession(client);
            throw error;
          }
        },
        end: () => pool?.end(),
      };
    });
    return made;
  });

  /** Tries each host in each way that its `sslmode` allows. */
  const anyHost = async <T>(open: (way: (typeof pools)[number][number]) => Promise<T>): Promise<T> => {
    let failure: unknown;
    for (let turn = 0; turn < pools.length; turn++) {
      const index = (current + turn) % pools.length;
      for (const way of pools[index] ?? []) {
        try {
          const opened = await open(way);
          current = index;
          return opened;
        } catch (error) {
          // A standby says more than a server that does not answer.
          if (!(failure instanceof Standby)) failure = notConnected(withoutSecrets(error, redact));
          if (!isAboutTls(error)) break;
        }
      }
    }
    throw failure;
  };

  return {
    where,
    async use(work) {
      const client = await anyHost(way => way.connect());
      const onError = () => {};
      client.on('error', onError);
      let isSpoilt = false;
      try {
        return await work(client, facts.get(client) as ServerFacts);
      } catch (error) {
        // A server that has become a standby stays one: the next host is tried.
        isSpoilt = isConnectionLost(error) || isReadOnly(error);
        throw withoutSecrets(error, redact);
      } finally {
        client.off('error', onError);
        client.release(isSpoilt);
      }
    },
    session: () => anyHost(way => way.session()),
    async close() {
      await within(FAREWELL_MS, Promise.all(pools.flat().map(way => way.end())));
    },
  };
}

/** The name of the user who runs the program; in a container there may be none. @throws AppError `CONFIG` */
function ownName(): string {
  try {
    return userInfo().username;
  } catch (error) {
    throw nameless(error);
  }
}

/** The error of a URL without a user, where there is no other name. */
export function nameless(cause: unknown): AppError {
  return new AppError('CONFIG', 'stateUrl names no user, and the user of this process has no name', {
    hint: 'name one: postgres://user@host/database',
    cause,
  });
}

/** How long a server that may be gone is waited for at the end. */
export const FAREWELL_MS = 2_000;

/** Ends a connection. Never throws, nor waits for a server that does not answer any more: a cut cable ends nothing. */
export async function endSession(client: Client): Promise<void> {
  await within(FAREWELL_MS, client.end());
}

/** Waits for something, but not for long; what it fails with does not matter. */
export async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>(resolve => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work.catch(() => {}), late]);
  clearTimeout(timer);
}

/** Looks at a server that was just connected to, and makes its settings, where the connection has a session. */
async function lookAt(
  client: Client | PoolClient,
  host: DatabaseHost,
  isEncrypted: boolean,
  mustWrite: boolean,
): Promise<ServerFacts> {
  const { rows } = await client.query(
    `SELECT pg_backend_pid() AS backend, pg_is_in_recovery() AS standby, current_setting('server_encoding') AS encoding,
       current_setting('transaction_read_only') AS read_only, current_setting('server_version_num')::int AS version`,
  );
  const [{ backend, standby, encoding, read_only: readOnly, version }] = rows;
  if (mustWrite && (standby || readOnly === 'on')) throw new Standby(hostText(host));
  if (encoding !== 'UTF8') throw wrongEncoding(encoding);
  // A pooler makes up the number of the process that it gives its clients.
  const isPooled = (client as unknown as { processID: number | null }).processID !== backend;
  if (!isPooled) await client.query([...SESSION_SETTINGS, ...KEEPALIVE_SETTINGS].map(one => `SET ${one}`).join('; '));
  return { host, versionNumber: version, isEncrypted, isPooled };
}

/** The error for a database that cannot keep every character of a name or a title. */
export function wrongEncoding(encoding: string): AppError {
  return new AppError('STATE', `the database's encoding is ${encoding}, and the state needs UTF8`, {
    hint: "create a database with ENCODING 'UTF8', and name it in stateUrl",
  });
}

/** True where the other way of `prefer` or `allow` may do. */
function isAboutTls(error: unknown): boolean {
  return NoTls.is(error) || (error as { code?: unknown }).code === '28000';
}

const [BOOL, INT8, INT2, INT4, FLOAT4, FLOAT8, NUMERIC] = [16, 20, 21, 23, 700, 701, 1700];

/** Numbers are numbers, truth values 1 and 0, and all else is text, as with SQLite. */
function parserOf(type: number): (text: string) => string | number {
  switch (type) {
    case BOOL:
      return text => Number(text === 't');
    case INT2:
    case INT4:
    case INT8:
    case FLOAT4:
    case FLOAT8:
    case NUMERIC:
      return Number;
    default:
      return text => text;
  }
}

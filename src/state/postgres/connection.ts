import { userInfo } from 'node:os';
import type { ConnectionOptions } from 'node:tls';
import type { ClientConfig, PoolClient, PoolConfig } from 'pg';
import { systemClock } from '../../core/clock.ts';
import { type DatabaseHost, type DatabaseUrl, hostsText, hostText } from '../../core/database-url.ts';
import { AppError } from '../../core/errors.ts';
import { createRedactor } from '../../core/redact.ts';
import {
  isConnectionLost,
  isReadOnly,
  isTimeout,
  NoAnswer,
  NoTls,
  notConnected,
  Standby,
  withoutSecrets,
} from './failure.ts';
import { endSession, FAREWELL_MS, within } from './farewell.ts';
import { lookAt, type ServerFacts } from './look-at-server.ts';
import { Client, Pool } from './pg.ts';
import { type Link, lookForAnswer, watched } from './silence.ts';
import { rememberTimelines, type Timelines } from './timelines.ts';
import { waysTo } from './tls.ts';
import { parserOf } from './value-types.ts';

/** Connections to the database. They are opened when they are first needed. */
export interface Connections {
  /** Host, port and database, for messages. */
  readonly where: string;
  /**
   * Runs `work` with a connection that nobody else uses meanwhile.
   * @throws NoAnswer if the server says nothing any more; then all of this fails at once for a while
   */
  use<T>(work: (link: Link, server: ServerFacts) => Promise<T>): Promise<T>;
  /** A connection of its own, for a session; the caller ends the client, and asks over the link. */
  session(): Promise<{ client: Client; link: Link; server: ServerFacts }>;
  close(): Promise<void>;
}

export interface ConnectionSettings {
  url: DatabaseUrl;
  /** What the server shows of this process. */
  applicationName: string;
  /** Certificates that are trusted, in PEM; Node's unless given. */
  ca?: string | undefined;
  /** What earlier processes of this machine have seen of failovers. */
  timelines?: Timelines | undefined;
}

/** Writes of one process wait for each other at the disk of the server, so that more connections are no faster. */
const POOL_SIZE = 4;
/** Longer than an idle worker pauses (changes.ts): a new connection costs more than what it asks. */
const IDLE_MS = 600_000;
/**
 * How long this process waits for an answer if the server says that it works at it, which it does for 30 s
 * (look-at-server.ts); else silence.ts ends the wait.
 */
const ANSWER_TIMEOUT_MS = 35_000;
/** How long nobody asks a host again that did not answer: each try of it takes seconds. */
const SILENT_FOR_MS = 10_000;
const KEEPALIVE_MS = 10_000;

/**
 * Opens nothing yet.
 * @throws AppError `CONFIG` if the URL names a file that cannot be used, or nobody
 */
export function openConnections({
  url,
  applicationName,
  ca,
  timelines = rememberTimelines(),
}: ConnectionSettings): Connections {
  const user = url.user ?? ownName();
  // Without one, pg would look for it by rules of its own.
  const password = url.password ?? process.env.PGPASSWORD ?? '';
  const redact = createRedactor([password]);
  const where = `${hostsText(url)}/${url.database ?? user}`;
  const facts = new WeakMap<object, ServerFacts>();
  const links = new WeakMap<object, Link>();
  /** Hosts that did not answer, and when that was found. */
  const silent = new Map<string, number>();
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
  /** @param giveUp called when a connection is found to be dead, and those beside it with it */
  const welcome = async (
    client: Client | PoolClient,
    host: DatabaseHost,
    ssl: ConnectionOptions | false,
    giveUp: () => void,
  ) => {
    const server = await lookAt(client, host, { isEncrypted: ssl !== false, url, timelines });
    const look = async () => {
      const found = await lookForAnswer(new Client(configOf(host, ssl) as ClientConfig), server, url.connectTimeoutMs);
      if (found === 'silent') silent.set(hostText(host), systemClock.monotonic());
      if (found !== 'works') giveUp();
      return found;
    };
    facts.set(client, server);
    links.set(client, watched(client, look));
    return server;
  };
  /** @throws NoAnswer in place of what pg calls it */
  const connected = <T>(connecting: Promise<T>, host: DatabaseHost): Promise<T> =>
    connecting.catch(error => {
      if (!isTimeout(error)) throw error;
      silent.set(hostText(host), systemClock.monotonic());
      throw new NoAnswer(url.connectTimeoutMs);
    });
  const silentForMs = (host: DatabaseHost) =>
    systemClock.monotonic() - (silent.get(hostText(host)) ?? Number.NEGATIVE_INFINITY);

  const pools = url.hosts.map(host => {
    const made = waysTo(host, url, ca).map(ssl => {
      let pool: Pool | undefined;
      const giveUp = () => {
        pool?.end().catch(() => {});
        pool = undefined;
      };
      const onConnect = (client: unknown) => welcome(client as PoolClient, host, ssl, giveUp);
      return {
        connect: () => {
          pool ??= new Pool({
            ...configOf(host, ssl),
            max: POOL_SIZE,
            idleTimeoutMillis: IDLE_MS,
            onConnect: onConnect as PoolConfig['onConnect'],
          });
          // An idle connection that the server has closed is out of the pool already.
          if (pool.listenerCount('error') === 0) pool.on('error', () => {});
          return connected(pool.connect(), host);
        },
        session: async () => {
          const client = new Client(configOf(host, ssl));
          // What befalls it befalls its statements, or ends it.
          client.on('error', () => {});
          try {
            await connected(client.connect(), host);
            const server = await connected(welcome(client, host, ssl, giveUp), host);
            return { client, link: links.get(client) as Link, server };
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

  /** Tries each host in each way that its `sslmode` allows; one that was silent a moment ago is none. */
  const anyHost = async <T>(open: (way: (typeof pools)[number][number]) => Promise<T>): Promise<T> => {
    let failure: unknown;
    for (let turn = 0; turn < pools.length; turn++) {
      const index = (current + turn) % pools.length;
      const host = url.hosts[index] as DatabaseHost;
      if (silentForMs(host) < SILENT_FOR_MS) {
        failure ??= new NoAnswer(url.connectTimeoutMs + silentForMs(host));
        continue;
      }
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
      const server = facts.get(client) as ServerFacts;
      const onError = () => {};
      client.on('error', onError);
      let isSpoilt = false;
      try {
        return await work(links.get(client) as Link, server);
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

/** True where the other way of `prefer` or `allow` may do. */
function isAboutTls(error: unknown): boolean {
  return NoTls.is(error) || (error as { code?: unknown }).code === '28000';
}

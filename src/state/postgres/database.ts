import { isNativeError } from 'node:util/types';
import { AppError } from '../../core/errors.ts';
import { type ConnectionSettings, type Connections, openConnections } from './connection.ts';
import { databaseError, isConflict, isConnectionLost, NoAnswer } from './failure.ts';
import { type Liveness, NoOwner, openLiveness, type Self } from './liveness.ts';
import { SESSION_SETTINGS, type ServerFacts } from './look-at-server.ts';
import { migrate, readVersion } from './migrations.ts';
import type { Link } from './silence.ts';
import { type Row, type Sql, sqlOver } from './sql.ts';

/** The open database: one schema on a PostgreSQL server, shared by every process of every machine of the fleet. */
export interface Database {
  readonly liveness: Liveness;
  readonly self: Self;
  /** A machine may go on with what a dead one has left of the same folder. */
  readonly sharedFolders: boolean;
  /** Host, port and database, for messages. */
  readonly where: string;
  readonly connections: Connections;
  /**
   * Reads in one transaction: what `work` sees is of one moment. `work` may run more than once.
   * @throws AppError `STATE` (as the writes do) if the database fails
   */
  read<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
  /**
   * Runs one statement, with no transaction around it. One that changes something may run twice.
   * @throws AppError `STATE`
   */
  single<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
  /**
   * Runs `work` in a write transaction; resolves once that is durable. `work` may run more than once: it must not change
   * anything but the database. Other transactions run at the same time (READ COMMITTED): what depends on a row that is
   * read has to lock it.
   */
  write<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
  /**
   * A write that claims something: `owner` is this process's id among the owners of claims, and it is alive as others
   * see it while the transaction runs. Where its session was cut off, it has got a new one before.
   */
  writeAsOwner<T>(work: (sql: Sql, owner: string) => Promise<T>): Promise<T>;
  /** Closes it once all work has ended; again is harmless. */
  close(): Promise<void>;
}

export interface DatabaseOptions extends ConnectionSettings {
  self: Self;
  sharedFolders: boolean;
  /** Gets a line where another machine had this one's name before. */
  warn?: ((message: string) => void) | undefined;
}

const TRIES = 6;
const LONGEST_PAUSE_MS = 400;
/** How often to look whether a COMMIT without an answer was one. */
const LOOKS = 10;

const READ = 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY';
// The number of the transaction says later what came of a COMMIT whose answer is lost.
const WRITE = 'BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE';
const NUMBER = 'SELECT pg_current_xact_id()::text AS xid';
const LOCAL_SETTINGS = SESSION_SETTINGS.map(one => `SET LOCAL ${one}`);

/**
 * Opens the database; makes or upgrades its schema if needed.
 * @throws AppError `STATE` if it cannot be used
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const connections = openConnections(options);
  const database = databaseOver(connections, options);
  try {
    await connections.use(client => migrate(client, connections.where));
    return database;
  } catch (error) {
    await database.close();
    throw databaseError(error, connections.where);
  }
}

/**
 * Opens the database for looking at alone: creates and upgrades nothing.
 * @returns undefined if there is no state in it yet
 * @throws AppError `STATE` if it cannot be read
 */
export async function openDatabaseToRead(options: DatabaseOptions): Promise<Database | undefined> {
  const connections = openConnections(options);
  const database = databaseOver(connections, options);
  try {
    const version = await connections.use(client => readVersion(client, connections.where));
    if (version > 0) return database;
    await database.close();
    return undefined;
  } catch (error) {
    await database.close();
    throw databaseError(error, connections.where);
  }
}

function databaseOver(connections: Connections, { self, sharedFolders, warn }: DatabaseOptions): Database {
  const { where } = connections;
  const underWay = new Set<Promise<unknown>>();
  const liveness = openLiveness(connections, self, warn);
  let closing: Promise<void> | undefined;

  /** Work that `close` waits for; its failures are in the user's words. */
  const counted = async <T>(work: Promise<T>): Promise<T> => {
    underWay.add(work);
    try {
      return await work;
    } catch (error) {
      throw isSyntaxError(error) ? senseless(where, error) : databaseError(error, where);
    } finally {
      underWay.delete(work);
    }
  };
  const write = <T>(work: (sql: Sql) => Promise<T>) => retried(() => writeOnce(connections, work));

  return {
    liveness,
    self,
    sharedFolders,
    where,
    connections,
    read: work => counted(retried(() => connections.use((client, server) => readOnce(client, server, work)))),
    single: work => counted(retried(() => connections.use((client, server) => singleOnce(client, server, work)))),
    write: work => counted(write(work)),
    writeAsOwner: work =>
      counted(
        retried(async () => {
          const owner = await liveness.owner();
          return await writeOnce(connections, async sql => {
            await liveness.assertAlive(sql, owner);
            return await work(sql, owner);
          });
        }),
      ),
    close() {
      closing ??= Promise.allSettled([...underWay])
        .then(() => liveness.close())
        .then(() => connections.close());
      return closing;
    },
  };
}

/**
 * Tries again what lost against another transaction, and what a broken connection or session ended before anything was
 * stored: the database may have been restarted, or have moved to another host.
 */
async function retried<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      const isWorthwhile = isConflict(error) || error instanceof NoOwner || (tries === 1 && isConnectionLost(error));
      if (!isWorthwhile || tries >= TRIES || error instanceof CommitUnknown) throw unwrapped(error);
      await new Promise(resolve => setTimeout(resolve, Math.random() * Math.min(LONGEST_PAUSE_MS, 10 * 4 ** tries)));
    }
  }
}

/** The answer to a COMMIT was lost, and nobody could be asked what came of it. */
class CommitUnknown extends Error {}

const unwrapped = (error: unknown) => (error instanceof CommitUnknown ? error.cause : error);

const begin = ({ isPooled }: ServerFacts, ...statements: string[]) =>
  [statements[0], ...(isPooled ? LOCAL_SETTINGS : []), ...statements.slice(1)].join('; ');

function sqlOf(client: Link, { isPooled }: ServerFacts): Sql {
  return sqlOver(statement => client.query<Row>(statement), { isPrepared: !isPooled });
}

async function readOnce<T>(client: Link, server: ServerFacts, work: (sql: Sql) => Promise<T>): Promise<T> {
  await client.query(begin(server, READ));
  try {
    const seen = await work(sqlOf(client, server));
    await client.query('COMMIT');
    return seen;
  } catch (error) {
    await rollBack(client, error);
    throw error;
  }
}

async function singleOnce<T>(client: Link, server: ServerFacts, work: (sql: Sql) => Promise<T>): Promise<T> {
  // Behind a pooler the settings, the schema's name among them, last as long as a transaction.
  if (server.isPooled) await client.query(begin(server, WRITE));
  try {
    const result = await work(sqlOf(client, server));
    if (server.isPooled) await client.query('COMMIT');
    return result;
  } catch (error) {
    if (server.isPooled) await rollBack(client, error);
    throw error;
  }
}

async function writeOnce<T>(connections: Connections, work: (sql: Sql) => Promise<T>): Promise<T> {
  let pending: { xid: string; host: string; result: T } | undefined;
  try {
    return await connections.use(async (client, server) => {
      const answers = (await client.query(begin(server, WRITE, NUMBER))) as unknown as { rows: { xid: string }[] }[];
      const xid = answers.at(-1)?.rows[0]?.xid ?? '';
      try {
        const result = await work(sqlOf(client, server));
        pending = { xid, host: addressOf(server), result };
        const { command } = await client.query('COMMIT');
        // A transaction in which a statement failed is rolled back by its COMMIT, without an error.
        if (command !== 'COMMIT') throw new Error(`the transaction ended with ${command}`);
        return result;
      } catch (error) {
        if (!isConnectionLost(error)) pending = undefined;
        await rollBack(client, error);
        throw error;
      }
    });
  } catch (error) {
    if (!pending) throw error;
    const { xid, host, result } = pending;
    if (await wasCommitted(connections, xid, host, error)) return result;
    throw error;
  }
}

const addressOf = ({ host }: ServerFacts) => `${host.host}:${host.port}`;

/**
 * What came of a transaction whose COMMIT has no answer: the server keeps that for long.
 * @throws CommitUnknown where that server does not answer, or another one does, which may have other numbers
 */
async function wasCommitted(connections: Connections, xid: string, host: string, cause: unknown): Promise<boolean> {
  for (let looks = 0; looks < LOOKS; looks++) {
    try {
      const status = await connections.use(async (client, server) => {
        if (addressOf(server) !== host) throw cause;
        return (await client.query('SELECT pg_xact_status($1::text::xid8) AS status', [xid])).rows[0]?.status;
      });
      if (status === 'committed') return true;
      if (status === 'aborted') return false;
    } catch (error) {
      if (error instanceof NoAnswer) break;
    }
    await new Promise(resolve => setTimeout(resolve, LONGEST_PAUSE_MS));
  }
  throw new CommitUnknown('the answer to a COMMIT was lost', { cause });
}

/** Never throws: the caller reports what made it necessary, and a transaction that is not committed is void anyway. */
async function rollBack(client: Link, cause: unknown): Promise<void> {
  if (isConnectionLost(cause)) return;
  try {
    await client.query('ROLLBACK');
  } catch {}
}

const isSyntaxError = (error: unknown) => isNativeError(error) && error.name === 'SyntaxError';

/** The error for a document in the database that cannot be parsed: only somebody else's hand makes one. */
export function senseless(where: string, cause: unknown): AppError {
  return new AppError('STATE', `the state's database at ${where} has a value that makes no sense`, {
    hint: 'restore it from a backup',
    cause,
  });
}

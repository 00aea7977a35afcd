import { randomInt, randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import { AppError } from '../../core/errors.ts';
import { formatDuration } from '../../core/units.ts';
import type { Connections } from './connection.ts';
import { isConnectionLost } from './failure.ts';
import { endSession, FAREWELL_MS, within } from './farewell.ts';
import { isOtherInstallation, isSameMachine } from './fingerprint.ts';
import { SESSION_SETTINGS } from './look-at-server.ts';
import type { Link } from './silence.ts';
import type { Sql } from './sql.ts';

/** This process and its machine, as the fleet sees them. */
export interface Self {
  /** Name of the machine: its folders are this machine's. */
  machine: string;
  /** Tells two machines that have one name apart. */
  fingerprint: string;
  /** The name is the host's, which nobody has compared with those of the others. */
  isHostName?: boolean | undefined;
  pid: number;
  /** The program's version. */
  version: string;
}

/** A process that may have claims. */
export interface Owner {
  id: string;
  machine: string;
  pid: number;
  startedAt: number;
}

/**
 * Which processes of the fleet are alive. Each process that claims work has a session of its own that holds an advisory
 * lock for as long as it lives; the server drops the lock with the session, whether the process ended, was killed, or its
 * machine was cut off. Behind a pooler there are no sessions: the process renews a lease instead, by the clock of the
 * database. A process whose session ended is no owner any more; it takes over what nobody else took, under a new id.
 */
export interface Liveness {
  /** This process's id; opens its session if it has none. @throws AppError `CONFIG` if another machine has its name */
  owner(): Promise<string>;
  /** This process's id, if it has had a session: one that was cut off counts until it has the next. */
  current(): string | undefined;
  isOwn(ownerId: string): boolean;
  /** The session of this process has ended, as far as it knows. */
  isLost(): boolean;
  /** Within a transaction. @throws NoOwner if others see the owner as dead: its session was cut off */
  assertAlive(sql: Sql, owner: string): Promise<void>;
  /** Within a transaction: whether the owner of a claim lives. */
  isAlive(sql: Sql, ownerId: string): Promise<boolean>;
  /** Within a transaction: all that live, by id. */
  living(sql: Sql): Promise<Map<string, Owner>>;
  /** Within a write: owners that ended without removing their row. */
  dead(sql: Sql): Promise<string[]>;
  close(): Promise<void>;
}

/** The session of this process was cut off, so that its claims are void. */
export class NoOwner extends Error {}

const LEASE_MS = 30_000;
const RENEW_EVERY_MS = 10_000;

interface Session {
  id: string;
  /** Ends the session and the owner, once. */
  end(): Promise<void>;
  isLost: boolean;
}

/**
 * Opens nothing yet.
 * @param warn gets a line where another machine had the configured name before
 */
export function openLiveness(
  connections: Connections,
  self: Self,
  warn: (message: string) => void = () => {},
): Liveness {
  let opening: Promise<Session> | undefined;
  let session: Session | undefined;
  let former: string | undefined;

  const open = async () => {
    const { client, link, server } = await connections.session();
    try {
      const id = await register(link, self, { isPooled: server.isPooled, former, warn });
      former = id;
      session = guarded(client, link, id, server.isPooled);
      return session;
    } catch (error) {
      await endSession(client);
      throw error;
    }
  };

  return {
    async owner() {
      if (session && !session.isLost) return session.id;
      opening ??= open().finally(() => {
        opening = undefined;
      });
      return (await opening).id;
    },
    current: () => session?.id,
    isLost: () => session?.isLost === true,
    isOwn: id => id === session?.id || id === former,
    async assertAlive(sql, owner) {
      if (await sql.get('SELECT 1 AS lives FROM living_owners WHERE id = $owner', { owner })) return;
      if (session?.id === owner) {
        session.isLost = true;
        void session.end();
      }
      throw new NoOwner('the session of this process was cut off');
    },
    isAlive: async (sql, id) =>
      (await sql.get('SELECT 1 AS lives FROM living_owners WHERE id = $id', { id })) !== undefined,
    async living(sql) {
      const rows = await sql.all('SELECT id, machine, pid, started_at FROM living_owners');
      const owners = rows.map((row): Owner => {
        const [pid, startedAt] = [Number(row.pid), Number(row.started_at)];
        return { id: String(row.id), machine: String(row.machine), pid, startedAt };
      });
      return new Map(owners.map(owner => [owner.id, owner]));
    },
    dead: async sql =>
      (await sql.all('SELECT id FROM owners WHERE id NOT IN (SELECT id FROM living_owners)')).map(row =>
        String(row.id),
      ),
    async close() {
      await opening?.catch(() => {});
      await session?.end();
    },
  };
}

/**
 * Makes this process an owner, in one transaction.
 * @param options.former its id before its session was cut off: what nobody has taken since is its own again
 * @param options.warn see `openLiveness`
 * @returns its id
 */
async function register(
  client: Link,
  self: Self,
  { isPooled, former, warn }: { isPooled: boolean; former: string | undefined; warn: (message: string) => void },
): Promise<string> {
  const { machine, fingerprint, pid, version } = self;
  const id = randomUUID();
  // Numbers of JavaScript and of the lock's key in pg_locks are exact up to here.
  const key = randomInt(2 ** 47);
  await client.query('BEGIN');
  for (const setting of SESSION_SETTINGS) await client.query(`SET LOCAL ${setting}`);
  await client.query(
    `INSERT INTO machines (name, fingerprint, first_seen, last_seen, version) VALUES ($1, $2, now_ms(), now_ms(), $3)
     ON CONFLICT (name) DO NOTHING`,
    [machine, fingerprint, version],
  );
  const known = await client.query(
    'SELECT fingerprint, now_ms() - last_seen AS ago FROM machines WHERE name = $1 FOR UPDATE',
    [machine],
  );
  const { fingerprint: before, ago } = known.rows[0] as { fingerprint: string; ago: number };
  const isSame = isSameMachine(before, fingerprint);
  if (!isSame) await refuseSecond(client, self, ago);
  await client.query('UPDATE machines SET fingerprint = $2, last_seen = now_ms(), version = $3 WHERE name = $1', [
    machine,
    isSame ? before : fingerprint,
    version,
  ]);
  if (!isPooled) await client.query('SELECT pg_advisory_lock($1)', [key]);
  await client.query(
    `INSERT INTO owners (id, machine, pid, started_at, lock_key, lease_until)
     VALUES ($1, $2, $3, now_ms(), $4, now_ms() + $5::bigint)`,
    [id, machine, pid, key, isPooled ? LEASE_MS : null],
  );
  if (former !== undefined) {
    for (const table of ['recordings', 'deliveries'])
      await client.query(`UPDATE ${table} SET claimed_by = $1 WHERE claimed_by = $2`, [id, former]);
    await client.query('UPDATE worker SET owner = $1 WHERE owner = $2', [id, former]);
    await client.query('DELETE FROM owners WHERE id = $1', [former]);
  }
  await client.query('COMMIT');
  if (isOtherInstallation(before, fingerprint)) warn(formerHolder(machine, ago));
  return id;
}

/**
 * Nobody has chosen a host's name for the fleet: of two machines that have it, the second would replace the recordings of
 * the first, whose folders have the same paths. Whoever has configured a name says that it is this machine's.
 */
async function refuseSecond(client: Link, { machine, isHostName }: Self, ago: number): Promise<void> {
  const { rows } = await client.query('SELECT pid FROM living_owners WHERE machine = $1 LIMIT 1', [machine]);
  if (rows.length > 0) throw sameName(machine);
  if (isHostName) throw sameHostName(machine, ago);
}

/** Looks whether this machine will be refused for its name. @returns the error; undefined: it will not be */
export async function refusalOfName(
  client: Link,
  { machine, fingerprint, isHostName }: Pick<Self, 'machine' | 'fingerprint' | 'isHostName'>,
): Promise<AppError | undefined> {
  const { rows } = await client.query(
    `SELECT fingerprint, recordupload.now_ms() - last_seen AS ago,
       EXISTS (SELECT 1 FROM recordupload.living_owners WHERE machine = name) AS lives
     FROM recordupload.machines WHERE name = $1`,
    [machine],
  );
  if (rows.length === 0 || isSameMachine(rows[0].fingerprint, fingerprint)) return undefined;
  if (rows[0].lives === 1) return sameName(machine);
  return isHostName ? sameHostName(machine, rows[0].ago) : undefined;
}

/** The error of the second machine of a host name. @param ago when the first was at work, in milliseconds */
export function sameHostName(machine: string, ago: number): AppError {
  const when = `${formatDuration(ago)} ago`;
  return new AppError('CONFIG', `another machine of the fleet is called ${machine}, too, and was at work ${when}`, {
    hint: `give each machine a name of its own: machine (RECORDUPLOAD_MACHINE) in its configuration; where this is that machine, with a new system, "machine: ${machine}" says so`,
  });
}

function formerHolder(machine: string, ago: number): string {
  return `another machine was called ${machine} until ${formatDuration(ago)} ago: if it is still used, give each a name of its own (machine), or they replace each other's recordings`;
}

/** The error of the second machine of a name. */
export function sameName(machine: string): AppError {
  return new AppError('CONFIG', `another machine of the fleet is called ${machine}, too, and is at work`, {
    hint: 'give each machine a name of its own: machine (RECORDUPLOAD_MACHINE) in its configuration',
  });
}

/** Watches over the session of an owner. */
function guarded(client: Client, link: Link, id: string, isPooled: boolean): Session {
  const session: Session = {
    id,
    isLost: false,
    async end() {
      clearInterval(renewal);
      const wasLost = session.isLost;
      session.isLost = true;
      // The row goes first: a lock that nobody has says that its owner died.
      if (!wasLost) await within(FAREWELL_MS, link.query('DELETE FROM recordupload.owners WHERE id = $1', [id]));
      await endSession(client);
    },
  };
  const lose = () => {
    session.isLost = true;
    clearInterval(renewal);
  };
  client.on('error', lose);
  client.on('end', lose);
  const renewal = isPooled ? setInterval(renew, RENEW_EVERY_MS) : undefined;
  renewal?.unref();
  return session;

  async function renew() {
    try {
      const { rowCount } = await link.query(
        'UPDATE recordupload.owners SET lease_until = recordupload.now_ms() + $2::bigint WHERE id = $1',
        [id, LEASE_MS],
      );
      if (rowCount === 0) lose();
    } catch (error) {
      if (isConnectionLost(error)) lose();
    }
  }
}

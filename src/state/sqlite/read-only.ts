import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { AppError } from '../../core/errors.ts';
import type { StateDamage } from '../../core/status/overview.ts';
import type { OpenOverview } from '../state.ts';
import { refuseMoved } from '../transfer/moved.ts';
import { untilUnlocked } from './busy.ts';
import { snapshot } from './database.ts';
import { damageOf, findDamage } from './find-damage.ts';
import { isOwnerAlive } from './liveness.ts';
import { MIGRATIONS } from './migrations.ts';
import { isWrongVersion } from './newest-schema.ts';
import { type OlderState, readOlderState } from './older-state.ts';
import { openOverviewOf } from './overview.ts';
import { awaitStateFolder, refuseForeignState } from './own-state.ts';
import { salvage } from './salvage.ts';
import { markDamaged, whatIsMissing } from './set-aside.ts';
import { openSql, type Sql } from './sql.ts';
import { isBusy, isDamage, stateError } from './state-failure.ts';

/** Readers wait for a lock only while another process recovers the log after a crash. */
const PATIENCE_MS = 2_000;

/** A file up to this size is checked before anything is said about it: 1.5 ms for each megabyte. A larger one is checked if something seems to be wrong. */
const CHECKED_BYTES = 4 * 1024 * 1024;

/**
 * Opens `state.db` for reading alone: creates, upgrades and locks nothing, and a read-only folder will do. Of a damaged file,
 * it reads what can be read.
 * @param options.asSpool the state itself is in PostgreSQL
 * @returns undefined if there is no state yet
 * @throws AppError `STATE` if nothing can be read, `CONFIG` if it is somebody else's, or was moved into PostgreSQL
 */
export async function openReadOnly(stateDir: string, { asSpool = false } = {}): Promise<OpenOverview | undefined> {
  const file = join(stateDir, 'state.db');
  await awaitStateFolder(stateDir);
  refuseForeignState(stateDir);
  const missing = whatIsMissing(stateDir);
  if (missing !== undefined) throw lost(missing);
  if (!existsSync(file)) return undefined;
  const patiently = <T>(work: () => T) => untilUnlocked(work, { patienceMs: PATIENCE_MS });
  const source = await openSource(file, stateDir, patiently);
  if (!source) return undefined;
  const read = async <T>(work: (sql: Sql) => T): Promise<T> => {
    try {
      return await patiently(() => snapshot(source.sql(), work));
    } catch (error) {
      if (isBusy(error) || !source.mend(error)) throw stateError(error, stateDir);
      return snapshot(source.sql(), work);
    }
  };
  try {
    await read(sql => refuseMoved(sql, { asSpool }));
  } catch (error) {
    source.close();
    throw error;
  }
  const isAlive = (ownerId: string, pid: number) => isOwnerAlive(stateDir, ownerId, pid);
  const overview = openOverviewOf({ read, isAlive });
  /** Reads again if the answer is that there is nothing, and the file, or the one table that was asked, is not sound. */
  const orMended = async <T>(ask: () => Promise<T>, isNothing: (answer: T) => boolean, table?: 'queue'): Promise<T> => {
    const answer = await ask();
    if (!isNothing(answer) || !(await patiently(() => source.check(table)))) return answer;
    return await ask();
  };
  return {
    ...overview,
    all: options =>
      orMended(
        () => overview.all(options),
        ({ counts }) => Object.values(counts).every(count => count === 0),
      ),
    recent: filter =>
      orMended(
        () => overview.recent(filter),
        // That none is in one state, or of one day, is usual: checking a large file for it would take long.
        found => found.length === 0 && filter.state === undefined && filter.since === undefined,
      ),
    queue: filter =>
      orMended(
        () => overview.queue(filter),
        found => found.length === 0,
        // It is usually empty, and small: only it is checked.
        'queue',
      ),
    recording: id =>
      orMended(
        () => overview.recording(id),
        ({ recordings, queue, deliveries }) => recordings.length + queue.length + deliveries.length === 0,
      ),
    damage: () => source.damage(),
    close: () => source.close(),
  };
}

/** A database to read from: the file, or what could be read of it once it has turned out to be damaged. */
interface Source {
  sql(): Sql;
  close(): void;
  damage(): StateDamage | undefined;
  /** Checks the file or one table of it, unless that was done. @returns true if it was mended only now */
  check(table?: string): boolean;
  /** Mends it after an error that damage can have caused. @returns false if it did not */
  mend(error: unknown): boolean;
}

async function openSource(
  file: string,
  stateDir: string,
  patiently: <T>(work: () => T) => Promise<T>,
): Promise<Source | undefined> {
  let sql: Sql | undefined;
  let older: OlderState | undefined;
  let damage: StateDamage | undefined;
  let isChecked = false;
  const closeOnce = () => {
    if (older) older.close();
    else sql?.close();
    sql = undefined;
    older = undefined;
  };
  const mend = (cause: unknown) => {
    markDamaged(stateDir);
    try {
      const salvaged = salvage(file);
      closeOnce();
      sql = salvaged.sql;
      damage = { file, ...salvaged.damage };
    } catch {
      closeOnce();
      throw stateError(cause, stateDir);
    }
  };
  const check = (table?: string) => {
    if (isChecked || !sql) return false;
    // The file of an older version may not have the table yet.
    if (table !== undefined && !sql.get('SELECT 1 FROM sqlite_schema WHERE name = $table', { table })) return false;
    const flaw = findDamage(sql, table);
    isChecked = flaw !== undefined || table === undefined;
    if (flaw) mend(flaw);
    return flaw !== undefined;
  };
  const open = await patiently(() => openForReading(file)).catch((error: unknown) => {
    if (!isDamage(error)) throw stateError(error, stateDir);
    mend(error);
    isChecked = true;
  });
  if (open) {
    sql = open.sql;
    try {
      const isUsual = open.version === MIGRATIONS.length;
      if (!isUsual) {
        if (open.version === 0 && (await patiently(() => isNew(open.sql, stateDir)))) return void open.sql.close();
        // Tables without a version are of no version that there ever was.
        if (open.version < 1 || isWrongVersion(open.sql, open.version)) mend(damageOf(`version ${open.version}`));
        else if (open.version > MIGRATIONS.length) throw newerVersion(file);
        else older = readOlderState(open.sql);
      } else if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) <= CHECKED_BYTES)
        await patiently(() => check());
    } catch (error) {
      if (!damage) closeOnce();
      throw stateError(error, stateDir);
    }
  }
  return {
    sql: () => older?.sql() ?? (sql as Sql),
    close: closeOnce,
    damage: () => damage,
    check,
    mend(error) {
      if (damage) return false;
      if (!isDamage(error)) return check();
      mend(error);
      return true;
    },
  };
}

/**
 * Whether a state that cannot be used may hold deliveries, which it would send once it can be used again.
 * @returns false only if that is certain
 */
export async function mayHoldDeliveries(stateDir: string): Promise<boolean> {
  const file = join(stateDir, 'state.db');
  try {
    const sizeOf = (path: string) => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    if (sizeOf(file) + sizeOf(`${file}-wal`) === 0) return false;
    const { sql, version } = await untilUnlocked(() => openForReading(file), { patienceMs: PATIENCE_MS });
    try {
      return version > 0 && sql.get('SELECT 1 FROM deliveries LIMIT 1') !== undefined;
    } finally {
      sql.close();
    }
  } catch {
    return true;
  }
}

/**
 * Looks into what a machine's file keeps for the fleet's database, beside it. Never throws.
 * @returns the other answer if the file cannot be read, or is none
 */
export async function lookIntoSpool<T>(stateDir: string, look: (sql: Sql) => T, otherwise: T): Promise<T> {
  const file = join(stateDir, 'state.db');
  try {
    if (!existsSync(file)) return otherwise;
    const { sql } = await untilUnlocked(() => openForReading(file), { patienceMs: PATIENCE_MS });
    try {
      return look(sql);
    } finally {
      sql.close();
    }
  } catch {
    return otherwise;
  }
}

/** Nothing was ever written: whoever makes the file makes `owners` after its tables. */
function isNew(sql: Sql, stateDir: string): boolean {
  if (sql.get("SELECT 1 FROM sqlite_schema WHERE type = 'table' LIMIT 1")) return false;
  if (!existsSync(join(stateDir, 'owners'))) return true;
  throw lost(`the state file ${join(stateDir, 'state.db')} has lost its content`);
}

function lost(message: string): AppError {
  return new AppError('STATE', message, {
    hint: 'what was uploaded is in the bucket; recordupload retry begins a new state, then upload unfinished folders again',
  });
}

function newerVersion(file: string): AppError {
  return new AppError('STATE', `${file} was written by a newer version`, { hint: 'upgrade recordupload' });
}

function openForReading(file: string): { sql: Sql; version: number } {
  try {
    return openAt(file);
  } catch (error) {
    // In a folder that cannot be written, SQLite has no place for its shared memory. Without a log nobody writes.
    if (isBusy(error) || existsSync(`${file}-wal`) || existsSync(`${file}-shm`)) throw error;
    const url = pathToFileURL(file);
    url.searchParams.set('immutable', '1');
    return openAt(url);
  }
}

function openAt(file: string | URL): { sql: Sql; version: number } {
  const sql = openSql(file, { readOnly: true });
  try {
    return { sql, version: Number(sql.get('PRAGMA user_version')?.user_version) };
  } catch (error) {
    sql.close();
    throw error;
  }
}

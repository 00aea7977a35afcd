import { closeSync, constants, lstatSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { isNativeError } from 'node:util/types';
import { AppError } from '../../core/errors.ts';
import { makeFolder } from '../../core/make-folder.ts';
import { type LockWait, untilUnlocked } from './busy.ts';
import { damageOf } from './find-damage.ts';
import { createGroupCommit } from './group-commit.ts';
import { type Liveness, openLiveness, soleLiveness } from './liveness.ts';
import { MIGRATIONS } from './migrations.ts';
import { isWrongVersion } from './newest-schema.ts';
import { awaitStateFolder, refuseForeignState } from './own-state.ts';
import { checkIfMarked, findMissing, markDamaged, type Saved, setAside } from './set-aside.ts';
import { openSql, rollBack, type Sql } from './sql.ts';
import { isDamage, stateError } from './state-failure.ts';
import { takeOverSync, type WalSync } from './wal-sync.ts';

/** The open database: one SQLite file, shared by every process that uses this state folder. */
export interface Database {
  readonly liveness: Liveness;
  /** False for a database in memory, which ends with the process. */
  readonly isKept: boolean;
  /**
   * Reads in one transaction: what `work` sees is of one moment.
   * @throws AppError `STATE` (as `write` does) if SQLite fails
   */
  read<T>(work: (sql: Sql) => T): Promise<T>;
  /**
   * Runs `work` in a write transaction, which it may share with other writes of this turn of the event loop; resolves once
   * that is durable. `work` may run more than once: it must not change anything but the database.
   */
  write<T>(work: (sql: Sql) => T): Promise<T>;
  /** Closes it once all writes have ended; again is harmless. */
  close(): Promise<void>;
}

export interface DatabaseOptions {
  /** Gets one line for a file that was set aside or is missing. */
  warn?: ((message: string) => void) | undefined;
  /** How writes wait for another process's lock. */
  lock?: LockWait | undefined;
}

const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;
const CREATE = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK;

/** What to do after a state file was lost. */
const LOST = 'unfinished uploads and webhooks are no longer known: upload their folders again';

/** What is known after a damaged file was set aside. */
const NOW: Readonly<Record<Saved, string>> = {
  all: '; its uploads and webhooks could be read and were saved',
  queue: `, and a new one is begun with the folders that waited for their upload; ${LOST}`,
  nothing: `, and a new one is begun; ${LOST}`,
};

/**
 * Opens (and if needed creates or upgrades) `state.db` in the state folder. A damaged file is set aside, never
 * overwritten; one that a newer version wrote is left alone.
 * @throws AppError `STATE` if the folder or file cannot be used, `CONFIG` if they are somebody else's
 */
export async function openDatabase(stateDir: string, options: DatabaseOptions = {}): Promise<Database> {
  const { warn = () => {}, lock } = options;
  try {
    await awaitStateFolder(stateDir);
    makeFolder(stateDir, 0o700);
    refuseForeignState(stateDir);
    const missing = findMissing(stateDir, Date.now());
    if (missing) warn(`${missing}; ${LOST}`);
    try {
      return await openFile(stateDir, lock);
    } catch (error) {
      if (!isDamage(error)) throw error;
      const done = await setAside(stateDir, Date.now());
      if (done) warn(`the state file was damaged: it is kept as ${done.aside}${NOW[done.saved]}`);
      return await openFile(stateDir, lock);
    }
  } catch (error) {
    throw stateError(error, stateDir);
  }
}

/** A database for one process where none can be kept: the same, in memory. */
export async function openTemporaryDatabase(): Promise<Database> {
  const sql = openSql(':memory:');
  sql.exec('PRAGMA foreign_keys = ON');
  migrate(sql, 'memory');
  return databaseOver(sql, soleLiveness(), { isKept: false, translate: error => stateError(error, 'memory') });
}

async function openFile(stateDir: string, lock: LockWait | undefined): Promise<Database> {
  const file = join(stateDir, 'state.db');
  await checkIfMarked(stateDir);
  // Private even if the folder is not; SQLite gives its side files the same mode. Not where there is one: to close a file
  // gives up the locks that this process's other connections have on it.
  if (!lstatSync(file, { throwIfNoEntry: false })?.isFile()) closeSync(openSync(file, CREATE, 0o600));
  const sql = openSql(file);
  try {
    // Another process may be creating the file at this moment, or have it locked for a migration.
    await untilUnlocked(() => {
      // The schema reaches the disk with the first write. Until then, losing it loses nothing.
      sql.exec('PRAGMA synchronous = NORMAL; PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON');
      migrate(sql, file);
    }, lock);
    const translate = (error: unknown) => {
      if (isDamage(error)) markDamaged(stateDir);
      return stateError(error, stateDir);
    };
    const liveness = await openLiveness(stateDir);
    const wal = takeOverSync(sql);
    if (!wal) sql.exec('PRAGMA synchronous = FULL');
    return databaseOver(sql, liveness, { isKept: true, translate, lock, wal });
  } catch (error) {
    // Before it is closed: where all descriptors are in use, closing would free some, and hide the cause.
    const failure = stateError(error, stateDir);
    sql.close();
    if (isDamage(error)) markDamaged(stateDir);
    throw failure;
  }
}

/** @param options.translate makes what SQLite throws into what callers get */
function databaseOver(
  sql: Sql,
  liveness: Liveness,
  options: {
    isKept: boolean;
    translate: (error: unknown) => unknown;
    lock?: LockWait | undefined;
    wal?: WalSync | undefined;
  },
): Database {
  const { isKept, translate, lock, wal } = options;
  const commits = createGroupCommit(sql, { lock, sync: wal?.sync });
  let closing: Promise<void> | undefined;
  const translated = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      // Only damage makes a stored document that cannot be parsed.
      throw translate(isSyntaxError(error) ? damageOf('a value makes no sense') : error);
    }
  };
  return {
    liveness,
    isKept,
    read: work => translated(untilUnlocked(() => snapshot(sql, work), lock)),
    write: work => translated(commits.write(() => work(sql))),
    close() {
      closing ??= commits.drained().then(() => {
        wal?.close();
        liveness.close();
        sql.close();
      });
      return closing;
    },
  };
}

const isSyntaxError = (error: unknown) => isNativeError(error) && error.name === 'SyntaxError';

/** Runs `work` in a read transaction: it sees one moment, and holds no lock that writers wait for. */
export function snapshot<T>(sql: Sql, work: (sql: Sql) => T): T {
  sql.run('BEGIN');
  try {
    const seen = work(sql);
    sql.run('COMMIT');
    return seen;
  } catch (error) {
    rollBack(sql);
    throw error;
  }
}

function migrate(sql: Sql, file: string): void {
  const version = () => Number(sql.get('PRAGMA user_version')?.user_version);
  if (version() === MIGRATIONS.length) return;
  sql.exec('BEGIN IMMEDIATE');
  try {
    // Looked at again: another process may have been faster.
    const from = isWrongVersion(sql, version()) ? MIGRATIONS.length : version();
    if (from > MIGRATIONS.length) {
      throw new AppError('STATE', `${file} was written by a newer version of recordupload, and is left as it is`, {
        hint: 'upgrade recordupload, or point stateDir (RECORDUPLOAD_STATE_DIR) at another folder',
      });
    }
    for (const step of MIGRATIONS.slice(from)) sql.exec(step);
    sql.exec(`PRAGMA user_version = ${MIGRATIONS.length}`);
    sql.exec('COMMIT');
  } catch (error) {
    rollBack(sql);
    throw error;
  }
}

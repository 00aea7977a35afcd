import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../core/errors.ts';
import { createGroupCommit, type Together } from './group-commit.ts';
import { type Liveness, openLiveness, soleLiveness } from './liveness.ts';
import { MIGRATIONS } from './migrations.ts';
import { checkIfMarked, findMissing, markDamaged, setAside } from './set-aside.ts';
import { openSql, type Sql } from './sql.ts';
import { isDamage, stateError } from './state-failure.ts';

/** The open state: one SQLite file, shared by every process of the tool that uses this state folder. */
export interface Database {
  readonly sql: Sql;
  readonly liveness: Liveness;
  /** False for a state in memory, which ends with the process. */
  readonly isKept: boolean;
  /**
   * Runs `work` in one write transaction: all of it is durable when this returns, or none of it happened. Within an open
   * one it is a part of that.
   */
  transaction<T>(work: () => T): T;
  /** The same, with whatever else is asked for at the time; what fails, fails together. */
  together: Together;
  close(): void;
}

/** What to do where a state file was lost; said once more by whoever opens the state. */
const LOST = 'uploads and webhooks that were under way are not known any more: upload their folders again';

/**
 * Opens (and if needed creates or upgrades) `state.db` in the state folder. A damaged file is set aside, never
 * overwritten; one that a newer version wrote is left alone.
 * @param options.warn is told, in one line, of a file that was set aside or is missing
 * @throws AppError `STATE` where the folder or file cannot be used; so does every later use that fails
 */
export function openDatabase(stateDir: string, options: { warn?: (message: string) => void } = {}): Database {
  const { warn = () => {} } = options;
  try {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    const missing = findMissing(stateDir, Date.now());
    if (missing) warn(`${missing}; ${LOST}`);
    try {
      return openFile(stateDir);
    } catch (error) {
      if (!isDamage(error)) throw error;
      const aside = setAside(stateDir, Date.now());
      if (aside) warn(`the state file was damaged: it is kept as ${aside}, and a new one is begun; ${LOST}`);
      return openFile(stateDir);
    }
  } catch (error) {
    throw stateError(error, stateDir);
  }
}

/** A state for one process where none can be kept: the same, in memory. */
export function openTemporaryDatabase(): Database {
  const sql = openSql(':memory:', error => stateError(error, 'memory'));
  sql.exec('PRAGMA foreign_keys = ON');
  const transaction = transactionsOf(sql);
  migrate(sql, transaction, 'memory');
  const together = createGroupCommit(transaction);
  return { sql, liveness: soleLiveness(), isKept: false, transaction, together, close: () => sql.close() };
}

function openFile(stateDir: string): Database {
  const file = join(stateDir, 'state.db');
  checkIfMarked(stateDir);
  // Private even where the folder is not; SQLite gives its side files the same mode.
  closeSync(openSync(file, 'a', 0o600));
  const sql = openSql(file, error => {
    if (isDamage(error)) markDamaged(stateDir);
    return stateError(error, stateDir);
  });
  try {
    sql.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON');
    const transaction = transactionsOf(sql);
    migrate(sql, transaction, file);
    const liveness = openLiveness(stateDir);
    return {
      sql,
      liveness,
      isKept: true,
      transaction,
      together: createGroupCommit(transaction),
      close() {
        liveness.close();
        sql.close();
      },
    };
  } catch (error) {
    sql.close();
    throw error;
  }
}

function transactionsOf(sql: Sql): Database['transaction'] {
  return work => {
    if (sql.isTransaction) return work();
    sql.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      sql.exec('COMMIT');
      return result;
    } catch (error) {
      rollBack(sql);
      throw error;
    }
  };
}

/** Never throws: what made it necessary is what is told, and a transaction that is not committed is void anyway. */
function rollBack(sql: Sql): void {
  try {
    if (sql.isTransaction) sql.exec('ROLLBACK');
  } catch {}
}

function migrate(sql: Sql, transaction: Database['transaction'], file: string): void {
  const version = () => Number(sql.prepare('PRAGMA user_version').get()?.user_version);
  if (version() === MIGRATIONS.length) return;
  transaction(() => {
    const from = version();
    if (from > MIGRATIONS.length) {
      throw new AppError('STATE', `${file} was written by a newer version of recordupload, and is left as it is`, {
        hint: 'upgrade recordupload, or point stateDir (RECORDUPLOAD_STATE_DIR) at another folder',
      });
    }
    for (const step of MIGRATIONS.slice(from)) sql.exec(step);
    sql.exec(`PRAGMA user_version = ${MIGRATIONS.length}`);
  });
}

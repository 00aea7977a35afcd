import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { AppError, hasErrorCode } from '../errors.ts';
import { type Liveness, openLiveness } from './liveness.ts';
import { MIGRATIONS } from './migrations.ts';

/** The open state: one SQLite file, shared by every process of the tool that uses this state folder. */
export interface Database {
  readonly sql: DatabaseSync;
  readonly liveness: Liveness;
  /** Runs `work` in one write transaction: all of it is durable when this returns, or none of it happened. */
  transaction<T>(work: () => T): T;
  close(): void;
}

/** How long a write waits for another process's transaction; those last milliseconds. */
const BUSY_TIMEOUT_MS = 30_000;

/**
 * Opens (and if needed creates or upgrades) `state.db` in the state folder.
 * @throws AppError `STATE` where the folder or file cannot be used
 */
export function openDatabase(stateDir: string): Database {
  const file = join(stateDir, 'state.db');
  try {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    const sql = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS });
    sql.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON');
    const transaction = <T>(work: () => T): T => {
      sql.exec('BEGIN IMMEDIATE');
      try {
        const result = work();
        sql.exec('COMMIT');
        return result;
      } catch (error) {
        if (sql.isTransaction) sql.exec('ROLLBACK');
        throw error;
      }
    };
    migrate(sql, transaction, file);
    const liveness = openLiveness(stateDir);
    return {
      sql,
      liveness,
      transaction,
      close() {
        liveness.close();
        sql.close();
      },
    };
  } catch (error) {
    throw stateError(error, stateDir);
  }
}

function migrate(sql: DatabaseSync, transaction: Database['transaction'], file: string): void {
  const version = () => Number(sql.prepare('PRAGMA user_version').get()?.user_version);
  if (version() === MIGRATIONS.length) return;
  transaction(() => {
    const from = version();
    if (from > MIGRATIONS.length) {
      throw new AppError('STATE', `${file} was written by a newer version of recordupload`, {
        hint: 'upgrade recordupload, or point stateDir at another folder',
      });
    }
    for (const step of MIGRATIONS.slice(from)) sql.exec(step);
    sql.exec(`PRAGMA user_version = ${MIGRATIONS.length}`);
  });
}

/** Says in the user's words why the state cannot be used. */
export function stateError(error: unknown, stateDir: string): unknown {
  if (error instanceof AppError) return error;
  if (hasErrorCode(error, 'EACCES', 'EPERM', 'EROFS')) {
    return new AppError('STATE', `the state folder ${stateDir} is not writable`, {
      hint: 'set stateDir (RECORDUPLOAD_STATE_DIR) to a folder that is',
      cause: error,
    });
  }
  if (hasErrorCode(error, 'ENOSPC') || (error instanceof Error && /disk is full|disk I\/O/.test(error.message))) {
    return new AppError('STATE', `the disk of the state folder ${stateDir} is full`, {
      hint: 'free some space and run the command again',
      cause: error,
    });
  }
  if (hasErrorCode(error, 'ERR_SQLITE_ERROR', 'ENOTDIR', 'EEXIST')) {
    return new AppError('STATE', `the state in ${stateDir} cannot be used: ${error.message}`, { cause: error });
  }
  return error;
}

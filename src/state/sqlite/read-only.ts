import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { AppError } from '../../core/errors.ts';
import { MIGRATIONS } from './migrations.ts';
import type { Row } from './sql.ts';
import { stateError } from './state-failure.ts';

/** The state for looking at: what is read between opening and closing is one moment's. */
export interface ReadOnlyState {
  get(text: string, ...values: (string | number)[]): Row | undefined;
  all(text: string, ...values: (string | number)[]): Row[];
  /** Ends this look; the next query begins another. */
  refresh(): void;
  close(): void;
}

/**
 * Opens `state.db` for reading alone: nothing is made, upgraded or locked, and a read-only folder will do.
 * @returns undefined where there is no state (yet)
 * @throws AppError `STATE` where it cannot be read
 */
export function openReadOnly(stateDir: string): ReadOnlyState | undefined {
  const file = join(stateDir, 'state.db');
  if (!existsSync(file)) return undefined;
  const attempt = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw stateError(error, stateDir);
    }
  };
  const database = attempt(() => openForReading(file));
  const version = attempt(() => Number(database.prepare('PRAGMA user_version').get()?.user_version));
  if (version !== MIGRATIONS.length) {
    database.close();
    if (version === 0) return undefined;
    throw new AppError(
      'STATE',
      `${file} was written by ${version > MIGRATIONS.length ? 'a newer' : 'an older'} version`,
      {
        hint:
          version > MIGRATIONS.length
            ? 'upgrade recordupload'
            : 'run recordupload retry --list: it brings the file up to date',
      },
    );
  }
  const begin = () => {
    if (!database.isTransaction) database.exec('BEGIN');
  };
  return {
    get: (text, ...values) =>
      attempt(() => {
        begin();
        return database.prepare(text).get(...values);
      }),
    all: (text, ...values) =>
      attempt(() => {
        begin();
        return database.prepare(text).all(...values);
      }),
    refresh: () =>
      attempt(() => {
        if (database.isTransaction) database.exec('COMMIT');
      }),
    close: () => database.close(),
  };
}

function openForReading(file: string): DatabaseSync {
  const options = { readOnly: true, timeout: 2_000 };
  const database = new DatabaseSync(file, options);
  try {
    database.prepare('SELECT COUNT(*) FROM sqlite_schema').get();
    return database;
  } catch (error) {
    database.close();
    // In a folder that cannot be written, SQLite has no place for its shared memory. With no log, nobody writes.
    if (existsSync(`${file}-wal`) || existsSync(`${file}-shm`)) throw error;
    const url = pathToFileURL(file);
    url.searchParams.set('immutable', '1');
    return new DatabaseSync(url, options);
  }
}

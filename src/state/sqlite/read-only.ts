import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { AppError } from '../../core/errors.ts';
import type { OpenOverview } from '../state.ts';
import { untilUnlocked } from './busy.ts';
import { snapshot } from './database.ts';
import { isOwnerAlive } from './liveness.ts';
import { MIGRATIONS } from './migrations.ts';
import { openOverviewOf } from './overview.ts';
import { awaitStateFolder, refuseForeignState } from './own-state.ts';
import { openSql, type Sql } from './sql.ts';
import { isBusy, stateError } from './state-failure.ts';

/** Readers wait for a lock only while another process recovers the log after a crash. */
const PATIENCE_MS = 2_000;

/**
 * Opens `state.db` for reading alone: creates, upgrades and locks nothing, and a read-only folder will do.
 * @returns undefined if there is no state yet
 * @throws AppError `STATE` if it cannot be read, `CONFIG` if it is somebody else's
 */
export async function openReadOnly(stateDir: string): Promise<OpenOverview | undefined> {
  const file = join(stateDir, 'state.db');
  await awaitStateFolder(stateDir);
  refuseForeignState(stateDir);
  if (!existsSync(file)) return undefined;
  const patiently = async <T>(work: () => T): Promise<T> => {
    try {
      return await untilUnlocked(work, { patienceMs: PATIENCE_MS });
    } catch (error) {
      throw stateError(error, stateDir);
    }
  };
  const { sql, version } = await patiently(() => openForReading(file));
  if (version !== MIGRATIONS.length) {
    sql.close();
    if (version === 0) return undefined;
    throw otherVersion(file, version);
  }
  const read = <T>(work: (sql: Sql) => T) => patiently(() => snapshot(sql, work));
  const isAlive = (ownerId: string, pid: number) => isOwnerAlive(stateDir, ownerId, pid);
  return { ...openOverviewOf({ read, isAlive }), close: () => sql.close() };
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

function otherVersion(file: string, version: number): AppError {
  const isNewer = version > MIGRATIONS.length;
  return new AppError('STATE', `${file} was written by ${isNewer ? 'a newer' : 'an older'} version`, {
    hint: isNewer ? 'upgrade recordupload' : 'run recordupload retry --list: it brings the file up to date',
  });
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

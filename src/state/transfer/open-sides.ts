import { hostsText } from '../../core/database-url.ts';
import { openDatabaseToRead, openDatabase as openPostgres } from '../postgres/database.ts';
import { databaseOptions } from '../postgres/settings.ts';
import { openDatabase as openSqlite } from '../sqlite/database.ts';
import type { FleetOptions } from '../state.ts';
import { countAll } from './copy.ts';
import { NOTHING } from './known.ts';
import { type MoveOptions, type MoveReport, moveState } from './move.ts';
import { sqliteTransfer } from './transfer.ts';

/** What a move did, or would do. */
export interface MovedState extends MoveReport {
  /** Of PostgreSQL: hosts and database. */
  place: string;
}

/**
 * Opens both sides and moves this machine's state from one to the other.
 * @throws AppError as `moveState`; `STATE` or `CONFIG` if a side cannot be used
 */
export async function openAndMove(
  stateDir: string,
  fleet: FleetOptions,
  options: MoveOptions & { warn(message: string): void },
): Promise<MovedState> {
  const sqlite = await openSqlite(stateDir, { warn: options.warn });
  try {
    const settings = { ...databaseOptions(fleet, process.pid), warn: options.warn };
    // To look makes nothing there.
    const postgres = await (options.dryRun ? openDatabaseToRead(settings) : openPostgres(settings));
    if (!postgres) {
      const own = sqliteTransfer(sqlite);
      const counts = options.to === 'postgres' ? await countAll(own, options.signal) : NOTHING;
      return { counts, already: 0, kept: [], merged: new Set(), backup: undefined, place: hostsText(settings.url) };
    }
    try {
      return { ...(await moveState({ sqlite, stateDir, postgres }, options)), place: postgres.where };
    } finally {
      await postgres.close();
    }
  } finally {
    await sqlite.close();
  }
}

import { AppError } from '../../core/errors.ts';
import type { Sql } from '../sqlite/sql.ts';

/** What `state move` has noted in a machine's SQLite state. */
export interface Moved {
  destination: 'postgres' | 'sqlite';
  /** Of PostgreSQL: hosts and database. */
  place: string;
  /** False: it was begun, and not finished. */
  isOver: boolean;
  /** Milliseconds since 1970. */
  at: number;
}

/** Within a transaction: undefined where the state was never moved, or is back. */
export function movedIn(sql: Pick<Sql, 'get'>): Moved | undefined {
  // A file that an older version wrote has no such table, and is not upgraded by those who only read.
  if (!sql.get(`SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'moved'`)) return undefined;
  const row = sql.get('SELECT * FROM moved');
  if (!row) return undefined;
  const destination = row.destination === 'sqlite' ? 'sqlite' : 'postgres';
  return { destination, place: String(row.place), isOver: row.is_over === 1, at: Number(row.at) };
}

/** Within a write. */
export function noteMoved(sql: Pick<Sql, 'run'>, moved: Moved | undefined): void {
  sql.run('DELETE FROM moved');
  if (!moved) return;
  const { destination, place, isOver, at } = moved;
  sql.run(
    'INSERT INTO moved (only_row, destination, place, is_over, at) VALUES (1, $destination, $place, $isOver, $at)',
    {
      destination,
      place,
      isOver: Number(isOver),
      at,
    },
  );
}

/**
 * Refuses a SQLite state that was moved away: whoever used it would send again what another machine sends.
 * @param options.asSpool the state is in PostgreSQL, and this file only keeps what cannot be stored there
 * @throws AppError `CONFIG`
 */
export function refuseMoved(sql: Pick<Sql, 'get'>, { asSpool }: { asSpool: boolean }): void {
  const moved = movedIn(sql);
  if (!moved) return;
  const { destination, place, isOver } = moved;
  if (!isOver) {
    const command = `recordupload state move --to ${destination}`;
    const into = destination === 'postgres' ? `into PostgreSQL at ${place}` : `back from PostgreSQL at ${place}`;
    throw new AppError('CONFIG', `the state is being moved ${into}`, {
      hint: `wait until that has ended; if it was interrupted, run it again: ${command}`,
    });
  }
  if (asSpool) return;
  throw new AppError('CONFIG', `the state of this machine was moved into PostgreSQL at ${place}`, {
    hint: 'set stateUrl (RECORDUPLOAD_STATE_URL), or move it back: recordupload state move --to sqlite',
  });
}

import type { Database as PostgresDatabase } from '../postgres/database.ts';
import type { Database as SqliteDatabase } from '../sqlite/database.ts';
import { type Dialect, isClaimed, lock, readBeside, readRecording, recordingIds } from './export.ts';
import { findOthers, type ImportOptions, lockedOf, type TakenRecording, takeRecording } from './import.ts';
import { takeBeside, takeFolder } from './import-beside.ts';
import { isSame, type KnownBeside, type KnownOfRecording } from './known.ts';
import { removeBeside, removeRecording } from './remove.ts';
import { all, get, type Row, run, runLater, runNow, type Script } from './script.ts';

/**
 * What one state gives and another takes, recording by recording. Each method is one transaction. Claims are not part of
 * it: whoever calls sees to it that nobody works on what is given.
 * @throws AppError `STATE` (every method) if the state cannot be read or written
 */
export interface Transfer {
  /** IDs of recordings of which this machine's state knows something, in the order of their bytes, after one. */
  ids(after: string, limit: number): Promise<string[]>;
  read(recordingId: string): Promise<KnownOfRecording>;
  /** Again changes nothing. */
  take(known: KnownOfRecording, options: ImportOptions): Promise<TakenRecording>;
  /** What `take` would find of other machines. */
  othersOf(known: KnownOfRecording): Promise<Pick<TakenRecording, 'others'> & Partial<TakenRecording>>;
  /** Takes this in place of all that is known of the recording. */
  put(known: KnownOfRecording, now: number): Promise<void>;
  /**
   * Removes a recording if the state knows exactly this, and nobody works at it.
   * @returns false: it knows something else by now, or somebody works
   */
  remove(known: KnownOfRecording): Promise<boolean>;
  readBeside(): Promise<KnownBeside>;
  /** @param source where it comes from: what that has counted is added once */
  takeBeside(known: KnownBeside, source: string, now: number): Promise<void>;
  /** What became of a folder of the queue; undefined: nothing is left to do there that was asked for before `since`. */
  takeFolder(dir: string, entry: Row | undefined, since: number): Promise<void>;
  /** Removes the machine's queue and its uploads that were begun; what the fleet shares stays. */
  removeBeside(): Promise<void>;
}

/** SQLite knows no machines. */
export const SQLITE: Dialect = { machine: undefined };

/** The machine's own SQLite state. */
export function sqliteTransfer({ read, write }: Pick<SqliteDatabase, 'read' | 'write'>): Transfer {
  return transferOver({
    dialect: SQLITE,
    read: script => read(sql => runNow(sql, script())),
    write: script => write(sql => runNow(sql, script())),
  });
}

/** This machine's part of the state in PostgreSQL. */
export function postgresTransfer({ read, write, self }: Pick<PostgresDatabase, 'read' | 'write' | 'self'>): Transfer {
  return transferOver({
    dialect: {
      machine: self.machine,
      // The locks of claim-recording.ts and pairs.ts, in an order of their own.
      *lock({ recordingId, targets, endpoints }) {
        for (const target of targets)
          yield* run('SELECT pg_advisory_xact_lock(hashtextextended($name, 0))', {
            name: `recording ${target} ${recordingId}`,
          });
        const keys = yield* all(
          'SELECT DISTINCT hashtext(name) AS key FROM json_array_elements_text($endpoints::json) AS name ORDER BY key',
          { endpoints: JSON.stringify(endpoints) },
        );
        for (const { key } of keys)
          yield* run('SELECT pg_advisory_xact_lock(hashtext($recordingId), $key::int)', {
            recordingId,
            key: key ?? null,
          });
      },
      *dueNow(seq) {
        yield* run('UPDATE deliveries SET next_at = LEAST(next_at, now_ms()) WHERE seq = $seq', { seq });
      },
      *isAtWork({ claimed_by: owner }) {
        if (typeof owner !== 'string') return false;
        return (yield* get('SELECT 1 AS lives FROM living_owners WHERE id = $owner', { owner })) !== undefined;
      },
    },
    read: script => read(sql => runLater(sql, script())),
    write: script => write(sql => runLater(sql, script())),
  });
}

interface Runner {
  dialect: Dialect;
  read<T>(script: () => Script<T>): Promise<T>;
  write<T>(script: () => Script<T>): Promise<T>;
}

function transferOver({ dialect, read, write }: Runner): Transfer {
  return {
    ids: (after, limit) => read(() => recordingIds(dialect, after, limit)),
    read: id => read(() => readRecording(id)),
    take: (known, options) => write(() => takeRecording(known, dialect, options)),
    othersOf: known => read(() => findOthers(known, dialect, 'newer')),
    put: (known, now) =>
      write(function* () {
        yield* removeRecording(known.recordingId);
        yield* takeRecording(known, dialect, { prefer: 'source', now });
      }),
    remove: known =>
      write(function* () {
        yield* lock(dialect, lockedOf(known));
        const claimed = yield* all(
          'SELECT claimed_by FROM deliveries WHERE recording_id = $id AND claimed_by IS NOT NULL',
          { id: known.recordingId },
        );
        for (const row of claimed) if (yield* isClaimed(dialect, row)) return false;
        if (!isSame(yield* readRecording(known.recordingId), known)) return false;
        yield* removeRecording(known.recordingId);
        return true;
      }),
    readBeside: () => read(() => readBeside(dialect)),
    takeBeside: (known, source, now) => write(() => takeBeside(known, dialect, source, now)),
    takeFolder: (dir, entry, since) => write(() => takeFolder(dir, entry, since, dialect)),
    removeBeside: () => write(() => removeBeside(dialect)),
  };
}

import type { Settlement } from '../../core/delivery/claims.ts';
import type { Database } from '../sqlite/database.ts';
import type { Row, Sql } from '../sqlite/sql.ts';
import { countSentFile } from '../sqlite/totals.ts';
import { epochOf } from '../transfer/epoch.ts';
import { readRecording } from '../transfer/export.ts';
import { takeRecording } from '../transfer/import.ts';
import { isSame, type KnownOfRecording } from '../transfer/known.ts';
import { runNow } from '../transfer/script.ts';
import { SQLITE, sqliteTransfer, type Transfer } from '../transfer/transfer.ts';
import { prunedBefore, pruneSpool } from './prune-spool.ts';

/**
 * What this machine's SQLite file keeps for the fleet's database. Recordings that this machine uploads are written to both,
 * so that the upload goes on without the database. One is *ahead* if the database does not know all of it.
 */
export interface Spool {
  readonly transfer: Transfer;
  /** Something of the recording is to be brought over. */
  setAhead(recordingId: string, options: { forced?: boolean; now: number }): Promise<void>;
  /** A recording of which nothing is noted is ahead, too, if the file knows anything of it. */
  isAhead(recordingId: string): Promise<boolean>;
  /**
   * Takes what the database knows of a recording in a bucket in place of what was known here; deliveries stay there.
   * @returns false if another process of this machine works at it
   */
  copy(known: KnownOfRecording, target: string, now: number): Promise<boolean>;
  /** IDs of recordings that are ahead and that no living process works at, the oldest first. */
  ahead(): Promise<string[]>;
  /** What is to be brought over of a recording, and which of its webhooks are forced; undefined: another process has it. */
  read(recordingId: string): Promise<{ known: KnownOfRecording; forced: Set<string> } | undefined>;
  /**
   * The database knows this now: its deliveries are forgotten here.
   * @param options.keep it has another machine's recording in its place, so that nothing is forgotten
   * @returns false if more is known by now, so that it stays ahead
   */
  brought(known: KnownOfRecording, options: { keep: boolean; now: number }): Promise<boolean>;
  /** Counts a file that was sent and that the database did not count. */
  countSentFile(bytes: number, parts: number): Promise<void>;
  folderChanged(dir: string, now: number): Promise<void>;
  changedFolders(): Promise<{ dir: string; since: number }[]>;
  folderBrought(folder: { dir: string; since: number }): Promise<void>;
  settled(settlement: Settlement): Promise<void>;
  settlements(): Promise<{ id: number; settlement: Settlement }[]>;
  settlementBrought(id: number): Promise<void>;
  /** True while something is to be brought over. */
  isWaiting(): Promise<boolean>;
  /** Removes what the database knows, and was done, before this time. */
  prune(before: number): Promise<void>;
  /** Of what was done before this time, only the database knows; undefined: the file knows all of this machine. */
  prunedBefore(): Promise<number | undefined>;
  /** Names the life of this file: its totals count from the beginning of that. */
  epoch(): Promise<string>;
}

const UNMARKED = 'NOT EXISTS (SELECT 1 FROM spooled WHERE spooled.recording_id = $id)';

export function openSpool(database: Database): Spool {
  const { read, write, liveness } = database;
  const transfer = sqliteTransfer(database);
  let mayBeOlder = true;
  const isAlive = ({ claimed_by: owner }: Row) => typeof owner === 'string' && liveness.isAlive(owner);
  /** Buckets in which a process of this machine uploads it; this one, too: what is under way is brought over at its end. */
  const underWay = (sql: Sql, id: string) =>
    new Set(
      sql
        .all('SELECT target, claimed_by FROM recordings WHERE id = $id AND claimed_by IS NOT NULL', { id })
        .filter(isAlive)
        .map(row => row.target as string),
    );
  /** What nobody works at; undefined: nothing, or a process that knows of no fleet sends a webhook of it. */
  const readFree = (sql: Sql, id: string): KnownOfRecording | undefined => {
    const sent = 'SELECT claimed_by FROM deliveries WHERE recording_id = $id AND claimed_by IS NOT NULL';
    if (sql.all(sent, { id }).some(isAlive)) return undefined;
    const known = runNow(sql, readRecording(id));
    const taken = underWay(sql, id);
    if (taken.size === 0) return known;
    const free = inTargets(known, target => !taken.has(target));
    return free.recordings.length > 0 ? free : undefined;
  };
  const mark = (sql: Sql, id: string, isAhead: boolean, now: number) => {
    sql.run(
      `INSERT INTO spooled (recording_id, is_ahead, forced, since) VALUES ($id, $isAhead, 0, $now)
       ON CONFLICT (recording_id) DO UPDATE SET is_ahead = $isAhead, forced = 0,
         since = CASE $isAhead WHEN 1 THEN since ELSE $now END`,
      { id, isAhead: Number(isAhead), now },
    );
  };
  return {
    transfer,

    setAhead: (id, { forced = false, now }) =>
      write(sql => {
        sql.run(
          `INSERT INTO spooled (recording_id, is_ahead, forced, since) VALUES ($id, 1, $forced, $now)
           ON CONFLICT (recording_id) DO UPDATE SET is_ahead = 1, forced = MAX(forced, $forced),
             since = CASE is_ahead WHEN 1 THEN since ELSE $now END`,
          { id, forced: Number(forced), now },
        );
      }),

    isAhead: id =>
      read(
        sql =>
          sql.get(
            `SELECT 1 FROM spooled WHERE recording_id = $id AND is_ahead = 1
             UNION SELECT 1 FROM recordings WHERE id = $id AND ${UNMARKED}
             UNION SELECT 1 FROM deliveries WHERE recording_id = $id AND ${UNMARKED}`,
            { id },
          ) !== undefined,
      ),

    copy: (known, target, now) =>
      write(sql => {
        const id = known.recordingId;
        if (underWay(sql, id).has(target)) return false;
        const rows = { ...known, deliveries: [], pruned_deliveries: [] };
        runNow(
          sql,
          takeRecording(
            inTargets(rows, one => one === target),
            SQLITE,
            { prefer: 'source', now },
          ),
        );
        mark(sql, id, false, now);
        return true;
      }),

    ahead: () =>
      read(sql =>
        sql
          .all(
            `SELECT recording_id AS id, since FROM spooled WHERE is_ahead = 1
             UNION SELECT id, updated_at FROM recordings
               WHERE id NOT IN (SELECT recording_id FROM spooled)
             UNION SELECT recording_id, created_at FROM deliveries
               WHERE recording_id NOT IN (SELECT recording_id FROM spooled)
             ORDER BY since`,
          )
          .map(row => String(row.id))
          .filter((id, index, all) => all.indexOf(id) === index && readFree(sql, id) !== undefined),
      ),

    read: id =>
      read(sql => {
        const known = readFree(sql, id);
        if (!known) return undefined;
        const row = sql.get('SELECT forced FROM spooled WHERE recording_id = $id', { id });
        const ids = row?.forced === 1 ? known.deliveries.map(one => String(one.row.webhook_id)) : [];
        return { known, forced: new Set(ids) };
      }),

    brought: (known, { keep, now }) =>
      write(sql => {
        const id = known.recordingId;
        if (!isSame(readFree(sql, id), known)) return false;
        if (!keep)
          for (const table of ['deliveries', 'pruned_deliveries'])
            sql.run(`DELETE FROM ${table} WHERE recording_id = $id`, { id });
        // What is under way in another bucket is brought over at its end.
        mark(sql, id, underWay(sql, id).size > 0, now);
        return true;
      }),

    countSentFile: (bytes, parts) => write(sql => countSentFile(sql, bytes, parts)),

    folderChanged: (dir, now) =>
      write(sql => {
        sql.run(
          `INSERT INTO spooled_folders (dir, since) VALUES ($dir, $now)
           ON CONFLICT (dir) DO UPDATE SET since = MAX(since + 1, $now)`,
          { dir, now },
        );
      }),
    changedFolders: () =>
      read(sql =>
        sql
          .all('SELECT dir, since FROM spooled_folders ORDER BY since')
          .map(({ dir, since }) => ({ dir: String(dir), since: Number(since) })),
      ),
    folderBrought: ({ dir, since }) =>
      write(sql => {
        sql.run('DELETE FROM spooled_folders WHERE dir = $dir AND since = $since', { dir, since });
      }),

    settled: settlement =>
      write(sql => {
        sql.run('INSERT INTO spooled_settlements (settlement) VALUES ($settlement)', {
          settlement: JSON.stringify(settlement),
        });
      }),
    settlements: () =>
      read(sql =>
        sql.all('SELECT id, settlement FROM spooled_settlements ORDER BY id').map(({ id, settlement }) => ({
          id: Number(id),
          settlement: JSON.parse(String(settlement)) as Settlement,
        })),
      ),
    settlementBrought: id =>
      write(sql => {
        sql.run('DELETE FROM spooled_settlements WHERE id = $id', { id });
      }),

    isWaiting: () =>
      read(sql => {
        const isNoted = sql.get(
          `SELECT 1 FROM spooled WHERE is_ahead = 1
           UNION ALL SELECT 1 FROM spooled_folders UNION ALL SELECT 1 FROM spooled_settlements LIMIT 1`,
        );
        if (isNoted) return true;
        // Whoever has the file as a spool notes all. So it is asked only until everything else was brought over.
        mayBeOlder &&=
          sql.get(
            `SELECT 1 FROM recordings WHERE id NOT IN (SELECT recording_id FROM spooled)
           UNION ALL SELECT 1 FROM deliveries WHERE recording_id NOT IN (SELECT recording_id FROM spooled) LIMIT 1`,
          ) !== undefined;
        return mayBeOlder;
      }),

    prune: async before => {
      await pruneSpool(database, before);
    },
    prunedBefore: () => read(prunedBefore),

    epoch: () => epochOf(database),
  };
}

/** Of a recording, what is in some buckets. */
function inTargets(known: KnownOfRecording, isWanted: (target: string) => boolean): KnownOfRecording {
  const of = (rows: KnownOfRecording['files']) => rows.filter(({ target }) => isWanted(String(target)));
  const { recordings, files, parts, multipart_uploads, begun_uploads } = known;
  return {
    ...known,
    recordings: of(recordings),
    files: of(files),
    parts: of(parts),
    multipart_uploads: of(multipart_uploads),
    begun_uploads: of(begun_uploads),
  };
}

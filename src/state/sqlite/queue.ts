import { type AskedFolder, LONGEST_PAUSE_MS, type NotBegun, type UploadQueue } from '../../core/upload/queue.ts';
import { storing } from '../not-stored.ts';
import { toQueued } from '../rows.ts';
import type { Database } from './database.ts';
import type { Sql } from './sql.ts';

/** The queue of uploads over the database. */
export function openUploadQueue({ read, write }: Database): UploadQueue {
  return {
    add: (entries, now) =>
      storing(
        entries.length === 1 ? `the upload of ${entries[0]?.dir}` : `the uploads of ${entries.length} folders`,
        write(sql => {
          for (const entry of entries) add(sql, entry, now);
        }),
      ),

    postpone: (dir, { state, reason, hint, nextAt }, now) =>
      write(sql => {
        sql.run(
          `UPDATE queue SET state = $state, reason = $reason, hint = $hint, next_at = $nextAt, updated_at = $now
           WHERE dir = $dir`,
          { dir, state, reason, hint, nextAt, now },
        );
      }),

    list: () => read(sql => sql.all('SELECT * FROM queue ORDER BY since, dir').map(toQueued)),

    due: (now, limit = -1) =>
      read(sql =>
        sql
          .all(`SELECT * FROM queue WHERE next_at <= $now OR next_at > $furthest ORDER BY since, dir LIMIT $limit`, {
            now,
            furthest: now + LONGEST_PAUSE_MS,
            limit,
          })
          .map(toQueued),
      ),

    nextAt: () =>
      read(sql => {
        const next = sql.get('SELECT MIN(next_at) AS n FROM queue')?.n;
        return typeof next === 'number' ? next : undefined;
      }),

    remove: dir =>
      write(sql => {
        sql.run('DELETE FROM queue WHERE dir = $dir', { dir });
      }),
  };
}

function add(
  sql: Sql,
  { dir, recordingId, origin, asked, ...why }: AskedFolder & Partial<NotBegun>,
  now: number,
): void {
  const { state = 'waiting', reason = null, hint = null, nextAt = now } = why;
  // Two that ask within one millisecond, or a clock that was set back: the later one counts as later.
  sql.run(
    `INSERT INTO queue
       (dir, recording_id, origin, asked, state, reason, hint, since, asked_at, updated_at, next_at)
     VALUES ($dir, $recordingId, $origin, $asked, $state, $reason, $hint, $now, $now, $now, $nextAt)
     ON CONFLICT (dir) DO UPDATE SET
       recording_id = $recordingId, origin = $origin, asked = $asked, state = $state, reason = $reason, hint = $hint,
       asked_at = MAX($now, asked_at + 1), updated_at = $now, next_at = $nextAt
       WHERE $origin = 'enqueued' OR ($origin = 'upload' AND origin <> 'enqueued')`,
    { dir, recordingId, origin, asked: JSON.stringify(asked), state, reason, hint, now, nextAt },
  );
}

/** Within a write: removes the entry of a folder whose upload begins, unless somebody asked for it again since. */
export function beginQueued(sql: Sql, dir: string, askedAt: number): void {
  sql.run('DELETE FROM queue WHERE dir = $dir AND asked_at <= $askedAt', { dir, askedAt });
}

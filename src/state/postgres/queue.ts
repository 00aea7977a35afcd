import { type AskedFolder, LONGEST_PAUSE_MS, type NotBegun, type UploadQueue } from '../../core/upload/queue.ts';
import { storing } from '../not-stored.ts';
import { toQueued } from '../rows.ts';
import type { Database } from './database.ts';
import type { Sql } from './sql.ts';

/** The queue of uploads over the database: this machine's. */
export function openUploadQueue({ read, single, write, self: { machine } }: Database): UploadQueue {
  return {
    add: (entries, now) =>
      storing(
        entries.length === 1 ? `the upload of ${entries[0]?.dir}` : `the uploads of ${entries.length} folders`,
        write(async sql => {
          for (const entry of entries) await add(sql, machine, entry, now);
        }),
      ),

    postpone: (dir, { state, reason, hint, nextAt }, now) =>
      write(async sql => {
        await sql.run(
          `UPDATE queue SET state = $state, reason = $reason, hint = $hint, next_at = $nextAt, updated_at = $now
           WHERE machine = $machine AND dir = $dir`,
          { machine, dir, state, reason, hint, nextAt, now },
        );
      }),

    list: () =>
      read(async sql =>
        (await sql.all('SELECT * FROM queue WHERE machine = $machine ORDER BY since, dir', { machine })).map(toQueued),
      ),

    due: (now, limit) =>
      single(async sql => {
        const rows = await sql.all(
          `SELECT * FROM queue WHERE machine = $machine AND (next_at <= $now OR next_at > $furthest)
           ORDER BY since, dir LIMIT $limit`,
          { machine, now, furthest: now + LONGEST_PAUSE_MS, limit: limit ?? null },
        );
        return rows.map(toQueued);
      }),

    nextAt: () =>
      single(async sql => {
        const next = (await sql.get('SELECT MIN(next_at) AS n FROM queue WHERE machine = $machine', { machine }))?.n;
        return typeof next === 'number' ? next : undefined;
      }),

    remove: dir =>
      write(async sql => {
        await sql.run('DELETE FROM queue WHERE machine = $machine AND dir = $dir', { machine, dir });
      }),
  };
}

async function add(
  sql: Sql,
  machine: string,
  { dir, recordingId, origin, asked, ...why }: AskedFolder & Partial<NotBegun>,
  now: number,
): Promise<void> {
  const { state = 'waiting', reason = null, hint = null, nextAt = now } = why;
  // Two that ask within one millisecond, or a clock that was set back: the later one counts as later.
  await sql.run(
    `INSERT INTO queue AS known
       (machine, dir, recording_id, origin, asked, state, reason, hint, since, asked_at, updated_at, next_at)
     VALUES ($machine, $dir, $recordingId, $origin, $asked, $state, $reason, $hint, $now, $now, $now, $nextAt)
     ON CONFLICT (machine, dir_key) DO UPDATE SET
       recording_id = excluded.recording_id, origin = excluded.origin, asked = excluded.asked, state = excluded.state,
       reason = excluded.reason, hint = excluded.hint, asked_at = GREATEST(excluded.asked_at, known.asked_at + 1),
       updated_at = excluded.updated_at, next_at = excluded.next_at
       WHERE excluded.origin = 'enqueued' OR (excluded.origin = 'upload' AND known.origin <> 'enqueued')`,
    { machine, dir, recordingId, origin, asked: JSON.stringify(asked), state, reason, hint, now, nextAt },
  );
}

/** Within a write: removes the entry of a folder whose upload begins, unless somebody asked for it again since. */
export async function beginQueued(sql: Sql, machine: string, dir: string, askedAt: number): Promise<void> {
  await sql.run('DELETE FROM queue WHERE machine = $machine AND dir = $dir AND asked_at <= $askedAt', {
    machine,
    dir,
    askedAt,
  });
}

import type { Database } from '../sqlite/database.ts';
import type { Sql } from '../sqlite/sql.ts';
import { removeRecording } from '../transfer/remove.ts';
import { runNow } from '../transfer/script.ts';

/*
 * What the spool has of recordings that the fleet's database knows all of. It is kept for a while: without the database, it
 * is what tells a folder that was uploaded from one that was not.
 */

/** Another process of this machine waits for no more than this many. */
const AT_ONCE = 200;
/** The mark under which `spooled` says until when rows were removed; no recording has this ID. */
const PRUNED = '';

/** Work that is not over keeps a recording, and so does an upload in the bucket that may be abandoned. */
const BROUGHT = `SELECT recording_id AS id FROM spooled
  WHERE is_ahead = 0 AND since < $before AND recording_id <> '${PRUNED}'
    AND NOT EXISTS (SELECT 1 FROM recordings WHERE id = spooled.recording_id
      AND (state <> 'done' OR updated_at >= $before OR claimed_by IS NOT NULL OR local_removing = 1))
    AND NOT EXISTS (SELECT 1 FROM deliveries WHERE recording_id = spooled.recording_id)
    AND NOT EXISTS (SELECT 1 FROM pruned_deliveries WHERE recording_id = spooled.recording_id)
    AND NOT EXISTS (SELECT 1 FROM multipart_uploads WHERE recording_id = spooled.recording_id)
    AND NOT EXISTS (SELECT 1 FROM begun_uploads
      WHERE key > spooled.recording_id || '/' AND key < spooled.recording_id || '0')
  LIMIT ${AT_ONCE}`;

/**
 * Removes recordings that were brought over, and were done, before a time. Each step is one transaction, which looks again.
 * @returns how many
 */
export async function pruneSpool({ write }: Pick<Database, 'write'>, before: number): Promise<number> {
  for (let removed = 0; ; ) {
    const some = await write(sql => removeSome(sql, before));
    removed += some;
    if (some < AT_ONCE) return removed;
  }
}

/** Within a read: of what was done before this time, only the fleet's database knows; undefined: the spool knows all. */
export function prunedBefore(sql: Sql): number | undefined {
  const row = sql.get('SELECT since FROM spooled WHERE recording_id = $mark', { mark: PRUNED });
  return row && Number(row.since);
}

function removeSome(sql: Sql, before: number): number {
  const ids = sql.all(BROUGHT, { before }).map(row => String(row.id));
  for (const id of ids) {
    runNow(sql, removeRecording(id));
    sql.run('DELETE FROM spooled WHERE recording_id = $id', { id });
  }
  if (ids.length > 0) {
    sql.run(
      `INSERT INTO spooled (recording_id, is_ahead, forced, since) VALUES ($mark, 0, 0, $before)
       ON CONFLICT (recording_id) DO UPDATE SET since = MAX(since, $before)`,
      { mark: PRUNED, before },
    );
  }
  return ids.length;
}

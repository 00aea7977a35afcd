import type { RecordingState } from '../../core/upload/journal.ts';
import type { KnownFolder, KnownFolders } from '../../core/upload/known-folders.ts';
import { toIdentity, toQueued } from '../rows.ts';
import { IS_OURS, ours } from './claim-recording.ts';
import type { Database } from './database.ts';
import type { Sql, Values } from './sql.ts';

/** What the state knows of this machine's folders, over the database; with `sharedFolders`, of everybody's. */
export function openKnownFolders(database: Database): KnownFolders {
  const { machine } = database.self;
  return {
    get: (target, dir) =>
      database.read(async sql => {
        const queued = await sql.get('SELECT * FROM queue WHERE machine = $machine AND dir = $dir', { machine, dir });
        const known = await knownIn(sql, { target, dir, ...ours(database) });
        return { known, queued: queued && toQueued(queued) };
      }),
  };
}

/** @param values target, dir, and those of `IS_OURS` */
async function knownIn(sql: Sql, values: Values): Promise<KnownFolder | undefined> {
  // While a recording is still being recorded, its upload has not begun.
  const row = await sql.get(
    `SELECT target, id, state, updated_at, claimed_by IN (SELECT id FROM living_owners) AS at_work FROM recordings
     WHERE dir = $dir AND target = $target AND created_at > 0 AND state <> 'recording' AND ${IS_OURS}
     ORDER BY updated_at DESC LIMIT 1`,
    values,
  );
  if (!row) return undefined;
  const files = await sql.all(
    'SELECT name, size, mtime_ns, inode, state FROM files WHERE target = $target AND recording_id = $id',
    { target: String(row.target), id: String(row.id) },
  );
  return {
    recordingId: String(row.id),
    state: row.state as RecordingState,
    isAtWork: row.at_work === 1,
    updatedAt: Number(row.updated_at),
    files: files.map(file => ({
      ...toIdentity(file),
      name: String(file.name),
      state: file.state as 'pending' | 'uploaded',
    })),
  };
}

import type { RecordingState } from '../../core/upload/journal.ts';
import type { KnownFolder, KnownFolders } from '../../core/upload/known-folders.ts';
import { toIdentity, toQueued } from '../rows.ts';
import type { Database } from './database.ts';
import type { Sql } from './sql.ts';

/** What the state knows of folders, over the database. */
export function openKnownFolders({ read, liveness }: Database): KnownFolders {
  return {
    get: (target, dir) =>
      read(sql => {
        const queued = sql.get('SELECT * FROM queue WHERE dir = $dir', { dir });
        return {
          known: knownIn(sql, { target, dir }, id => liveness.isAlive(id)),
          queued: queued && toQueued(queued),
        };
      }),
  };
}

function knownIn(
  sql: Sql,
  { target, dir }: { target: string; dir: string },
  isAlive: (ownerId: string) => boolean,
): KnownFolder | undefined {
  // While a recording is still being recorded, its upload has not begun.
  const row = sql.get(
    `SELECT id, state, claimed_by, updated_at FROM recordings
     WHERE dir = $dir AND target = $target AND created_at > 0 AND state <> 'recording' ORDER BY updated_at DESC LIMIT 1`,
    { target, dir },
  );
  if (!row) return undefined;
  const id = String(row.id);
  const files = sql.all(
    'SELECT name, size, mtime_ns, inode, state FROM files WHERE target = $target AND recording_id = $id',
    { target, id },
  );
  return {
    recordingId: id,
    state: row.state as RecordingState,
    isAtWork: typeof row.claimed_by === 'string' && isAlive(row.claimed_by),
    updatedAt: Number(row.updated_at),
    files: files.map(file => ({
      ...toIdentity(file),
      name: String(file.name),
      state: file.state as 'pending' | 'uploaded',
    })),
  };
}

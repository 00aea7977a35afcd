import type { RecordingId } from '../../core/recording/recording.ts';
import type { LocalFiles, LocalRecording, Told } from '../../core/upload/local-files.ts';
import type { RecordingRef } from '../../core/upload/parts-journal.ts';
import { OF_RECORDING, valuesOfRecording } from '../refs.ts';
import { toFile, toNote, toRecording, toTold } from '../rows.ts';
import type { Database } from './database.ts';
import type { Row, Sql } from './sql.ts';

/**
 * The port over the database.
 * @param pid this process, as the others see it
 */
export function openLocalFiles({ read, write, liveness }: Database, pid: number): LocalFiles {
  const isFree = ({ claimed_by: owner }: Row) => typeof owner !== 'string' || !liveness.isAlive(owner);
  return {
    kept: (target, { doneBefore }) =>
      read(sql =>
        sql
          .all(
            `SELECT * FROM recordings WHERE target = $target AND state = 'done' AND local_removed_at IS NULL
               AND done_at <= $doneBefore ORDER BY done_at`,
            { target, doneBefore },
          )
          .filter(isFree)
          .map(row => {
            const { target, id, dir } = toRecording(row);
            return { target, id, dir, isRemoving: row.local_removing === 1 };
          }),
      ),

    interrupted: () =>
      read(sql =>
        sql
          .all(
            `SELECT target, id FROM recordings
             WHERE local_removing = 1 AND state = 'done' AND local_removed_at IS NULL ORDER BY done_at`,
          )
          .map(({ target, id }) => ({ target: String(target), recordingId: String(id) as RecordingId })),
      ),

    look: ref =>
      read(sql => {
        const row = sql.get(`SELECT * FROM recordings WHERE ${OF_RECORDING}`, valuesOfRecording(ref));
        return isKept(row) ? toLocal(sql, row) : undefined;
      }),

    claim: (ref, now) =>
      write(sql => {
        const row = sql.get(`SELECT * FROM recordings WHERE ${OF_RECORDING}`, valuesOfRecording(ref));
        const others = row
          ? sql.all('SELECT claimed_by FROM recordings WHERE dir = $dir', { dir: String(row.dir) })
          : [];
        if (!others.every(isFree)) return { ok: false, why: 'busy' };
        if (!isKept(row)) return { ok: false, why: 'undone' };
        const owner = liveness.ownerId;
        sql.run('INSERT OR IGNORE INTO owners (id, pid, started_at) VALUES ($owner, $pid, $now)', { owner, pid, now });
        sql.run(`UPDATE recordings SET claimed_by = $owner WHERE ${OF_RECORDING}`, {
          ...valuesOfRecording(ref),
          owner,
        });
        return { ok: true, recording: toLocal(sql, row) };
      }),

    removing: (ref, isRemoving) => set(ref, 'local_removing = $isRemoving', { isRemoving: Number(isRemoving) }),

    fileRemoved: ({ name, ...ref }, now) =>
      write(sql => {
        sql.run(
          `UPDATE files SET removed_at = $now
           WHERE target = $target AND recording_id = $recordingId AND name = $name AND removed_at IS NULL`,
          { ...valuesOfRecording(ref), name, now },
        );
      }),

    removed: (ref, now) => set(ref, 'local_removed_at = $now, local_removing = 0, local_note = NULL', { now }),

    note: (ref, note) => set(ref, 'local_note = $note', { note: note && JSON.stringify(note) }),

    removedFrom: dir =>
      read(sql => {
        const row = sql.get(
          `SELECT * FROM recordings WHERE dir = $dir AND (local_removing = 1 OR local_removed_at IS NOT NULL)
           ORDER BY local_removed_at DESC LIMIT 1`,
          { dir },
        );
        if (!row) return undefined;
        const { target, id: recordingId } = toRecording(row);
        return { recordingId, target, removedAt: row.local_removed_at as number | null };
      }),
  };

  function set(ref: RecordingRef, what: string, values: Record<string, string | number | null> = {}): Promise<void> {
    return write(sql => {
      sql.run(`UPDATE recordings SET ${what} WHERE ${OF_RECORDING}`, { ...valuesOfRecording(ref), ...values });
    });
  }
}

function isKept(row: Row | undefined): row is Row {
  return row?.state === 'done' && row.local_removed_at === null;
}

function toLocal(sql: Sql, row: Row): LocalRecording {
  const others = sql.all(
    `SELECT * FROM recordings WHERE dir = $dir AND state = 'done' AND local_removed_at IS NULL
       AND NOT (target = $target AND id = $id)`,
    { dir: String(row.dir), target: String(row.target), id: String(row.id) },
  );
  return { ...toLocalAlone(sql, row), others: others.map(other => toLocalAlone(sql, other)) };
}

function toLocalAlone(sql: Sql, row: Row): Omit<LocalRecording, 'others'> {
  const { target, id, dir, webhooks } = toRecording(row);
  const other = sql.get(
    `SELECT target, id FROM recordings
     WHERE dir = $dir AND created_at > 0 AND state <> 'done' AND NOT (target = $target AND id = $id) LIMIT 1`,
    { dir, target, id },
  );
  return {
    target,
    id,
    dir,
    webhooks,
    doneAt: Number(row.done_at),
    sentAt: row.sent_at as number | null,
    isRemoving: row.local_removing === 1,
    note: toNote(row),
    files: sql
      .all('SELECT * FROM files WHERE target = $target AND recording_id = $id ORDER BY name', { target, id })
      .map(file => ({ ...toFile(file), removedAt: file.removed_at as number | null })),
    told: toldOf(sql, id),
    otherUpload: other ? { recordingId: String(other.id), target: String(other.target) } : null,
    isAskedFor: sql.get('SELECT 1 FROM queue WHERE dir = $dir', { dir }) !== undefined,
  };
}

/** The newest delivery to each endpoint; where all are pruned, what the endpoint has received. */
function toldOf(sql: Sql, id: string): Told[] {
  return toTold([
    ...sql.all(`SELECT endpoint, 'delivered' AS state, created_at FROM pruned_deliveries WHERE recording_id = $id`, {
      id,
    }),
    ...sql.all('SELECT endpoint, state, created_at FROM deliveries WHERE recording_id = $id ORDER BY seq', { id }),
  ]);
}

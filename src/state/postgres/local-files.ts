import type { RecordingId } from '../../core/recording/recording.ts';
import type { LocalFiles, LocalRecording, Told } from '../../core/upload/local-files.ts';
import type { RecordingRef } from '../../core/upload/parts-journal.ts';
import { OF_RECORDING, valuesOfRecording } from '../refs.ts';
import { toFile, toNote, toRecording, toTold } from '../rows.ts';
import { IS_OURS, lockFolder, ours } from './claim-recording.ts';
import type { Database } from './database.ts';
import type { Row, Sql, Values } from './sql.ts';

const IS_FREE = '(claimed_by IS NULL OR claimed_by NOT IN (SELECT id FROM living_owners))';

/** The port over the database: this machine's files; with `sharedFolders`, everybody's, each removed by whoever comes first. */
export function openLocalFiles(database: Database): LocalFiles {
  const { read, write } = database;
  const mine = ours(database);
  return {
    kept: (target, { doneBefore }) =>
      read(async sql => {
        const rows = await sql.all(
          `SELECT target, id, dir, local_removing FROM recordings
           WHERE target = $target AND state = 'done' AND local_removed_at IS NULL AND done_at <= $doneBefore
             AND ${IS_OURS} AND ${IS_FREE}
           ORDER BY done_at`,
          { target, doneBefore, ...mine },
        );
        return rows.map(row => ({
          target: String(row.target),
          id: String(row.id) as RecordingId,
          dir: String(row.dir),
          isRemoving: row.local_removing === 1,
        }));
      }),

    interrupted: () =>
      read(async sql => {
        const rows = await sql.all(
          `SELECT target, id FROM recordings
           WHERE local_removing = 1 AND state = 'done' AND local_removed_at IS NULL AND ${IS_OURS} ORDER BY done_at`,
          mine,
        );
        return rows.map(({ target, id }) => ({ target: String(target), recordingId: String(id) as RecordingId }));
      }),

    look: ref =>
      read(async sql => {
        const row = await rowOf(sql, ref);
        return isKept(row) ? await toLocal(sql, row, mine) : undefined;
      }),

    claim: (ref, _now) =>
      database.writeAsOwner(async (sql, owner) => {
        const dir = (await rowOf(sql, ref))?.dir;
        if (typeof dir === 'string') await lockFolder(sql, dir);
        // Read again: somebody may have claimed it, or moved it, until the folder was locked.
        const row = await rowOf(sql, ref);
        if (row && row.dir !== dir) return { ok: false, why: 'busy' };
        const busy = await sql.get(
          `SELECT 1 AS busy FROM recordings WHERE dir = $dir AND ${IS_OURS} AND NOT ${IS_FREE} LIMIT 1`,
          { dir: dir ?? '', ...mine },
        );
        if (busy) return { ok: false, why: 'busy' };
        if (!isKept(row)) return { ok: false, why: 'undone' };
        await sql.run(`UPDATE recordings SET claimed_by = $owner WHERE ${OF_RECORDING}`, {
          ...valuesOfRecording(ref),
          owner,
        });
        return { ok: true, recording: await toLocal(sql, row, mine) };
      }),

    removing: (ref, isRemoving) => set(ref, 'local_removing = $isRemoving', { isRemoving: Number(isRemoving) }),

    fileRemoved: ({ name, ...ref }, now) =>
      write(async sql => {
        await sql.run(
          `UPDATE files SET removed_at = $now
           WHERE target = $target AND recording_id = $recordingId AND name = $name AND removed_at IS NULL`,
          { ...valuesOfRecording(ref), name, now },
        );
      }),

    removed: (ref, now) => set(ref, 'local_removed_at = $now, local_removing = 0, local_note = NULL', { now }),

    note: (ref, note) => set(ref, 'local_note = $note', { note: note && JSON.stringify(note) }),

    removedFrom: dir =>
      read(async sql => {
        const row = await sql.get(
          `SELECT target, id, local_removed_at FROM recordings
           WHERE dir = $dir AND (local_removing = 1 OR local_removed_at IS NOT NULL) AND ${IS_OURS}
           ORDER BY local_removed_at DESC NULLS LAST LIMIT 1`,
          { dir, ...mine },
        );
        return (
          row && {
            recordingId: String(row.id) as RecordingId,
            target: String(row.target),
            removedAt: row.local_removed_at as number | null,
          }
        );
      }),
  };

  function set(ref: RecordingRef, what: string, values: Values = {}): Promise<void> {
    return write(async sql => {
      await sql.run(`UPDATE recordings SET ${what} WHERE ${OF_RECORDING}`, { ...valuesOfRecording(ref), ...values });
    });
  }
}

function rowOf(sql: Sql, ref: RecordingRef): Promise<Row | undefined> {
  return sql.get(`SELECT * FROM recordings WHERE ${OF_RECORDING}`, valuesOfRecording(ref));
}

function isKept(row: Row | undefined): row is Row {
  return row?.state === 'done' && row.local_removed_at === null;
}

/** @param mine values of `IS_OURS` */
async function toLocal(sql: Sql, row: Row, mine: Values): Promise<LocalRecording> {
  const others = await sql.all(
    `SELECT * FROM recordings WHERE dir = $dir AND state = 'done' AND local_removed_at IS NULL AND ${IS_OURS}
       AND NOT (target = $target AND id = $id)`,
    { dir: String(row.dir), target: String(row.target), id: String(row.id), ...mine },
  );
  const locals: Omit<LocalRecording, 'others'>[] = [];
  for (const other of others) locals.push(await toLocalAlone(sql, other, mine));
  return { ...(await toLocalAlone(sql, row, mine)), others: locals };
}

async function toLocalAlone(sql: Sql, row: Row, mine: Values): Promise<Omit<LocalRecording, 'others'>> {
  const { target, id, dir, webhooks } = toRecording(row);
  const other = await sql.get(
    `SELECT target, id FROM recordings
     WHERE dir = $dir AND created_at > 0 AND state <> 'done' AND NOT (target = $target AND id = $id) AND ${IS_OURS} LIMIT 1`,
    { dir, target, id, ...mine },
  );
  const files = await sql.all('SELECT * FROM files WHERE target = $target AND recording_id = $id ORDER BY name', {
    target,
    id,
  });
  const asked = await sql.get(`SELECT 1 AS asked FROM queue WHERE dir = $dir AND ${IS_OURS} LIMIT 1`, { dir, ...mine });
  return {
    target,
    id,
    dir,
    webhooks,
    doneAt: Number(row.done_at),
    sentAt: row.sent_at as number | null,
    isRemoving: row.local_removing === 1,
    note: toNote(row),
    files: files.map(file => ({ ...toFile(file), removedAt: file.removed_at as number | null })),
    told: await toldOf(sql, id),
    otherUpload: other ? { recordingId: String(other.id), target: String(other.target) } : null,
    isAskedFor: asked !== undefined,
  };
}

/** The newest delivery to each endpoint; where all are pruned, what the endpoint has received. */
async function toldOf(sql: Sql, id: string): Promise<Told[]> {
  const pruned = await sql.all(
    `SELECT endpoint, 'delivered' AS state, created_at FROM pruned_deliveries WHERE recording_id = $id`,
    { id },
  );
  const kept = await sql.all(
    'SELECT endpoint, state, created_at FROM deliveries WHERE recording_id = $id ORDER BY seq',
    { id },
  );
  return toTold([...pruned, ...kept]);
}

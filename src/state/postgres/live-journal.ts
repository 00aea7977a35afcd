import type { RecordingId } from '../../core/recording/recording.ts';
import type { LiveJournal } from '../../core/upload/live-journal.ts';
import type { RecordingState } from '../../core/upload/recording-state.ts';
import { OF_RECORDING, valuesOfRecording } from '../refs.ts';
import { claim, IS_OURS, ours, refusalOf } from './claim-recording.ts';
import type { Database } from './database.ts';

/** The journal of live uploads over the database. */
export function openLiveJournal(database: Database): LiveJournal {
  const { read, write, liveness, self } = database;
  return {
    beginLive: (target, { id, dir, details }, { now }) =>
      database.writeAsOwner(async (sql, owner) => {
        const ref = { target, recordingId: id };
        const refusal = await refusalOf(sql, ref, database, dir);
        if (refusal) return refusal;
        const row = await sql.get(`SELECT state FROM recordings WHERE ${OF_RECORDING}`, valuesOfRecording(ref));
        if (row && row.state !== 'recording')
          return { ok: false, known: row.state as Exclude<RecordingState, 'recording'> };
        const facts = { dir, details, webhooks: true, state: 'recording' as const, now };
        return { ok: true, token: await claim(sql, ref, facts, { owner, machine: self.machine }) };
      }),

    liveIn: (target, dir, id) =>
      read(async sql => {
        const rows = await sql.all(
          `SELECT id FROM recordings WHERE target = $target AND dir = $dir AND state = 'recording' AND ${IS_OURS}
           ORDER BY id`,
          { target, dir, ...ours(database) },
        );
        const inProgress = rows.map(row => String(row.id) as RecordingId);
        const ids = [...new Set([...inProgress, id])];
        const open = await sql.all(
          `SELECT recording_id, name FROM multipart_uploads
           WHERE target = $target AND recording_id = ANY ($ids::text[]) AND live = 1 ORDER BY name`,
          { target, ids: arrayOf(ids) },
        );
        const left = ids.map(id => ({
          id,
          names: open.filter(row => row.recording_id === id).map(row => String(row.name)),
        }));
        return left.filter(({ id, names }) => names.length > 0 || inProgress.includes(id));
      }),

    forgetLive: ref =>
      write(async sql => {
        await sql.run(
          `DELETE FROM recordings WHERE ${OF_RECORDING} AND state = 'recording'
             AND (claimed_by IS NULL OR claimed_by = $owner)`,
          { ...valuesOfRecording(ref), owner: liveness.current() ?? '' },
        );
      }),
  };
}

/** Texts as PostgreSQL's array literal. */
function arrayOf(texts: readonly string[]): string {
  return `{${texts.map(text => `"${text.replace(/["\\]/g, '\\$&')}"`).join()}}`;
}

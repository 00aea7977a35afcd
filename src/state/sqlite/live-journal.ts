import type { RecordingId } from '../../core/recording/recording.ts';
import type { LiveJournal } from '../../core/upload/live-journal.ts';
import type { RecordingState } from '../../core/upload/recording-state.ts';
import { OF_RECORDING, valuesOfRecording } from '../refs.ts';
import { claim, holderOf } from './claim-recording.ts';
import type { Database } from './database.ts';

/**
 * The journal of live uploads over the database.
 * @param pid this process, as the others see it
 */
export function openLiveJournal({ read, write, liveness }: Database, pid: number): LiveJournal {
  return {
    async beginLive(target, { id, dir, details }, { now }) {
      const ref = { target, recordingId: id };
      const result = await write(sql => {
        const holder = holderOf(sql, ref, { liveness, pid, dir });
        if (holder.pid !== undefined) return { ok: false as const, pid: holder.pid };
        const known = sql.get(`SELECT state FROM recordings WHERE ${OF_RECORDING}`, valuesOfRecording(ref))?.state;
        if (known !== undefined && known !== 'recording')
          return { ok: false as const, known: known as Exclude<RecordingState, 'recording'> };
        const facts = { dir, details, webhooks: true, state: 'recording' as const, now };
        const { dead } = holder;
        return { ok: true as const, token: claim(sql, ref, facts, { owner: liveness.ownerId, pid, dead }), dead };
      });
      if (!result.ok) return result;
      if (result.dead !== undefined) liveness.forget(result.dead);
      return { ok: true, token: result.token };
    },

    liveIn: (target, dir, id) =>
      read(sql => {
        const inProgress = sql
          .all(`SELECT id FROM recordings WHERE target = $target AND dir = $dir AND state = 'recording' ORDER BY id`, {
            target,
            dir,
          })
          .map(row => String(row.id) as RecordingId);
        const left = [...new Set([...inProgress, id])].map(recordingId => ({
          id: recordingId,
          names: sql
            .all(
              `SELECT name FROM multipart_uploads
               WHERE target = $target AND recording_id = $recordingId AND live = 1 ORDER BY name`,
              { target, recordingId },
            )
            .map(row => String(row.name)),
        }));
        return left.filter(({ id, names }) => names.length > 0 || inProgress.includes(id));
      }),

    forgetLive: ref =>
      write(sql => {
        sql.run(
          `DELETE FROM recordings WHERE ${OF_RECORDING} AND state = 'recording'
             AND (claimed_by IS NULL OR claimed_by = $owner)`,
          { ...valuesOfRecording(ref), owner: liveness.ownerId },
        );
      }),
  };
}

import type { RecordingId } from '../../core/recording/recording.ts';
import type { ForgetResult } from '../../core/upload/forget.ts';
import { type LeftRows, TABLES_OF_RECORDING, toForgotten, whereToForget } from '../forget.ts';
import type { Database } from './database.ts';
import { discard } from './discard.ts';
import type { Sql } from './sql.ts';

/** `UploadJournal.forget` over the database. */
export function forgetIn({ write, liveness }: Database) {
  return (recordingId: RecordingId, now: number): Promise<ForgetResult> =>
    write(sql => {
      const rows = sql.all('SELECT * FROM recordings WHERE id = $recordingId AND created_at > 0', { recordingId });
      const holder = rows
        .map(row => row.claimed_by)
        .find(owner => typeof owner === 'string' && liveness.isAlive(owner));
      if (holder) {
        const owner = sql.get('SELECT pid FROM owners WHERE id = $holder', { holder });
        return { ok: false, atWork: 'upload', pid: Number(owner?.pid ?? 0) };
      }
      const begun = sql.all(
        `SELECT target, upload_id, key FROM begun_uploads WHERE substr(key, 1, length($prefix)) = $prefix`,
        { prefix: `${recordingId}/` },
      );
      const { targets, kept } = whereToForget(rows, begun);
      const all = { recordingId, endpoint: undefined, now, isAlive: liveness.isAlive };
      const ended = kept.length > 0 ? { ok: true as const, discarded: [] } : discard(sql, all);
      if (!ended.ok) return { ok: false, atWork: 'webhook' };
      const uploads = [...targets].map(target =>
        toForgotten({ target, recordingId }, { rows, begun, ...leftIn(sql, target, recordingId) }),
      );
      for (const target of targets) remove(sql, target, recordingId);
      return { ok: true, uploads, discarded: ended.discarded, ...(kept.length > 0 && { kept }) };
    });
}

/** Its open uploads and stored files in one bucket. */
function leftIn(sql: Sql, target: string, recordingId: RecordingId): Pick<LeftRows, 'open' | 'stored'> {
  return {
    open: sql.all(
      `SELECT name, upload_id FROM multipart_uploads
       WHERE target = $target AND recording_id = $recordingId AND upload_id IS NOT NULL`,
      { target, recordingId },
    ),
    stored: sql.all(
      `SELECT name FROM files WHERE target = $target AND recording_id = $recordingId AND state = 'uploaded' ORDER BY name`,
      { target, recordingId },
    ),
  };
}

function remove(sql: Sql, target: string, recordingId: RecordingId): void {
  for (const table of TABLES_OF_RECORDING)
    sql.run(`DELETE FROM ${table} WHERE target = $target AND recording_id = $recordingId`, { target, recordingId });
  sql.run('DELETE FROM recordings WHERE target = $target AND id = $recordingId', { target, recordingId });
}

import type { RecordingId } from '../../core/recording/recording.ts';
import type { ForgetResult, ForgottenUpload } from '../../core/upload/forget.ts';
import { type LeftRows, TABLES_OF_RECORDING, toForgotten, whereToForget } from '../forget.ts';
import { clockOffset } from './clock-offset.ts';
import type { Database } from './database.ts';
import { discard } from './discard.ts';
import type { Sql } from './sql.ts';

/** `UploadJournal.forget` over the database; any machine may, whoever's the recording is. */
export function forgetIn({ write, liveness }: Database) {
  return (recordingId: RecordingId, now: number): Promise<ForgetResult> =>
    write(async sql => {
      const rows = await sql.all(
        'SELECT * FROM recordings WHERE id = $recordingId AND created_at > 0 ORDER BY target FOR UPDATE',
        { recordingId },
      );
      const living = await liveness.living(sql);
      const holder = rows.map(row => living.get(String(row.claimed_by))).find(owner => owner !== undefined);
      if (holder) return { ok: false, atWork: 'upload', pid: holder.pid };
      const begun = await sql.all('SELECT target, upload_id, key FROM begun_uploads WHERE starts_with(key, $prefix)', {
        prefix: `${recordingId}/`,
      });
      const { targets, kept } = whereToForget(rows, begun);
      const isAlive = async (id: string) => living.has(id);
      const ended =
        kept.length > 0
          ? { ok: true as const, discarded: [] }
          : await discard(sql, { recordingId, endpoint: undefined, now: now + (await clockOffset(sql)), isAlive });
      if (!ended.ok) return { ok: false, atWork: 'webhook' };
      const uploads: ForgottenUpload[] = [];
      for (const target of targets)
        uploads.push(
          toForgotten({ target, recordingId }, { rows, begun, ...(await leftIn(sql, target, recordingId)) }),
        );
      for (const target of targets) await remove(sql, target, recordingId);
      return { ok: true, uploads, discarded: ended.discarded, ...(kept.length > 0 && { kept }) };
    });
}

/** Its open uploads and stored files in one bucket. */
async function leftIn(sql: Sql, target: string, recordingId: RecordingId): Promise<Pick<LeftRows, 'open' | 'stored'>> {
  return {
    open: await sql.all(
      `SELECT name, upload_id FROM multipart_uploads
       WHERE target = $target AND recording_id = $recordingId AND upload_id IS NOT NULL`,
      { target, recordingId },
    ),
    stored: await sql.all(
      `SELECT name FROM files WHERE target = $target AND recording_id = $recordingId AND state = 'uploaded' ORDER BY name`,
      { target, recordingId },
    ),
  };
}

async function remove(sql: Sql, target: string, recordingId: RecordingId): Promise<void> {
  for (const table of TABLES_OF_RECORDING)
    await sql.run(`DELETE FROM ${table} WHERE target = $target AND recording_id = $recordingId`, {
      target,
      recordingId,
    });
  await sql.run('DELETE FROM recordings WHERE target = $target AND id = $recordingId', { target, recordingId });
}

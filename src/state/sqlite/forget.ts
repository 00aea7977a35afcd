import type { RecordingId } from '../../core/recording/recording.ts';
import type { ForgetResult, ForgottenUpload } from '../../core/upload/forget.ts';
import { toRecording } from '../rows.ts';
import type { Database } from './database.ts';
import { discard } from './discard.ts';
import type { Sql } from './sql.ts';

/** What belongs to one recording in one bucket. */
const TABLES = ['parts', 'multipart_uploads', 'files'] as const;

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
      // A mistyped bucket must not cost the recording in the right one its webhooks.
      const done = rows.filter(row => row.state === 'done').map(row => String(row.target));
      const unfinished = [...rows, ...begun].map(row => String(row.target)).filter(target => !done.includes(target));
      const kept = unfinished.length > 0 ? done : [];
      const targets = new Set(unfinished.length > 0 ? unfinished : done);
      const all = { recordingId, endpoint: undefined, now, isAlive: liveness.isAlive };
      const ended = kept.length > 0 ? { ok: true as const, discarded: [] } : discard(sql, all);
      if (!ended.ok) return { ok: false, atWork: 'webhook' };
      const uploads = [...targets].map((target): ForgottenUpload => {
        const row = rows.find(one => one.target === target);
        const recording = row && toRecording(row);
        const metadata = recording?.metadata == null ? [] : [`${recordingId}/metadata.json`];
        const open = sql.all(
          `SELECT name, upload_id FROM multipart_uploads
           WHERE target = $target AND recording_id = $recordingId AND upload_id IS NOT NULL`,
          { target, recordingId },
        );
        const multipart = new Map([
          ...begun.filter(one => one.target === target).map(one => [String(one.upload_id), String(one.key)] as const),
          ...open.map(one => [String(one.upload_id), `${recordingId}/${one.name}`] as const),
        ]);
        return {
          target,
          dir: recording?.dir,
          state: recording?.state,
          multipart: [...multipart].map(([uploadId, key]) => ({ key, uploadId })),
          stored: [...storedKeys(sql, target, recordingId), ...metadata],
        };
      });
      for (const target of targets) remove(sql, target, recordingId);
      return { ok: true, uploads, discarded: ended.discarded, ...(kept.length > 0 && { kept }) };
    });
}

function storedKeys(sql: Sql, target: string, recordingId: RecordingId): string[] {
  return sql
    .all(
      `SELECT name FROM files
       WHERE target = $target AND recording_id = $recordingId AND state = 'uploaded' ORDER BY name`,
      { target, recordingId },
    )
    .map(row => `${recordingId}/${row.name}`);
}

function remove(sql: Sql, target: string, recordingId: RecordingId): void {
  for (const table of TABLES)
    sql.run(`DELETE FROM ${table} WHERE target = $target AND recording_id = $recordingId`, { target, recordingId });
  sql.run('DELETE FROM recordings WHERE target = $target AND id = $recordingId', { target, recordingId });
}

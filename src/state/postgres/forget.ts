import type { RecordingId } from '../../core/recording/recording.ts';
import type { ForgetResult, ForgottenUpload } from '../../core/upload/forget.ts';
import { toRecording } from '../rows.ts';
import { clockOffset } from './clock-offset.ts';
import type { Database } from './database.ts';
import { discard } from './discard.ts';
import type { Row, Sql } from './sql.ts';

/** What belongs to one recording in one bucket. */
const TABLES = ['parts', 'multipart_uploads', 'files'] as const;

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
      // A mistyped bucket must not cost the recording in the right one its webhooks.
      const done = rows.filter(row => row.state === 'done').map(row => String(row.target));
      const unfinished = [...rows, ...begun].map(row => String(row.target)).filter(target => !done.includes(target));
      const kept = unfinished.length > 0 ? done : [];
      const targets = new Set(unfinished.length > 0 ? unfinished : done);
      const isAlive = async (id: string) => living.has(id);
      const ended =
        kept.length > 0
          ? { ok: true as const, discarded: [] }
          : await discard(sql, { recordingId, endpoint: undefined, now: now + (await clockOffset(sql)), isAlive });
      if (!ended.ok) return { ok: false, atWork: 'webhook' };
      const uploads: ForgottenUpload[] = [];
      for (const target of targets) uploads.push(await leftOf(sql, { target, recordingId }, rows, begun));
      for (const target of targets) await remove(sql, target, recordingId);
      return { ok: true, uploads, discarded: ended.discarded, ...(kept.length > 0 && { kept }) };
    });
}

/** What is left of a recording in one bucket. */
async function leftOf(
  sql: Sql,
  { target, recordingId }: { target: string; recordingId: RecordingId },
  rows: readonly Row[],
  begun: readonly Row[],
): Promise<ForgottenUpload> {
  const row = rows.find(one => one.target === target);
  const recording = row && toRecording(row);
  const metadata = recording?.metadata == null ? [] : [`${recordingId}/metadata.json`];
  const open = await sql.all(
    `SELECT name, upload_id FROM multipart_uploads
     WHERE target = $target AND recording_id = $recordingId AND upload_id IS NOT NULL`,
    { target, recordingId },
  );
  const stored = await sql.all(
    `SELECT name FROM files WHERE target = $target AND recording_id = $recordingId AND state = 'uploaded' ORDER BY name`,
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
    stored: [...stored.map(({ name }) => `${recordingId}/${name}`), ...metadata],
  };
}

async function remove(sql: Sql, target: string, recordingId: RecordingId): Promise<void> {
  for (const table of TABLES)
    await sql.run(`DELETE FROM ${table} WHERE target = $target AND recording_id = $recordingId`, {
      target,
      recordingId,
    });
  await sql.run('DELETE FROM recordings WHERE target = $target AND id = $recordingId', { target, recordingId });
}

import type { JournalFile, UploadedObject, UploadJournal } from '../../core/upload/journal.ts';
import type { FileRef, RecordingRef } from '../../core/upload/parts-journal.ts';
import { storing } from '../not-stored.ts';
import { OF_RECORDING, valuesOfFile, valuesOfRecording } from '../refs.ts';
import { toFile, toRecording } from '../rows.ts';
import { claim, holderOf } from './claim-recording.ts';
import type { Database } from './database.ts';
import { forgetIn } from './forget.ts';
import { openLiveJournal } from './live-journal.ts';
import type { Liveness } from './liveness.ts';
import { enqueue } from './outbox.ts';
import { endUpload, openPartsJournal } from './parts-journal.ts';
import { beginQueued } from './queue.ts';
import type { Row, Sql, Values } from './sql.ts';
import { countSentFile, countUpload } from './totals.ts';

/**
 * The journal of uploads over the database.
 * @param pid this process, as the others see it
 */
export function openUploadJournal(database: Database, pid: number): UploadJournal {
  const { read, write, liveness } = database;
  return {
    ...openPartsJournal(database),
    ...openLiveJournal(database, pid),

    async begin(target, { id, dir, details }, { webhooks, now, askedAt = now }) {
      const ref = { target, recordingId: id };
      const result = await write(sql => {
        const holder = holderOf(sql, ref, { liveness, pid, dir });
        if (holder.pid !== undefined) return { ok: false as const, pid: holder.pid };
        const { dead } = holder;
        const facts = { dir, details, webhooks, state: 'uploading' as const, now };
        const token = claim(sql, ref, facts, { owner: liveness.ownerId, pid, dead });
        beginQueued(sql, dir, askedAt);
        return { ok: true as const, dead, token };
      });
      if (!result.ok) return result;
      if (result.dead !== undefined) liveness.forget(result.dead);
      return { ok: true, token: result.token };
    },

    forget: forgetIn(database),

    release: ref => write(sql => release(sql, ref, liveness.ownerId)),

    finish: (ref, { state, error, refused = false, sent = false, metadata, webhook, now }) =>
      storing(
        `${webhook ? 'the webhook delivery' : 'the end of the upload'} of recording ${ref.recordingId}`,
        write(sql => {
          countEnd(sql, ref, state, now);
          sql.run(
            `UPDATE recordings SET state = $state, error = $error, refused = $refused, updated_at = $now,
               unfinished_since = CASE $state WHEN 'done' THEN NULL ELSE COALESCE(unfinished_since, $now) END,
               sent_at = CASE $sent WHEN 1 THEN $now ELSE sent_at END,
               done_at = CASE WHEN $state <> 'done' THEN NULL WHEN $sent = 1 THEN $now ELSE COALESCE(done_at, $now) END
             WHERE ${OF_RECORDING}`,
            { ...valuesOfRecording(ref), state, error, refused: Number(refused), sent: Number(sent), now },
          );
          if (metadata)
            sql.run(`UPDATE recordings SET metadata = $text, metadata_etag = $etag WHERE ${OF_RECORDING}`, {
              ...valuesOfRecording(ref),
              text: metadata.text,
              etag: metadata.etag,
            });
          release(sql, ref, liveness.ownerId);
          if (state === 'done') forgetRefused(sql, ref);
          return webhook ? enqueue(sql, { ...webhook, recordingId: ref.recordingId, now }) : [];
        }),
      ),

    recording: ref =>
      read(sql => {
        const row = sql.get(
          `SELECT * FROM recordings WHERE ${OF_RECORDING} AND created_at > 0`,
          valuesOfRecording(ref),
        );
        return row && toRecording(row);
      }),

    amend: (ref, details) =>
      write(sql => {
        const values = { ...valuesOfRecording(ref), details: JSON.stringify(details) };
        sql.run(`UPDATE recordings SET details = $details WHERE ${OF_RECORDING}`, values);
      }),

    unfinished: target =>
      read(sql =>
        sql
          .all(`SELECT * FROM recordings WHERE target = $target AND state <> 'done' ORDER BY updated_at`, { target })
          .filter(row => row.state !== 'recording' || !isClaimed(row, liveness))
          .map(toRecording),
      ),

    file: file =>
      read(sql => {
        const row = sql.get(
          'SELECT * FROM files WHERE target = $target AND recording_id = $recordingId AND name = $name',
          valuesOfFile(file),
        );
        return row && toFile(row);
      }),

    files: ref =>
      read(sql =>
        sql
          .all(
            'SELECT * FROM files WHERE target = $target AND recording_id = $recordingId ORDER BY name',
            valuesOfRecording(ref),
          )
          .map(toFile),
      ),

    fileUploaded: (file, facts, object, { now, sentBytes }) =>
      write(sql => {
        const { sizeBytes } = facts;
        if (sentBytes > 0) countSentFile(sql, sentBytes, Math.ceil(sentBytes / (object.partSizeBytes ?? sizeBytes)));
        saveFile(sql, file, facts, { state: 'uploaded', ...valuesOf(object), error: null, now });
        endUpload(sql, file);
      }),

    fileFailed: (file, facts, error, now) =>
      write(sql => saveFile(sql, file, facts, { state: 'pending', ...NO_OBJECT, error, now })),
  };
}

/** True if a living process has claimed it, this one included. */
function isClaimed({ claimed_by: owner }: Row, liveness: Liveness): boolean {
  return typeof owner === 'string' && liveness.isAlive(owner);
}

/** Forgets a recording of the same folder that was refused under another id: the operator has given it this one. */
function forgetRefused(sql: Sql, ref: RecordingRef): void {
  const dir = sql.get(`SELECT dir FROM recordings WHERE ${OF_RECORDING}`, valuesOfRecording(ref))?.dir;
  sql.run(
    `DELETE FROM recordings
     WHERE target = $target AND state <> 'done' AND refused = 1 AND id <> $recordingId AND dir = $dir
       AND claimed_by IS NULL`,
    { ...valuesOfRecording(ref), dir: String(dir) },
  );
}

/** Counts an upload that ends, before its row says so. */
function countEnd(sql: Sql, ref: RecordingRef, outcome: 'done' | 'partial', now: number): void {
  // Since `begin`, `updated_at` is when this run began, and `unfinished_since` when the first one did.
  const row = sql.get(
    `SELECT updated_at, unfinished_since FROM recordings WHERE ${OF_RECORDING}`,
    valuesOfRecording(ref),
  );
  if (!row) return;
  const beganAt = Number(row.updated_at);
  const run = row.unfinished_since === null || Number(row.unfinished_since) === beganAt ? 'first' : 'again';
  countUpload(sql, { outcome, run }, now - beganAt, now);
}

function release(sql: Sql, ref: RecordingRef, owner: string): void {
  sql.run(`UPDATE recordings SET claimed_by = NULL WHERE ${OF_RECORDING} AND claimed_by = $owner`, {
    ...valuesOfRecording(ref),
    owner,
  });
}

const NO_OBJECT = { partSizeBytes: null, checksum: null, etag: null, token: null } as const;

function valuesOf({ partSizeBytes, checksum, etag, token }: UploadedObject): Values {
  return { partSizeBytes, checksum, etag, token };
}

function saveFile(sql: Sql, file: FileRef, { role, sizeBytes, mtimeNs, inode }: JournalFile, outcome: Values): void {
  sql.run(
    `INSERT OR REPLACE INTO files
       (target, recording_id, name, role, size, mtime_ns, inode, state, part_size, checksum, etag, token, error, updated_at)
     VALUES ($target, $recordingId, $name, $role, $sizeBytes, $mtimeNs, $inode, $state, $partSizeBytes, $checksum, $etag,
       $token, $error, $now)`,
    { ...valuesOfFile(file), role, sizeBytes, mtimeNs, inode, ...outcome },
  );
}

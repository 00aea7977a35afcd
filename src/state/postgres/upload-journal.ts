import type { JournalFile, UploadedObject, UploadJournal } from '../../core/upload/journal.ts';
import type { FileRef, RecordingRef } from '../../core/upload/parts-journal.ts';
import { storing } from '../not-stored.ts';
import { OF_FILE, OF_RECORDING, valuesOfFile, valuesOfRecording } from '../refs.ts';
import { toFile, toRecording } from '../rows.ts';
import { assertNotTaken, claim, refusalOf } from './claim-recording.ts';
import { clockOffset } from './clock-offset.ts';
import type { Database } from './database.ts';
import { forgetIn } from './forget.ts';
import { openLiveJournal } from './live-journal.ts';
import { enqueue } from './outbox.ts';
import { endUpload, openPartsJournal } from './parts-journal.ts';
import { beginQueued } from './queue.ts';
import type { Row, Sql, Values } from './sql.ts';
import { countSentFile, countUpload } from './totals.ts';

/** The journal of uploads over the database. */
export function openUploadJournal(database: Database): UploadJournal {
  const { read, single, write, liveness, self } = database;
  return {
    ...openPartsJournal(database),
    ...openLiveJournal(database),

    begin: (target, { id, dir, details }, { webhooks, now, askedAt = now }) =>
      database.writeAsOwner(async (sql, owner) => {
        const ref = { target, recordingId: id };
        const refusal = await refusalOf(sql, ref, database, dir);
        if (refusal) return refusal;
        const facts = { dir, details, webhooks, state: 'uploading' as const, now };
        const token = await claim(sql, ref, facts, { owner, machine: self.machine });
        await beginQueued(sql, self.machine, dir, askedAt);
        return { ok: true, token };
      }),

    forget: forgetIn(database),

    release: ref => write(sql => release(sql, ref, liveness.current())),

    finish: (ref, { state, error, refused = false, sent = false, metadata, webhook, now }) =>
      storing(
        `${webhook ? 'the webhook delivery' : 'the end of the upload'} of recording ${ref.recordingId}`,
        write(async sql => {
          const row = await assertNotTaken(sql, ref, database);
          await sql.run(
            `UPDATE recordings SET state = $state, error = $error, refused = $refused, updated_at = $now,
               unfinished_since = CASE WHEN $isDone = 1 THEN NULL ELSE COALESCE(unfinished_since, $now) END,
               sent_at = CASE WHEN $sent = 1 THEN $now ELSE sent_at END,
               done_at = CASE WHEN $isDone = 0 THEN NULL WHEN $sent = 1 THEN $now ELSE COALESCE(done_at, $now) END,
               claimed_by = NULL
             WHERE ${OF_RECORDING}`,
            {
              ...valuesOfRecording(ref),
              state,
              isDone: Number(state === 'done'),
              error,
              refused: Number(refused),
              sent: Number(sent),
              now,
            },
          );
          if (metadata)
            await sql.run(`UPDATE recordings SET metadata = $text, metadata_etag = $etag WHERE ${OF_RECORDING}`, {
              ...valuesOfRecording(ref),
              text: metadata.text,
              etag: metadata.etag,
            });
          if (row && state === 'done') await forgetRefused(sql, ref, row);
          const queued = webhook
            ? await enqueue(sql, { ...webhook, recordingId: ref.recordingId, now: now + (await clockOffset(sql)) })
            : [];
          // Last: the whole fleet counts in one row.
          if (row) await countEnd(sql, row, state, now);
          return queued;
        }),
      ),

    recording: ref =>
      read(async sql => {
        const row = await sql.get(
          `SELECT * FROM recordings WHERE ${OF_RECORDING} AND created_at > 0`,
          valuesOfRecording(ref),
        );
        return row && toRecording(row);
      }),

    amend: (ref, details) =>
      write(async sql => {
        const values = { ...valuesOfRecording(ref), details: JSON.stringify(details) };
        await sql.run(`UPDATE recordings SET details = $details WHERE ${OF_RECORDING}`, values);
      }),

    unfinished: target =>
      single(async sql => {
        // With shared folders, what a machine has left that has no living process is anybody's.
        const rows = await sql.all(
          `SELECT * FROM recordings WHERE target = $target AND state <> 'done'
             AND (machine = $machine OR $shared = 1 AND machine NOT IN (SELECT machine FROM living_owners))
             AND (state <> 'recording' OR claimed_by IS NULL OR claimed_by NOT IN (SELECT id FROM living_owners))
           ORDER BY updated_at`,
          { target, machine: self.machine, shared: Number(database.sharedFolders) },
        );
        return rows.map(toRecording);
      }),

    file: file =>
      read(async sql => {
        const row = await sql.get(`SELECT * FROM files WHERE ${OF_FILE}`, valuesOfFile(file));
        return row && toFile(row);
      }),

    files: ref =>
      read(async sql => {
        const rows = await sql.all(
          'SELECT * FROM files WHERE target = $target AND recording_id = $recordingId ORDER BY name',
          valuesOfRecording(ref),
        );
        return rows.map(toFile);
      }),

    fileUploaded: (file, facts, object, { now, sentBytes }) =>
      write(async sql => {
        await assertNotTaken(sql, file, database);
        await saveFile(sql, file, facts, { state: 'uploaded', ...valuesOf(object), error: null, now });
        await endUpload(sql, file);
        const { sizeBytes } = facts;
        if (sentBytes > 0)
          await countSentFile(sql, sentBytes, Math.ceil(sentBytes / (object.partSizeBytes ?? sizeBytes)));
      }),

    fileFailed: (file, facts, error, now) =>
      write(async sql => {
        await assertNotTaken(sql, file, database);
        await saveFile(sql, file, facts, { state: 'pending', ...NO_OBJECT, error, now });
      }),
  };
}

/** Forgets a recording of the same folder that was refused under another id: the operator has given it this one. */
async function forgetRefused(sql: Sql, ref: RecordingRef, { dir, machine }: Row): Promise<void> {
  await sql.run(
    `DELETE FROM recordings
     WHERE target = $target AND state <> 'done' AND refused = 1 AND id <> $recordingId AND dir = $dir AND machine = $machine
       AND claimed_by IS NULL`,
    { ...valuesOfRecording(ref), dir: String(dir), machine: String(machine) },
  );
}

/** Counts an upload that ends. @param row as it was before */
async function countEnd(sql: Sql, row: Row, outcome: 'done' | 'partial', now: number): Promise<void> {
  // Since `begin`, `updated_at` is when this run began, and `unfinished_since` when the first one did.
  const beganAt = Number(row.updated_at);
  const run = row.unfinished_since === null || Number(row.unfinished_since) === beganAt ? 'first' : 'again';
  await countUpload(sql, { outcome, run }, now - beganAt, now);
}

async function release(sql: Sql, ref: RecordingRef, owner: string | undefined): Promise<void> {
  if (owner === undefined) return;
  await sql.run(`UPDATE recordings SET claimed_by = NULL WHERE ${OF_RECORDING} AND claimed_by = $owner`, {
    ...valuesOfRecording(ref),
    owner,
  });
}

const NO_OBJECT = { partSizeBytes: null, checksum: null, etag: null, token: null } as const;

function valuesOf({ partSizeBytes, checksum, etag, token }: UploadedObject): Values {
  return { partSizeBytes, checksum, etag, token };
}

async function saveFile(
  sql: Sql,
  file: FileRef,
  { role, sizeBytes, mtimeNs, inode }: JournalFile,
  outcome: Values,
): Promise<void> {
  await sql.run(
    `INSERT INTO files
       (target, recording_id, name, role, size, mtime_ns, inode, state, part_size, checksum, etag, token, error, updated_at)
     VALUES ($target, $recordingId, $name, $role, $sizeBytes, $mtimeNs, $inode, $state, $partSizeBytes, $checksum, $etag,
       $token, $error, $now)
     ON CONFLICT (target, recording_id, name) DO UPDATE SET
       role = excluded.role, size = excluded.size, mtime_ns = excluded.mtime_ns, inode = excluded.inode,
       state = excluded.state, part_size = excluded.part_size, checksum = excluded.checksum, etag = excluded.etag,
       token = excluded.token, error = excluded.error, updated_at = excluded.updated_at, removed_at = NULL`,
    { ...valuesOfFile(file), role, sizeBytes, mtimeNs, inode, ...outcome },
  );
}

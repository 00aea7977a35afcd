import { objectKey } from '../../core/recording/object-key.ts';
import type { RecordingId } from '../../core/recording/recording.ts';
import type { BegunUploads, FileRef, PartsJournal, StoredPart } from '../../core/upload/parts-journal.ts';
import { OF_FILE, valuesOfFile } from '../refs.ts';
import { toOpenUpload, toPart } from '../rows.ts';
import { assertNotTaken, IS_OURS, ours } from './claim-recording.ts';
import type { Database } from './database.ts';
import type { Sql } from './sql.ts';

/** The journal of multipart uploads over the database. */
export function openPartsJournal(database: Database): PartsJournal & BegunUploads {
  const { read, write, self } = database;
  return {
    openUpload: file =>
      read(async sql => {
        const row = await sql.get(`SELECT * FROM multipart_uploads WHERE ${OF_FILE}`, valuesOfFile(file));
        if (!row) return undefined;
        const parts = await sql.all(
          `SELECT number, etag, sha256 FROM parts WHERE ${OF_FILE} ORDER BY number`,
          valuesOfFile(file),
        );
        return { upload: toOpenUpload(row), parts: parts.map(toPart) };
      }),

    beginUpload: ({ target, recordingId }, upload, parts, now) =>
      write(async sql => {
        const { name, uploadId, token, askedAt, partSizeBytes, live, sizeBytes, mtimeNs, inode } = upload;
        const file = { target, recordingId, name };
        await assertNotTaken(sql, file, database);
        await deleteUpload(sql, file);
        await sql.run(
          `INSERT INTO multipart_uploads
             (target, recording_id, name, upload_id, token, part_size, size, mtime_ns, inode, created_at, asked_at, live)
           VALUES ($target, $recordingId, $name, $uploadId, $token, $partSizeBytes, $sizeBytes, $mtimeNs, $inode, $now,
             $askedAt, $live)`,
          {
            ...file,
            uploadId,
            askedAt,
            token: token ?? '',
            partSizeBytes,
            live: Number(live),
            sizeBytes,
            mtimeNs,
            inode,
            now,
          },
        );
        if (uploadId !== null)
          await sql.run(
            `INSERT INTO begun_uploads (target, upload_id, machine, begun_at, key)
             VALUES ($target, $uploadId, $machine, $now, $key) ON CONFLICT DO NOTHING`,
            { target, uploadId, machine: self.machine, now, key: objectKey(recordingId, name) },
          );
        await insertParts(sql, file, parts);
      }),

    addParts: (file, parts) =>
      write(async sql => {
        await assertNotTaken(sql, file, database);
        await insertParts(sql, file, parts);
      }),

    removeParts: (file, numbers) =>
      write(async sql => {
        await assertNotTaken(sql, file, database);
        await sql.run(`DELETE FROM parts WHERE ${OF_FILE} AND number = ANY ($numbers::int[])`, {
          ...valuesOfFile(file),
          numbers: `{${numbers.join()}}`,
        });
      }),

    fileLookedAt: (file, { live, sizeBytes, mtimeNs, inode }) =>
      write(async sql => {
        await assertNotTaken(sql, file, database);
        await sql.run(
          `UPDATE multipart_uploads SET size = $sizeBytes, mtime_ns = $mtimeNs, inode = $inode, live = $live
           WHERE ${OF_FILE}`,
          { ...valuesOfFile(file), live: Number(live), sizeBytes, mtimeNs, inode },
        );
      }),

    dropUpload: file =>
      write(async sql => {
        await assertNotTaken(sql, file, database);
        await deleteUpload(sql, file);
      }),

    // The fleet's: what another machine has under way is as little to be touched.
    openUploadIds: target =>
      read(async sql => {
        const rows = await sql.all(
          'SELECT upload_id FROM multipart_uploads WHERE target = $target AND upload_id IS NOT NULL',
          { target },
        );
        return new Set(rows.map(row => String(row.upload_id)));
      }),

    begunUploads: target =>
      read(async sql => {
        const rows = await sql.all(
          `SELECT upload_id, key, begun_at FROM begun_uploads WHERE target = $target AND ${IS_OURS}`,
          { target, ...ours(database) },
        );
        return rows.map(row => ({
          uploadId: String(row.upload_id),
          key: row.key as string | null,
          begunAt: Number(row.begun_at),
        }));
      }),

    knownKeys: target =>
      read(async sql => {
        const rows = await sql.all('SELECT recording_id, name FROM files WHERE target = $target LIMIT 10000', {
          target,
        });
        return rows.map(row => objectKey(String(row.recording_id) as RecordingId, String(row.name)));
      }),

    forgetUploads: (target, uploadIds) =>
      write(async sql => {
        for (const uploadId of uploadIds)
          await sql.run('DELETE FROM begun_uploads WHERE target = $target AND upload_id = $uploadId', {
            target,
            uploadId,
          });
      }),
  };
}

/** Within a write: the file's open upload has ended in the bucket, if it had one. */
export async function endUpload(sql: Sql, file: FileRef): Promise<void> {
  await sql.run(
    `DELETE FROM begun_uploads WHERE target = $target
       AND upload_id = (SELECT upload_id FROM multipart_uploads WHERE ${OF_FILE})`,
    valuesOfFile(file),
  );
  await deleteUpload(sql, file);
}

async function deleteUpload(sql: Sql, file: FileRef): Promise<void> {
  await sql.run(`DELETE FROM parts WHERE ${OF_FILE}`, valuesOfFile(file));
  await sql.run(`DELETE FROM multipart_uploads WHERE ${OF_FILE}`, valuesOfFile(file));
}

/** In one statement: a resumed upload may have 10,000. */
async function insertParts(sql: Sql, file: FileRef, parts: readonly StoredPart[]): Promise<void> {
  if (parts.length === 0) return;
  // Of parts with one number, the last counts.
  const byNumber = [...new Map(parts.map(one => [one.number, one])).values()];
  await sql.run(
    `INSERT INTO parts (target, recording_id, name, number, etag, sha256)
     SELECT $target, $recordingId, $name, (part ->> 'number')::int, part ->> 'etag', part ->> 'sha256'
     FROM json_array_elements($parts::json) AS part
     ON CONFLICT (target, recording_id, name, number) DO UPDATE SET etag = excluded.etag, sha256 = excluded.sha256`,
    { ...valuesOfFile(file), parts: JSON.stringify(byNumber) },
  );
}

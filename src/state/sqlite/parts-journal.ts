import { objectKey } from '../../core/recording/object-key.ts';
import type { RecordingId } from '../../core/recording/recording.ts';
import type { BegunUploads, FileRef, PartsJournal, StoredPart } from '../../core/upload/parts-journal.ts';
import { OF_FILE, valuesOfFile } from '../refs.ts';
import { toOpenUpload, toPart } from '../rows.ts';
import type { Database } from './database.ts';
import type { Row, Sql } from './sql.ts';

/** The journal of multipart uploads over the database. */
export function openPartsJournal(database: Database): PartsJournal & BegunUploads {
  const { read, write } = database;
  return {
    openUpload: file =>
      read(sql => {
        const row = sql.get(`SELECT * FROM multipart_uploads WHERE ${OF_FILE}`, valuesOfFile(file));
        if (!row) return undefined;
        const parts = sql.all(
          `SELECT number, etag, sha256 FROM parts WHERE ${OF_FILE} ORDER BY number`,
          valuesOfFile(file),
        );
        return { upload: toOpenUpload(row), parts: parts.map(toPart) };
      }),

    beginUpload: ({ target, recordingId }, upload, parts, now) =>
      write(sql => {
        const { name, uploadId, token, askedAt, partSizeBytes, live, sizeBytes, mtimeNs, inode } = upload;
        const file = { target, recordingId, name };
        deleteUpload(sql, file);
        sql.run(
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
          sql.run(
            `INSERT OR IGNORE INTO begun_uploads (target, upload_id, begun_at, key)
             VALUES ($target, $uploadId, $now, $key)`,
            { target, uploadId, now, key: objectKey(recordingId, name) },
          );
        insertParts(sql, file, parts);
      }),

    addParts: (file, parts) => write(sql => insertParts(sql, file, parts)),

    removeParts: (file, numbers) =>
      write(sql => {
        for (const number of numbers)
          sql.run(`DELETE FROM parts WHERE ${OF_FILE} AND number = $number`, { ...valuesOfFile(file), number });
      }),

    fileLookedAt: (file, { live, sizeBytes, mtimeNs, inode }) =>
      write(sql => {
        sql.run(
          `UPDATE multipart_uploads SET size = $sizeBytes, mtime_ns = $mtimeNs, inode = $inode, live = $live
           WHERE ${OF_FILE}`,
          { ...valuesOfFile(file), live: Number(live), sizeBytes, mtimeNs, inode },
        );
      }),

    dropUpload: file => write(sql => deleteUpload(sql, file)),

    openUploadIds: target =>
      read(sql =>
        idsIn(
          sql.all('SELECT upload_id FROM multipart_uploads WHERE target = $target AND upload_id IS NOT NULL', {
            target,
          }),
        ),
      ),

    begunUploads: target =>
      read(sql =>
        sql.all('SELECT upload_id, key, begun_at FROM begun_uploads WHERE target = $target', { target }).map(row => ({
          uploadId: String(row.upload_id),
          key: row.key as string | null,
          begunAt: Number(row.begun_at),
        })),
      ),

    knownKeys: target =>
      read(sql =>
        sql
          .all('SELECT recording_id, name FROM files WHERE target = $target LIMIT 10000', { target })
          .map(row => objectKey(String(row.recording_id) as RecordingId, String(row.name))),
      ),

    forgetUploads: (target, uploadIds) =>
      write(sql => {
        for (const uploadId of uploadIds)
          sql.run('DELETE FROM begun_uploads WHERE target = $target AND upload_id = $uploadId', { target, uploadId });
      }),
  };
}

/** Within a write: the file's open upload has ended in the bucket, if it had one. */
export function endUpload(sql: Sql, file: FileRef): void {
  sql.run(
    `DELETE FROM begun_uploads WHERE target = $target
       AND upload_id = (SELECT upload_id FROM multipart_uploads WHERE ${OF_FILE})`,
    valuesOfFile(file),
  );
  deleteUpload(sql, file);
}

function deleteUpload(sql: Sql, file: FileRef): void {
  sql.run(`DELETE FROM parts WHERE ${OF_FILE}`, valuesOfFile(file));
  sql.run(`DELETE FROM multipart_uploads WHERE ${OF_FILE}`, valuesOfFile(file));
}

function insertParts(sql: Sql, file: FileRef, parts: readonly StoredPart[]): void {
  for (const { number, etag, sha256 } of parts)
    sql.run(
      `INSERT OR REPLACE INTO parts (target, recording_id, name, number, etag, sha256)
       VALUES ($target, $recordingId, $name, $number, $etag, $sha256)`,
      { ...valuesOfFile(file), number, etag, sha256 },
    );
}

function idsIn(rows: readonly Row[]): Set<string> {
  return new Set(rows.map(row => String(row.upload_id)));
}

import type { FileIdentity } from '../../core/recording/file-identity.ts';
import type { RecordingId } from '../../core/recording/recording.ts';
import type { Database } from './database.ts';
import { openStatements, type Row } from './statements.ts';

/** A multipart upload that is under way in the bucket. */
export interface OpenUpload extends FileIdentity {
  name: string;
  /** Null: the store was asked for one, and the answer was not seen. */
  uploadId: string | null;
  /** In the metadata of the object once Complete has succeeded; null where another machine's upload was taken over. */
  token: string | null;
  partSizeBytes: number;
}

export interface StoredPart {
  number: number;
  etag: string;
  /** base64 */
  sha256: string;
}

/** Uploads in parts that are under way, and which were begun from here. */
export interface PartsStore {
  openUpload(target: string, id: RecordingId, name: string): { upload: OpenUpload; parts: StoredPart[] } | undefined;
  beginUpload(target: string, id: RecordingId, upload: OpenUpload, parts: StoredPart[], now: number): void;
  addPart(target: string, id: RecordingId, name: string, part: StoredPart): void;
  removePart(target: string, id: RecordingId, name: string, number: number): void;
  /** Forgets an upload that is gone from the bucket or given up. */
  dropUpload(target: string, id: RecordingId, name: string): void;
  /** Upload ids of all open uploads of the target: those that `cleanup` must leave alone. */
  openUploadIds(target: string): Set<string>;
  /** Upload ids of all uploads that were begun from here and whose end was not seen, open ones included. */
  begunUploadIds(target: string): Set<string>;
  /** These uploads are over. */
  forgetUploads(target: string, uploadIds: readonly string[]): void;
}

/** The SQLite side of `PartsStore`; `over` ends a file's open upload within a transaction. */
export function openPartsStore(db: Database): {
  store: PartsStore;
  over(target: string, id: RecordingId, name: string): void;
} {
  const { sql, transaction } = db;
  const { run, get, all } = openStatements(sql);
  const deleteUpload = (target: string, id: string, name: string) => {
    run('DELETE FROM parts WHERE target = ? AND recording_id = ? AND name = ?', target, id, name);
    run('DELETE FROM multipart_uploads WHERE target = ? AND recording_id = ? AND name = ?', target, id, name);
  };
  const insertPart = (target: string, id: string, name: string, part: StoredPart) =>
    run(
      'INSERT OR REPLACE INTO parts (target, recording_id, name, number, etag, sha256) VALUES (?, ?, ?, ?, ?, ?)',
      target,
      id,
      name,
      part.number,
      part.etag,
      part.sha256,
    );

  const store: PartsStore = {
    openUpload: (target, id, name) => {
      const row = get(
        'SELECT * FROM multipart_uploads WHERE target = ? AND recording_id = ? AND name = ?',
        target,
        id,
        name,
      );
      if (!row) return undefined;
      const parts = all(
        'SELECT number, etag, sha256 FROM parts WHERE target = ? AND recording_id = ? AND name = ? ORDER BY number',
        target,
        id,
        name,
      );
      return {
        upload: {
          name,
          uploadId: row.upload_id as string | null,
          token: String(row.token) || null,
          partSizeBytes: Number(row.part_size),
          ...toIdentity(row),
        },
        parts: parts.map(part => ({
          number: Number(part.number),
          etag: String(part.etag),
          sha256: String(part.sha256),
        })),
      };
    },

    beginUpload: (target, id, upload, parts, now) =>
      transaction(() => {
        deleteUpload(target, id, upload.name);
        run(
          `INSERT INTO multipart_uploads
             (target, recording_id, name, upload_id, token, part_size, size, mtime_ns, inode, created_at)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
          target,
          id,
          upload.name,
          upload.uploadId,
          upload.token ?? '',
          upload.partSizeBytes,
          upload.sizeBytes,
          upload.mtimeNs,
          upload.inode,
          now,
        );
        if (upload.uploadId !== null)
          run('INSERT OR IGNORE INTO begun_uploads VALUES (?, ?, ?)', target, upload.uploadId, now);
        for (const part of parts) insertPart(target, id, upload.name, part);
      }),

    addPart: (target, id, name, part) => {
      insertPart(target, id, name, part);
    },

    removePart: (target, id, name, number) => {
      run(
        'DELETE FROM parts WHERE target = ? AND recording_id = ? AND name = ? AND number = ?',
        target,
        id,
        name,
        number,
      );
    },

    dropUpload: (target, id, name) => transaction(() => deleteUpload(target, id, name)),

    openUploadIds: target =>
      new Set(
        all('SELECT upload_id FROM multipart_uploads WHERE target = ? AND upload_id IS NOT NULL', target).map(row =>
          String(row.upload_id),
        ),
      ),

    begunUploadIds: target =>
      new Set(all('SELECT upload_id FROM begun_uploads WHERE target = ?', target).map(row => String(row.upload_id))),

    forgetUploads: (target, uploadIds) =>
      transaction(() => {
        for (const id of uploadIds) run('DELETE FROM begun_uploads WHERE target = ? AND upload_id = ?', target, id);
      }),
  };
  return {
    store,
    over(target, id, name) {
      run(
        `DELETE FROM begun_uploads WHERE target = ?1 AND upload_id =
             (SELECT upload_id FROM multipart_uploads WHERE target = ?1 AND recording_id = ?2 AND name = ?3)`,
        target,
        id,
        name,
      );
      deleteUpload(target, id, name);
    },
  };
}

export function toIdentity(row: Row): FileIdentity {
  return { sizeBytes: Number(row.size), mtimeNs: String(row.mtime_ns), inode: String(row.inode) };
}

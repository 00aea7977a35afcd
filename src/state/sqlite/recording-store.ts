import type { FileIdentity } from '../../core/recording/file-identity.ts';
import type { Recording, RecordingDetails, RecordingId, Role } from '../../core/recording/recording.ts';
import type { Database } from './database.ts';
import type { Together } from './group-commit.ts';
import { openPartsStore, type PartsStore, toIdentity } from './parts-store.ts';
import { openStatements, type Row } from './statements.ts';

/** Where a recording's upload stands. `partial`: something is missing and `retry` will go on. */
export type RecordingState = 'uploading' | 'partial' | 'done';

export interface StoredRecording {
  target: string;
  id: RecordingId;
  dir: string;
  details: RecordingDetails;
  state: RecordingState;
  error: string | null;
  /** The bytes of `metadata.json` as this machine last stored them in the bucket. */
  metadata: string | null;
  metadataEtag: string | null;
  /** False: uploaded with `--no-webhook`, so `retry` sends none either. */
  webhooks: boolean;
  updatedAt: number;
}

export interface StoredFile extends FileIdentity {
  name: string;
  role: Role;
  state: 'pending' | 'uploaded';
  partSizeBytes: number | null;
  /** SHA-256 as S3 writes it: base64, with `-<parts>` behind a composite one. */
  checksum: string | null;
  etag: string | null;
  token: string | null;
  error: string | null;
}

/** What is known of an object once it is verified in the bucket. */
export interface UploadedObject {
  partSizeBytes: number;
  checksum: string;
  etag: string;
  /** Null where the object was put there by another machine, whose token is not known. */
  token: string | null;
}

/** What the upload flow keeps between runs. All writes are durable when they return, or with `together`. */
export interface RecordingStore extends PartsStore {
  /** What `work` writes is durable together, in one go, once this resolves. */
  together: Together;
  /** Takes the recording for this process, or says which process has it. */
  claim(target: string, id: RecordingId): { ok: true } | { ok: false; pid: number };
  release(target: string, id: RecordingId): void;
  /** Records that this recording is to be uploaded from this folder. */
  begin(target: string, recording: Recording, options: { webhooks: boolean; now: number }): void;
  finish(target: string, id: RecordingId, outcome: { state: RecordingState; error: string | null; now: number }): void;
  saveMetadata(target: string, id: RecordingId, metadata: { text: string; etag: string }): void;
  recording(target: string, id: RecordingId): StoredRecording | undefined;
  /** Recordings that are not done, those untouched longest first. */
  unfinished(target: string): StoredRecording[];
  file(target: string, id: RecordingId, name: string): StoredFile | undefined;
  files(target: string, id: RecordingId): StoredFile[];
  /** The file is verified in the bucket; its open upload, if there was one, is over. */
  fileUploaded(
    target: string,
    id: RecordingId,
    file: FileIdentity & { name: string; role: Role },
    object: UploadedObject,
    now: number,
  ): void;
  fileFailed(
    target: string,
    id: RecordingId,
    file: FileIdentity & { name: string; role: Role },
    error: string,
    now: number,
  ): void;
}

/** The SQLite side of `RecordingStore`. */
export function openRecordingStore(db: Database, pid: number): RecordingStore {
  const { sql, liveness, transaction } = db;
  const { run, get, all } = openStatements(sql);
  const parts = openPartsStore(db);
  const SAVE_FILE = `INSERT OR REPLACE INTO files
    (target, recording_id, name, role, size, mtime_ns, inode, state, part_size, checksum, etag, token, error, updated_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

  return {
    together: db.together,

    claim: (target, id) =>
      transaction(() => {
        const holder = get('SELECT claimed_by FROM recordings WHERE target = ? AND id = ?', target, id)?.claimed_by;
        if (typeof holder === 'string' && liveness.isAlive(holder)) {
          const owner = get('SELECT pid FROM owners WHERE id = ?', holder);
          return { ok: false as const, pid: Number(owner?.pid ?? pid) };
        }
        if (typeof holder === 'string') {
          run('DELETE FROM owners WHERE id = ?', holder);
          liveness.forget(holder);
        }
        run('INSERT OR IGNORE INTO owners (id, pid, started_at) VALUES (?, ?, ?)', liveness.ownerId, pid, Date.now());
        // A placeholder where the recording is new: `begin` fills it in under this claim.
        run(
          `INSERT INTO recordings (target, id, dir, details, state, created_at, updated_at, claimed_by)
           VALUES (?, ?, '', '{}', 'done', 0, 0, ?)
           ON CONFLICT (target, id) DO UPDATE SET claimed_by = excluded.claimed_by`,
          target,
          id,
          liveness.ownerId,
        );
        return { ok: true as const };
      }),

    release: (target, id) =>
      transaction(() => {
        run(
          'UPDATE recordings SET claimed_by = NULL WHERE target = ? AND id = ? AND claimed_by = ?',
          target,
          id,
          liveness.ownerId,
        );
      }),

    begin: (target, recording, { webhooks, now }) => {
      run(
        `UPDATE recordings SET dir = ?, details = ?, state = 'uploading', error = NULL, webhooks = ?, updated_at = ?,
           unfinished_since = COALESCE(unfinished_since, ?),
           created_at = CASE created_at WHEN 0 THEN ? ELSE created_at END
         WHERE target = ? AND id = ?`,
        recording.dir,
        JSON.stringify(recording.details),
        Number(webhooks),
        now,
        now,
        now,
        target,
        recording.id,
      );
    },

    finish: (target, id, { state, error, now }) => {
      run(
        `UPDATE recordings SET state = ?1, error = ?2, updated_at = ?3,
           unfinished_since = CASE ?1 WHEN 'done' THEN NULL ELSE COALESCE(unfinished_since, ?3) END
         WHERE target = ?4 AND id = ?5`,
        state,
        error,
        now,
        target,
        id,
      );
    },

    saveMetadata: (target, id, metadata) => {
      run(
        'UPDATE recordings SET metadata = ?, metadata_etag = ? WHERE target = ? AND id = ?',
        metadata.text,
        metadata.etag,
        target,
        id,
      );
    },

    recording: (target, id) => {
      const row = get('SELECT * FROM recordings WHERE target = ? AND id = ? AND created_at > 0', target, id);
      return row && toRecording(row);
    },

    unfinished: target =>
      all(`SELECT * FROM recordings WHERE target = ? AND state <> 'done' ORDER BY updated_at`, target).map(toRecording),

    file: (target, id, name) => {
      const row = get('SELECT * FROM files WHERE target = ? AND recording_id = ? AND name = ?', target, id, name);
      return row && toFile(row);
    },

    files: (target, id) =>
      all('SELECT * FROM files WHERE target = ? AND recording_id = ? ORDER BY name', target, id).map(toFile),

    fileUploaded: (target, id, file, object, now) =>
      transaction(() => {
        run(
          SAVE_FILE,
          target,
          id,
          file.name,
          file.role,
          file.sizeBytes,
          file.mtimeNs,
          file.inode,
          'uploaded',
          object.partSizeBytes,
          object.checksum,
          object.etag,
          object.token,
          null,
          now,
        );
        parts.over(target, id, file.name);
      }),

    fileFailed: (target, id, file, error, now) => {
      run(
        SAVE_FILE,
        target,
        id,
        file.name,
        file.role,
        file.sizeBytes,
        file.mtimeNs,
        file.inode,
        'pending',
        null,
        null,
        null,
        null,
        error,
        now,
      );
    },

    ...parts.store,
  };
}

function toRecording(row: Row): StoredRecording {
  return {
    target: String(row.target),
    id: String(row.id) as RecordingId,
    dir: String(row.dir),
    details: JSON.parse(String(row.details)) as RecordingDetails,
    state: row.state as RecordingState,
    error: row.error as string | null,
    metadata: row.metadata as string | null,
    metadataEtag: row.metadata_etag as string | null,
    webhooks: row.webhooks === 1,
    updatedAt: Number(row.updated_at),
  };
}

function toFile(row: Row): StoredFile {
  return {
    ...toIdentity(row),
    name: String(row.name),
    role: row.role as Role,
    state: row.state as StoredFile['state'],
    partSizeBytes: row.part_size as number | null,
    checksum: row.checksum as string | null,
    etag: row.etag as string | null,
    token: row.token as string | null,
    error: row.error as string | null,
  };
}

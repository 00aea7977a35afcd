import type { Enqueued, NewDeliveries } from '../delivery/outbox.ts';
import type { FileIdentity } from '../recording/file-identity.ts';
import type { Recording, RecordingDetails, RecordingId, Role } from '../recording/recording.ts';
import type { ForgetResult } from './forget.ts';
import type { BeginResult, LiveJournal } from './live-journal.ts';
import type { BegunUploads, FileRef, PartsJournal, RecordingRef } from './parts-journal.ts';
import type { RecordingState } from './recording-state.ts';

export type { RecordingState };

/** A recording whose upload was begun. */
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
  /** Milliseconds since 1970. */
  updatedAt: number;
}

/** A file of a recording, as its last upload left it. */
export interface StoredFile extends FileIdentity {
  name: string;
  role: Role;
  state: 'pending' | 'uploaded';
  partSizeBytes: number | null;
  /** SHA-256 as S3 writes it: base64, followed by `-<parts>` if it is a composite one. */
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
  /** Null where another machine uploaded the object, so that its token is not known. */
  token: string | null;
}

/** What the journal needs of a file that was sent or has failed. */
export type JournalFile = FileIdentity & { role: Role };

/** How an upload ended. */
export interface UploadEnd {
  state: Exclude<RecordingState, 'uploading' | 'recording'>;
  error: string | null;
  /** Nothing of it was sent, because the bucket has another recording with its id. */
  refused?: boolean;
  /** The bucket was sent something: the age of the upload begins now. A run that finds all unchanged does not renew it. */
  sent?: boolean;
  /** `metadata.json` as it is in the bucket now; undefined: not stored, so what is known of an older one stays. */
  metadata?: { text: string; etag: string } | undefined;
  /** The webhook that announces it; undefined: none. */
  webhook?: Omit<NewDeliveries, 'recordingId' | 'now'> | undefined;
  now: number;
}

/**
 * What uploads remember between runs. A write is durable once its promise resolves; each method is one commit, so a
 * crash leaves all of it or nothing. Times are milliseconds since 1970.
 * @throws AppError `STATE` (every method) if the state cannot be read or written
 */
export interface UploadJournal extends PartsJournal, BegunUploads, LiveJournal {
  /**
   * Claims the recording for this process and records that it is being uploaded from this folder. The claim ends with
   * `release`, with `finish`, or with the process. The folder's entry in the queue is removed.
   * @param options.askedAt when this upload was asked for: an entry that was asked for later stays; now unless given
   */
  begin(
    target: string,
    recording: Pick<Recording, 'id' | 'dir' | 'details'>,
    options: { webhooks: boolean; now: number; askedAt?: number | undefined },
  ): Promise<BeginResult>;
  /** Gives this process's claim back, if it has one. */
  release(ref: RecordingRef): Promise<void>;
  /**
   * Ends the upload: stores its outcome and `metadata.json`, gives the claim back, queues the webhook. One commit: no
   * crash can leave a recording that is done and whose webhook is not queued. Once it is done, another recording of the
   * same folder that was refused is forgotten: it has another id now.
   * @returns the deliveries as `Outbox.enqueue` does; none without a webhook
   */
  finish(ref: RecordingRef, end: UploadEnd): Promise<Enqueued[]>;
  recording(ref: RecordingRef): Promise<StoredRecording | undefined>;
  /** Changes what is known about a recording; nothing if it is not known. */
  amend(ref: RecordingRef, details: RecordingDetails): Promise<void>;
  /**
   * Forgets a recording in every bucket, and discards its pending and held deliveries. One commit. The history of its
   * deliveries stays, and so do the ids of its multipart uploads, for whoever aborts them.
   */
  forget(recordingId: RecordingId, now: number): Promise<ForgetResult>;
  /**
   * Recordings that are not done, the one that was touched longest ago first; without those that a living process uploads
   * while they are recorded.
   */
  unfinished(target: string): Promise<StoredRecording[]>;
  file(file: FileRef): Promise<StoredFile | undefined>;
  /** By name. */
  files(ref: RecordingRef): Promise<StoredFile[]>;
  /**
   * The file is verified in the bucket; its open upload, if it had one, is over.
   * @param end.sentBytes bytes of it that this run sent; 0 if the bucket had it already
   */
  fileUploaded(
    file: FileRef,
    facts: JournalFile,
    object: UploadedObject,
    end: { now: number; sentBytes: number },
  ): Promise<void>;
  /** The file could not be sent; its open upload stays, for the next run to resume. */
  fileFailed(file: FileRef, facts: JournalFile, error: string, now: number): Promise<void>;
}

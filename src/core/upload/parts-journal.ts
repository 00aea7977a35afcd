import type { FileIdentity } from '../recording/file-identity.ts';
import type { RecordingId } from '../recording/recording.ts';

/** Names a recording in a bucket; `target` is `<endpoint>/<bucket>`. */
export interface RecordingRef {
  target: string;
  recordingId: RecordingId;
}

/** Names one file of it. */
export interface FileRef extends RecordingRef {
  name: string;
}

/** A multipart upload that was begun and not finished. */
export interface OpenUpload extends FileIdentity {
  name: string;
  /** Null: Create was sent, and its response was not seen. */
  uploadId: string | null;
  /** The object carries it in its metadata once Complete has succeeded; null for an upload that another machine began. */
  token: string | null;
  /**
   * When the first Create of it was sent, if the response to one was not seen; milliseconds since 1970. Null: each Create
   * was answered.
   */
  askedAt: number | null;
  partSizeBytes: number;
  /**
   * True: its parts were sent while the file was being written, so size, time and inode are those of the last look, and
   * prove nothing about the parts: each has to be hashed again before the upload is completed.
   */
  live: boolean;
}

/** An upload that this machine has begun and not seen to end. */
export interface BegunUpload {
  uploadId: string;
  /** Null: it was begun before keys were kept. */
  key: string | null;
  /** Milliseconds since 1970. */
  begunAt: number;
}

/** A part that the bucket has acknowledged. */
export interface StoredPart {
  number: number;
  etag: string;
  /** base64 */
  sha256: string;
}

/** The journal of multipart uploads. A write is durable once its promise resolves. */
export interface PartsJournal {
  /** The file's open upload with its parts by number. */
  openUpload(file: FileRef): Promise<{ upload: OpenUpload; parts: StoredPart[] } | undefined>;
  /** Records a new upload of the file; it replaces the one before with all its parts. */
  beginUpload(ref: RecordingRef, upload: OpenUpload, parts: readonly StoredPart[], now: number): Promise<void>;
  /** Adds parts; one that is known by its number is replaced. */
  addParts(file: FileRef, parts: readonly StoredPart[]): Promise<void>;
  removeParts(file: FileRef, numbers: readonly number[]): Promise<void>;
  /** Notes what the file of the open upload is now, and whether that vouches for its parts (`live: false`). */
  fileLookedAt(file: FileRef, now: FileIdentity & Pick<OpenUpload, 'live'>): Promise<void>;
  /** Forgets an upload that is gone from the bucket, or that nobody will finish. */
  dropUpload(file: FileRef): Promise<void>;
}

/** Which uploads this machine has begun; `cleanup` asks. */
export interface BegunUploads {
  /** Ids of the open uploads, which `cleanup` must not touch. */
  openUploadIds(target: string): Promise<Set<string>>;
  /** Every upload that was begun here and not seen to end, the open ones among them. */
  begunUploads(target: string): Promise<BegunUpload[]>;
  /** The keys of all files that uploads of this machine have touched, 10,000 at most. */
  knownKeys(target: string): Promise<string[]>;
  /** Forgets uploads that have ended. */
  forgetUploads(target: string, uploadIds: readonly string[]): Promise<void>;
}

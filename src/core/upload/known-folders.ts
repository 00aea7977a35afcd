import type { FileIdentity } from '../recording/file-identity.ts';
import type { QueuedUpload } from './queue.ts';
import type { RecordingState } from './recording-state.ts';

/** The recording whose upload from a folder was begun last. Times are milliseconds since 1970. */
export interface KnownFolder {
  recordingId: string;
  state: RecordingState;
  /** A living process uploads it. */
  isAtWork: boolean;
  updatedAt: number;
  /** As they were uploaded, or tried, last. */
  files: (FileIdentity & { name: string; state: 'pending' | 'uploaded' })[];
}

/** What is known of one folder. */
export interface FolderKnowledge {
  known: KnownFolder | undefined;
  queued: QueuedUpload | undefined;
  /** What was uploaded before this time may not be known at the moment; undefined: it is. */
  forgottenBefore?: number | undefined;
}

/**
 * What the state knows of a folder: for a worker that comes across folders and asks whether it has to do anything.
 * @throws AppError `STATE` (every method) if the state cannot be read
 */
export interface KnownFolders {
  /**
   * @param target the bucket, as in the journal
   * @param dir absolute, real path
   */
  get(target: string, dir: string): Promise<FolderKnowledge>;
}

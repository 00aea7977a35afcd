import type { RecordingOverrides } from '../recording/read-recording.ts';

/** What was said about a recording when its upload was asked for; `retry` says the same again. */
export interface AskedUpload extends RecordingOverrides {
  /** False: do not tell the recordings server. */
  webhook: boolean;
  /** Upload and send again what is already there. */
  force: boolean;
  /** The recorder has closed its files. */
  finished: boolean;
}

/** A folder whose upload was asked for and refused before anything of it was sent. Times are milliseconds since 1970. */
export interface Refusal {
  /** Absolute path. */
  dir: string;
  /** The ID that was asked for, else the folder's name: nothing may have been read that says more. */
  recordingId: string;
  /** What is wrong. */
  error: string;
  /** What to do next. */
  hint: string | null;
  asked: AskedUpload;
  /** When it was refused first. */
  since: number;
  /** When it was looked at last. */
  updatedAt: number;
}

/**
 * Remembers uploads that were refused, one for each folder. `UploadJournal.begin` of a folder forgets its refusal.
 * @throws AppError `STATE` (every method) if the state cannot be read or written
 */
export interface Refusals {
  /** Records a refusal; that of the same folder is replaced, and its `since` stays. */
  refuse(refusal: Omit<Refusal, 'since' | 'updatedAt'>, now: number): Promise<void>;
  /** The oldest first. */
  list(): Promise<Refusal[]>;
  forget(dir: string): Promise<void>;
}

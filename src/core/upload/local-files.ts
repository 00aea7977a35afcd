import type { DeliveryState } from '../delivery/delivery.ts';
import type { FileIdentity } from '../recording/file-identity.ts';
import type { RecordingId } from '../recording/recording.ts';
import type { StoredFile } from './journal.ts';
import type { FileRef, RecordingRef } from './parts-journal.ts';

/*
 * What the state knows about the local files of recordings that are in the bucket. Times are milliseconds since 1970.
 */

/** A file of such a recording. */
export interface LocalFile extends StoredFile {
  /** When its local copy was removed; null: it was not. */
  removedAt: number | null;
}

/** The newest webhook to an endpoint. One whose delivery was pruned counts as delivered. */
export interface Told {
  endpoint: string;
  state: DeliveryState;
  createdAt: number;
}

/** Why the local files of a recording were kept when they were looked at last. */
export interface KeptNote {
  /** As people read it; said once. */
  text: string;
  /** A file whose bytes were read in vain: it is not read again before `againAt` unless it is another file by then. */
  seen?: (FileIdentity & { name: string; at: number; againAt: number }) | undefined;
}

/** All that the state says about the local files of one recording, of one moment. */
export interface LocalRecording {
  target: string;
  id: RecordingId;
  /** The folder that it was uploaded from. */
  dir: string;
  /** When its upload was done. */
  doneAt: number;
  /** When an upload of it sent something last; null: before this was noted. A webhook that is older announces less. */
  sentAt: number | null;
  /** False: uploaded with `--no-webhook`. */
  webhooks: boolean;
  /** An earlier removal was interrupted: files of it that are gone may have been removed by that. */
  isRemoving: boolean;
  note: KeptNote | null;
  /** By name. */
  files: LocalFile[];
  told: Told[];
  /** Another upload of the same folder that is not done: it needs the files. */
  otherUpload: { recordingId: string; target: string } | null;
  /** Further recordings that were uploaded from the same folder. */
  others: Omit<LocalRecording, 'others'>[];
  /** An upload of the folder was asked for, and has not begun. */
  isAskedFor: boolean;
}

/** A recording whose local files were not removed. */
export type KeptRecording = Pick<LocalRecording, 'target' | 'id' | 'dir' | 'isRemoving'>;

/** `busy`: another process uploads it or removes its files. `undone`: it is not done any more, or its files are gone. */
export type LocalClaim = { ok: true; recording: LocalRecording } | { ok: false; why: 'busy' | 'undone' };

/** A recording that this machine has uploaded from a folder, whose files it has removed there since. */
export interface RemovedFrom {
  recordingId: RecordingId;
  target: string;
  /** Null: their removal was interrupted. */
  removedAt: number | null;
}

/**
 * Remembers which local files are still kept, and who removes them. A write is durable once its promise resolves.
 * @throws AppError `STATE` (every method) if the state cannot be read or written
 */
export interface LocalFiles {
  /**
   * Recordings in this bucket whose local files were not removed, and whose upload was done at `doneBefore` or earlier;
   * the one that was done first comes first. None that a living process is at work on.
   */
  kept(target: string, options: { doneBefore: number }): Promise<KeptRecording[]>;
  /** Recordings whose removal was begun and not finished. */
  interrupted(): Promise<RecordingRef[]>;
  /** Undefined if it is not done, or its files were removed. */
  look(ref: RecordingRef): Promise<LocalRecording | undefined>;
  /** Claims the recording for this process, so that no upload of it, or of its folder, begins; `UploadJournal.release` gives it back. */
  claim(ref: RecordingRef, now: number): Promise<LocalClaim>;
  /**
   * True: from now on files may be gone because this machine has removed them. Noted before the first one is; false if
   * none was.
   */
  removing(ref: RecordingRef, isRemoving: boolean): Promise<void>;
  /** The local file is gone. */
  fileRemoved(file: FileRef, now: number): Promise<void>;
  /** Nothing that was uploaded is left in the folder, so it is not looked at any more. */
  removed(ref: RecordingRef, now: number): Promise<void>;
  /** Notes why the files are kept; null: nothing is wrong. */
  note(ref: RecordingRef, note: KeptNote | null): Promise<void>;
  /** The recording whose files were, or are being, removed from this folder; undefined: none. */
  removedFrom(dir: string): Promise<RemovedFrom | undefined>;
}

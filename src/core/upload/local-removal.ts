import type { Clock } from '../clock.ts';
import type { Observer } from '../events.ts';
import type { Bucket } from '../storage/bucket.ts';
import type { Hasher } from '../storage/hasher.ts';
import type { KeptNote, LocalFiles } from './local-files.ts';
import type { RemovalTerms } from './may-remove.ts';
import type { RecordingRef } from './parts-journal.ts';

/*
 * The words of removing local files.
 */

export interface LocalRemovalRequest extends RemovalTerms {
  /** Globs of further files that uploads send. */
  extraFiles: readonly string[];
  /** Folders that stay even if they are empty: the roots of a watch. */
  roots: readonly string[];
  /** Also read files again whose bytes were read in vain a short time ago. */
  again: boolean;
}

export interface LocalRemovalDeps {
  localFiles: LocalFiles;
  /** Gives a claim back. */
  journal: { release(ref: RecordingRef): Promise<void> };
  bucket: Bucket;
  hasher: Hasher;
  clock: Clock;
  observer: Observer;
  signal: AbortSignal;
}

export interface RemovedFile {
  name: string;
  sizeBytes: number;
}

/** The local files are not removed. */
export type NotRemoved =
  /** Nobody has to do anything: time has to pass, a webhook has to be delivered, another process has to end. */
  | { outcome: 'waiting'; reason: string }
  /** Somebody has to look at it. `seen`: a file that need not be read again soon. */
  | { outcome: 'kept'; reason: string; seen?: KeptNote['seen'] }
  /** Nothing that was uploaded is in the folder any more. `isOurs`: this machine has removed it. */
  | { outcome: 'gone'; isOurs: boolean };

/** What became of the local files of one recording. `left`: what else is in the folder. */
export type LocalOutcome =
  | { outcome: 'removed'; files: RemovedFile[]; folderRemoved: boolean; left: string[] }
  /** A dry run has proven that they can be removed. */
  | { outcome: 'removable'; files: RemovedFile[]; left: string[] }
  | NotRemoved;

/** What keeps this recording keeps the next as well: the bucket cannot be asked, no file can be opened. */
export class RemovalStopped extends Error {}

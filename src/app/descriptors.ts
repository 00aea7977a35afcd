import { AppError, OPEN_FILES_HINT } from '../core/errors.ts';
import { freeDescriptors } from '../core/machine-limits.ts';
import { places, type TakePlace } from '../core/pool.ts';

/*
 * How the descriptors that are left are shared out where the limit on open files is low (`ulimit -n`). What finds none
 * waits for one: fewer connections, files and folders are worked on at once.
 */

/** What uploads may have open at once. */
export interface FileShares {
  /** Connections to the store; undefined: as many as they like. */
  connections: number | undefined;
  /** Recordings' files, over all recordings; undefined: the usual number for each. */
  files: TakePlace | undefined;
  hashThreads: boolean;
}

/** From this many on, everything is as usual: 32 recordings with 8 files each, 64 connections, and threads. */
const PLENTY = 400;
/** A file of the recording, its connection, and one that is open for a moment: a module, a name that is looked up. */
const FEWEST = 3;
/** The log, the webhook's connection, and what is open for a moment. */
const RESERVED = 4;
/** A thread has an event loop of its own: 5 descriptors; there are at most 4 threads. */
const FOR_THREADS = 20;
/** With fewer for files and connections, threads would cost more than they bring. */
const FEWEST_BESIDE_THREADS = 16;
const MOST_FILES = 64;
const MOST_FOLDERS = 32;
/** What the state opens, and the rest of what is not opened yet when folders are counted. */
const FOR_THE_RUN = 12;
const FOR_A_FOLDER = 4;

/**
 * Shares out the descriptors that are free once the state is open.
 * @throws AppError `STORAGE` where they are too few for one file
 */
export function shareOpenFiles(free: number = freeDescriptors()): FileShares {
  if (free >= PLENTY) return { connections: undefined, files: undefined, hashThreads: true };
  if (free < FEWEST) {
    const missing = FEWEST - free;
    throw new AppError('STORAGE', `too many open files: an upload needs ${missing} more than the limit allows`, {
      hint: OPEN_FILES_HINT,
    });
  }
  const room = free - RESERVED - foldersAtOnce(MOST_FOLDERS, free);
  const hashThreads = room >= FOR_THREADS + FEWEST_BESIDE_THREADS;
  const spare = hashThreads ? room - FOR_THREADS : room;
  const files = Math.max(1, Math.min(MOST_FILES, Math.floor(spare / 3)));
  return { connections: Math.max(1, spare - files), files: places(files), hashThreads };
}

/** True if nothing has to be shared out, whatever else is opened. */
export function hasPlentyOfDescriptors(free: number = freeDescriptors()): boolean {
  return free >= PLENTY + FOR_THE_RUN;
}

/** How many recordings are worked on at once, `usual` at most: each has a file open while it is read. */
export function foldersAtOnce(usual: number, free: number = freeDescriptors()): number {
  return Math.max(1, Math.min(usual, Math.floor((free - FOR_THE_RUN) / FOR_A_FOLDER)));
}

/** How many webhooks are sent at once to an endpoint, `usual` at most. */
export function webhooksAtOnce(usual: number, free: number = freeDescriptors()): number {
  return Math.max(1, Math.min(usual, Math.floor(free / FOR_A_FOLDER)));
}

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

/** A folder whose upload is asked for. */
export interface AskedFolder {
  /** Absolute, real path. */
  dir: string;
  /** The ID that was asked for, else the folder's name: nothing may have been read that says more. */
  recordingId: string;
  /** Who asked: `upload`, which refused the folder; a recorder, which handed it over; or the worker, which found it. */
  origin: 'upload' | 'enqueued' | 'found';
  asked: AskedUpload;
}

/** Why the upload of a folder has not begun. */
export interface NotBegun {
  /** `waiting`: it begins by itself. `refused`: somebody has to act first. */
  state: 'waiting' | 'refused';
  /** Null: nobody has looked at the folder yet. */
  reason: string | null;
  /** What to do next. */
  hint: string | null;
  /** When to look at it again. */
  nextAt: number;
}

/** A folder whose upload was asked for and has not begun. Times are milliseconds since 1970. */
export interface QueuedUpload extends AskedFolder, NotBegun {
  /** The machine that has the folder; undefined where the state is of one machine. */
  machine?: string | undefined;
  /** When it was asked for first. */
  since: number;
  /** When it was asked for last. */
  askedAt: number;
  /** When it was asked for or looked at last. */
  updatedAt: number;
}

/**
 * Folders whose upload was asked for and has not begun, one entry for each. `UploadJournal.begin` of a folder removes its
 * entry. Each method is one commit, durable once its promise resolves.
 * @throws AppError `STATE` (every method) if the state cannot be read or written
 */
export interface UploadQueue {
  /**
   * Adds folders, or asks for them again: what is asked now counts, and their `since` stays. A folder that the worker
   * `found` changes nothing where there is an entry already: somebody may have said more about it. Nor does one that an
   * `upload` refused where a recorder handed it over: that it is not ready is no reason to forget what the recorder said.
   * @param entry without what follows `asked`, it waits and is due now
   */
  add(entries: readonly (AskedFolder & Partial<NotBegun>)[], now: number): Promise<void>;
  /** Notes why a folder's upload was not begun. Does nothing if there is no entry any more. */
  postpone(dir: string, why: NotBegun, now: number): Promise<void>;
  /** The oldest first. */
  list(): Promise<QueuedUpload[]>;
  /**
   * Those whose `nextAt` has come, the one that was asked for first first; `limit` at most. One that is further away than any
   * pause is due, too: the clock was ahead when it was noted.
   */
  due(now: number, limit?: number): Promise<QueuedUpload[]>;
  /** When the next one is due; undefined if there is none. */
  nextAt(): Promise<number | undefined>;
  remove(dir: string): Promise<void>;
}

/** How soon a folder is looked at again at first, and how seldom at last, in milliseconds. */
const PACE = {
  waiting: { soonestMs: 5_000, latestMs: 60_000 },
  refused: { soonestMs: 60_000, latestMs: 3_600_000 },
} as const satisfies Record<NotBegun['state'], unknown>;

/** No `nextAt` is further away than this, in milliseconds. */
export const LONGEST_PAUSE_MS = PACE.refused.latestMs;

/** When to look again at a folder: each pause is about as long as all the time before it, within limits. */
export function nextLookAt(state: NotBegun['state'], { askedAt }: Pick<QueuedUpload, 'askedAt'>, now: number): number {
  const { soonestMs, latestMs } = PACE[state];
  return now + Math.min(Math.max(now - askedAt, soonestMs), latestMs);
}

import type { FinishedBy } from '../../core/events.ts';
import { type FileIdentity, sameFile } from '../../core/recording/file-identity.ts';
import type { Openness } from '../../core/recording/writers.ts';
import { formatDuration } from '../../core/units.ts';
import { type FolderLook, readFinished, type SeenFile, videoOf } from './folder-look.ts';

/*
 * When a recording counts as finished: the first rule that says so. Files that some program has not finished come first.
 *
 *   enqueued   the recorder handed it over: once nobody has the video open for writing (where that is not known: once
 *              nothing changed for `settle`), or nothing changed for `watch.quiet`
 *   sidecar    the recorder's notes say `finished: true` or have a `finished_at`
 *   marker     there is a file with the configured name
 *   closed     nobody has the video open for writing any more, and nothing changed for `settle`
 *   quiet      nothing changed for `watch.quiet`, and nobody is known to have the video open
 */
export type Verdict =
  | { finished: true; by: FinishedBy }
  /** `dueInMs`: when another look may say otherwise. `isNew`: nothing speaks against it but that it was just found. */
  | { finished: false; reason: string; dueInMs: number; isNew?: boolean };

export interface FinishedRules {
  settleMs: number;
  quietMs: number;
  /** A recorder handed the folder over. */
  isEnqueued: boolean;
}

/** The clocks at one moment. Of the wall clock, which may jump, only the age of a file that is new to us is taken. */
export interface Moment {
  now: number;
  monotonic: number;
}

/** How often a file is looked at that changes, or that somebody has open. */
const GROWING_EVERY_MS = 1_000;
/** Two looks that are this far apart have to agree, whatever the time stamps say. */
const CONFIRM_MS = 900;
const UNFINISHED_EVERY_MS = 5_000;

interface Known {
  identity: FileIdentity;
  /** On the monotonic clock. */
  firstSeen: number;
  /** When it was changed last as far as that is known, on the monotonic clock. */
  changedAt: number;
}

/** What is remembered of a folder from one look to the next. */
export class Observation {
  #known = new Map<string, Known>();
  #lookedAt = Number.NEGATIVE_INFINITY;
  #sidecar: { file: SeenFile; finished: boolean | undefined } | undefined;

  /** Takes a look in. @returns whether something has changed since the one before */
  see({ files }: FolderLook, { now, monotonic }: Moment): boolean {
    const seen = new Map<string, Known>();
    let hasChanged = this.#known.size > 0 && files.length !== this.#known.size;
    for (const file of files) {
      const before = this.#known.get(file.name);
      if (before && sameFile(before.identity, file)) {
        seen.set(file.name, before);
        continue;
      }
      hasChanged ||= this.#known.size > 0;
      // A file that has changed did so since the last look, whatever its time stamp says; one from the future is new.
      const stampedMs = Math.max(0, now - Number(BigInt(file.mtimeNs) / 1_000_000n));
      const ageMs = before ? Math.min(stampedMs, monotonic - this.#lookedAt) : stampedMs;
      const { sizeBytes, mtimeNs, inode } = file;
      const identity = { sizeBytes, mtimeNs, inode };
      seen.set(file.name, { identity, firstSeen: monotonic, changedAt: monotonic - ageMs });
    }
    this.#known = seen;
    this.#lookedAt = monotonic;
    return hasChanged;
  }

  /** How long nothing has changed, in milliseconds. */
  quietMs({ monotonic }: Moment): number {
    return Math.min(...[...this.#known.values()].map(({ changedAt }) => monotonic - changedAt));
  }

  /** How long it has been looked at, in milliseconds. */
  watchedMs({ monotonic }: Moment): number {
    return Math.min(...[...this.#known.values()].map(({ firstSeen }) => monotonic - firstSeen));
  }

  /** What the sidecar says; it is read when it has changed. */
  sidecarSays({ files }: FolderLook): boolean | undefined {
    const file = files.find(({ role }) => role === 'sidecar');
    if (!file) return undefined;
    if (!this.#sidecar || !sameFile(this.#sidecar.file, file)) {
      this.#sidecar = { file, finished: readFinished(file) };
    }
    return this.#sidecar.finished;
  }
}

/**
 * Judges whether a recording is finished, after `Observation.see`.
 * @param openness of the video; asked for only where it matters
 */
export async function judge(
  look: FolderLook,
  observation: Observation,
  { settleMs, quietMs, isEnqueued }: FinishedRules,
  at: Moment,
  openness: (video: SeenFile) => Promise<Openness>,
): Promise<Verdict> {
  const video = videoOf(look);
  const wait = (reason: string, dueInMs: number): Verdict & { finished: false } => ({
    finished: false,
    reason,
    dueInMs,
  });
  if (look.unfinished !== undefined) return wait(`has ${look.unfinished}, which is not finished`, UNFINISHED_EVERY_MS);
  if (!video) return wait('has no video yet', UNFINISHED_EVERY_MS);
  if (video.sizeBytes === 0) return wait(`${video.name} is empty`, GROWING_EVERY_MS);
  const said = observation.sidecarSays(look);
  if (said === true) return { finished: true, by: 'sidecar' };
  if (look.marker !== undefined) return { finished: true, by: 'marker' };

  const quiet = observation.quietMs(at);
  const isSettled = quiet >= settleMs;
  const isWritten = `${video.name} is still being written`;
  if (isEnqueued) {
    const open = await openness(video);
    // A program that never closes the file must not keep it from being uploaded. A copy may have an old time stamp.
    const isLeftOpen = open === 'open' && Math.min(quiet, at.now - video.changedAt) >= quietMs;
    if (open === 'closed' || isLeftOpen || (open === 'unknown' && isSettled)) return { finished: true, by: 'enqueued' };
    if (open === 'open') return wait(`${video.name} is still open for writing`, GROWING_EVERY_MS);
    return wait(isWritten, Math.min(GROWING_EVERY_MS, settleMs - quiet));
  }
  if (!isSettled) return wait(isWritten, settleMs - quiet);
  const unconfirmedMs = CONFIRM_MS - observation.watchedMs(at);
  if (unconfirmedMs > 0) return { ...wait('was found a moment ago', unconfirmedMs), isNew: true };
  const open = await openness(video);
  if (open === 'open') return wait(`${video.name} is still open for writing`, GROWING_EVERY_MS);
  // Between two segments a recorder may close the file; it has said that it goes on.
  if (open === 'closed' && said !== false) return { finished: true, by: 'closed' };
  if (quiet >= quietMs) return { finished: true, by: 'quiet' };
  const left = `${video.name} changed ${formatDuration(quiet)} ago`;
  return wait(left, Math.min(quietMs - quiet, Math.max(GROWING_EVERY_MS, quietMs / 20)));
}

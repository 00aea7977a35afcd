import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import { printable } from '../text.ts';
import { formatDuration } from '../units.ts';
import { type FileIdentity, sameFile } from './file-identity.ts';

/** How long a recording is given to become quiet unless the caller says otherwise. */
export const DEFAULT_WAIT_MS = 600_000;

/** A file as one look at the folder found it. */
export type SeenFile = FileIdentity & {
  /** Absolute path. */
  path: string;
};

/** Why a file may not be finished: it was written a moment ago, or it changed between two looks. */
export interface Unsettled {
  path: string;
  why: 'young' | 'changing';
  /** How long the next look has to wait, in milliseconds. */
  dueInMs: number;
  /** How old its time stamp is, in milliseconds; negative if it is in the future. */
  ageMs: number;
}

export interface SettleOptions {
  /** How long a file must not have been written to. */
  settleMs: number;
  /** How long to wait for that; 0: refuse at once. */
  waitMs: number;
  clock: Clock;
  signal: AbortSignal;
  /** Paths of files that changed since an earlier look, so that their time stamps prove nothing. */
  changed?: ReadonlySet<string> | undefined;
  /** Gets the file for which the wait begins; called again when another file is written to. */
  onWait(file: Unsettled): void;
}

/**
 * Waits until nobody writes to a recording's files any more. A file is settled once its time stamp is `settleMs` old and
 * it did not change between two looks, or once two looks that are `settleMs` apart agree: so clocks that differ from this
 * machine's, and time stamps in the future, cost no more than that.
 * @param look finds the files; called for each look
 * @returns what the last look found
 * @throws AppError `RECORDING` if a file is still not settled when the wait is over, and what `look` throws; the signal's
 * reason once it aborts
 */
export async function awaitSettled<Look>(
  look: () => Look,
  filesOf: (look: Look) => readonly SeenFile[],
  { settleMs, waitMs, clock, signal, changed, onWait }: SettleOptions,
): Promise<Look> {
  const endsAt = clock.monotonic() + waitMs;
  const known = new Map<string, Seen>();
  let announced: string | undefined;
  for (;;) {
    signal.throwIfAborted();
    const found = look();
    const unsettled = filesOf(found)
      .map(file => judge(file, known, { settleMs, changed, now: clock.now(), monotonic: clock.monotonic() }))
      .filter(one => one !== undefined)
      .toSorted((a, b) => b.dueInMs - a.dueInMs);
    const [last] = unsettled;
    if (!last) return found;
    const leftMs = endsAt - clock.monotonic();
    if (leftMs <= 0) throw stillWritten(last, { settleMs, waitMs });
    if (announced !== last.path) onWait(last);
    announced = last.path;
    await clock.sleep(Math.min(last.dueInMs, leftMs), signal);
  }
}

/** The first file whose time stamp says that it may not be finished; looks once. */
export function findFresh(
  files: readonly SeenFile[],
  at: { settleMs: number; now: number },
): Pick<Unsettled, 'path' | 'why' | 'ageMs'> | undefined {
  return files.map(file => judge(file, new Map(), { ...at, monotonic: 0 })).find(one => one !== undefined);
}

interface Seen {
  file: SeenFile;
  /** When it was first seen as it is, on the monotonic clock. */
  since: number;
  hasChanged: boolean;
}

function judge(
  file: SeenFile,
  known: Map<string, Seen>,
  {
    settleMs,
    changed,
    now,
    monotonic,
  }: Pick<SettleOptions, 'settleMs' | 'changed'> & { now: number; monotonic: number },
): Unsettled | undefined {
  const before = known.get(file.path);
  const isSame = before !== undefined && sameFile(before.file, file);
  const seen = isSame
    ? before
    : { file, since: monotonic, hasChanged: before !== undefined || (changed?.has(file.path) ?? false) };
  known.set(file.path, seen);
  const ageMs = now - Number(BigInt(file.mtimeNs) / 1_000_000n);
  const quietMs = monotonic - seen.since;
  // Time stamps prove nothing about a file that changes in spite of an old one, or whose stamp is in the future.
  const dueByStamp = seen.hasChanged || ageMs < 0 ? Number.POSITIVE_INFINITY : settleMs - ageMs;
  const dueInMs = Math.min(settleMs - quietMs, dueByStamp);
  return dueInMs > 0 ? { path: file.path, why: seen.hasChanged ? 'changing' : 'young', dueInMs, ageMs } : undefined;
}

/** What is known of a file that is not settled, as the end of a sentence that begins with its path. */
export function unsettledText({ why, ageMs }: Pick<Unsettled, 'why' | 'ageMs'>): string {
  if (why === 'changing') return 'is still being written';
  return ageMs < 0 ? 'has a time stamp in the future' : `was written ${formatDuration(ageMs)} ago`;
}

/** The recorder has not finished: the same look may succeed later, without anybody's help. */
export class StillWrittenError extends AppError {
  constructor(message: string, hint: string) {
    super('RECORDING', message, { hint });
  }
}

function stillWritten(file: Unsettled, { settleMs, waitMs }: Pick<SettleOptions, 'settleMs' | 'waitMs'>): AppError {
  if (waitMs > 0) {
    const text = `${printable(file.path)} is still being written after ${formatDuration(waitMs)}`;
    return new StillWrittenError(text, 'run the command again once the recorder has finished');
  }
  const text = `${printable(file.path)} ${unsettledText(file)}: the recording may not be finished`;
  const again = `run the command again ${formatDuration(settleMs)} after the recorder has finished, or with --finished if it has`;
  return new StillWrittenError(text, again);
}

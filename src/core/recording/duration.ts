import type { Clock } from '../clock.ts';
import { isOutOfFiles } from '../errors.ts';
import { replaced, systemProblem } from './folder-problem.ts';
import { FileReplaced, type FoundFile } from './open-file.ts';
import type { Microseconds } from './timestamps.ts';

/** A hundred years. A longer duration comes from a broken header. */
const MAX_SECONDS = 100 * 366 * 86_400;

/** True for a duration in seconds, whole or not, that a recording can have. */
export function isDuration(seconds: number): boolean {
  return seconds >= 0 && seconds <= MAX_SECONDS;
}

/** Parses `--duration`: whole seconds or `HH:MM:SS`; undefined if it is neither. */
export function parseDuration(text: string): number | undefined {
  const clock = /^(\d{1,4}):([0-5]\d):([0-5]\d)$/.exec(text);
  if (clock) return Number(clock[1]) * 3600 + Number(clock[2]) * 60 + Number(clock[3]);
  return /^\d+$/.test(text) && isDuration(Number(text)) ? Number(text) : undefined;
}

export type Measurement =
  /** `taggedTime`: when it was recorded, according to its tags. */
  { ok: true; seconds: number; taggedTime?: Microseconds | undefined } | { ok: false; reason: string };

/**
 * Measures a video's duration from its packets, in whole seconds. A normal file takes milliseconds; a live-muxed
 * Matroska has to be read to its end (some 3 s per GB), hence the limit.
 * @throws the signal's reason, AppError `RECORDING` if the file was replaced, `STORAGE` without a free descriptor; a problem of the media is a `reason`
 */
export async function measureDuration(
  file: FoundFile,
  options: { clock: Pick<Clock, 'monotonic'>; limitMs: number; signal?: AbortSignal | undefined },
): Promise<Measurement> {
  const { clock, limitMs, signal } = options;
  const startedMs = clock.monotonic();
  let stopped: string | undefined;
  // Checked before each read, because a timer would keep the process alive.
  const beforeRead = () => {
    signal?.throwIfAborted();
    if (clock.monotonic() - startedMs > limitMs) {
      stopped = `it takes more than ${limitMs / 1000} s`;
      throw new Error(stopped);
    }
  };
  signal?.throwIfAborted();
  try {
    // The media library takes about 100 ms to load, so it is loaded only for recordings that need measuring.
    const { readMediaFacts } = await import('./media-facts.ts');
    const { seconds, taggedTime } = await readMediaFacts(file, beforeRead);
    if (seconds > 0 && isDuration(seconds)) return { ok: true, seconds: Math.round(seconds), taggedTime };
    return { ok: false, reason: 'it contains no complete picture or sound' };
  } catch (error) {
    signal?.throwIfAborted();
    if (stopped) return { ok: false, reason: stopped };
    // A replaced file concerns more than the duration: some program changes files while they are read.
    if (error instanceof FileReplaced) throw replaced(file.path, error);
    // Nothing is wrong with the media, so the recording must not go without its duration.
    if (isOutOfFiles(error)) throw systemProblem(file.path, error);
    return { ok: false, reason: error instanceof Error ? error.message : String(error) };
  }
}

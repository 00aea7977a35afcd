import type { UnfinishedUpload } from '../../core/status/overview.ts';
import type { Activity } from '../../core/status/pages.ts';

/** How fast an upload is. */
export interface Pace {
  bytes: number;
  totalBytes: number;
  /** Bytes a second; null as long as it is not known. */
  rate: number | null;
  leftMs: number | null;
}

/** Watches how many bytes are in the bucket, from one reading of the state to the next. */
export interface Rates {
  /** Takes a reading. @returns the pace of each upload, in their order */
  take(uploads: readonly UnfinishedUpload[], now: number): Pace[];
  /** Bytes that arrived in each of the last 60 minutes, the oldest first; the last is the current one. */
  lastHour({ minutes }: Pick<Activity, 'minutes'>, now: number): number[];
}

/** A part arrives every few seconds: over a shorter time the rate would jump. */
const WINDOW_MS = 30_000;
const LEAST_MS = 2_000;
const MINUTE_MS = 60_000;
const HOUR_MINUTES = 60;

interface Sample {
  at: number;
  bytes: number;
}

export function watchRates(): Rates {
  let samples = new Map<string, Sample[]>();
  let seen = new Map<string, number>();
  /** By minute: what was seen to arrive, and what of that belongs to files that arrived whole in that minute. */
  const arrived = new Map<number, number>();
  const counted = new Map<number, number>();
  const add = (to: Map<number, number>, minute: number, bytes: number) => to.set(minute, (to.get(minute) ?? 0) + bytes);

  /** Credits what has arrived of each file since the last reading; the state knows only when a file arrived whole. */
  const credit = (uploads: readonly UnfinishedUpload[], now: number) => {
    const minute = Math.floor(now / MINUTE_MS);
    const next = new Map<string, number>();
    for (const { target, id, files } of uploads) {
      for (const file of files) {
        const key = JSON.stringify([target, id, file.name]);
        const [before, bytes] = [seen.get(key), bytesOf(file)];
        if (file.state !== 'uploaded') {
          next.set(key, bytes);
          if (before !== undefined && bytes > before) add(arrived, minute, bytes - before);
        }
      }
    }
    // A file that has arrived whole is in the state's numbers with all its bytes.
    for (const [key, bytes] of seen) if (!next.has(key)) add(counted, minute, bytes);
    seen = next;
    for (const map of [arrived, counted])
      for (const key of map.keys()) if (key < minute - HOUR_MINUTES) map.delete(key);
  };

  return {
    take(uploads, now) {
      credit(uploads, now);
      const next = new Map<string, Sample[]>();
      const paces = uploads.map(({ target, id, state, files }): Pace => {
        const key = JSON.stringify([target, id]);
        const bytes = files.reduce((sum, file) => sum + bytesOf(file), 0);
        const totalBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
        if (state !== 'uploading') return { bytes, totalBytes, rate: null, leftMs: null };
        const own = [...(samples.get(key) ?? []).filter(({ at }) => at >= now - WINDOW_MS), { at: now, bytes }];
        next.set(key, own);
        const rate = rateOf(own);
        return { bytes, totalBytes, rate, leftMs: rate ? ((totalBytes - bytes) / rate) * 1000 : null };
      });
      samples = next;
      return paces;
    },
    lastHour({ minutes }, now) {
      const current = Math.floor(now / MINUTE_MS);
      const whole = new Map(minutes.map(({ minute, bytes }) => [minute, bytes]));
      return Array.from({ length: HOUR_MINUTES }, (_, index) => {
        const minute = current - HOUR_MINUTES + 1 + index;
        return Math.max(0, (whole.get(minute) ?? 0) - (counted.get(minute) ?? 0)) + (arrived.get(minute) ?? 0);
      });
    },
  };
}

function rateOf(samples: readonly Sample[]): number | null {
  const [first, last] = [samples[0], samples.at(-1)];
  if (!first || !last || last.at - first.at < LEAST_MS) return null;
  return Math.max(0, ((last.bytes - first.bytes) * 1000) / (last.at - first.at));
}

function bytesOf({ state, sizeBytes, partsDone, parts }: UnfinishedUpload['files'][number]): number {
  if (state === 'uploaded') return sizeBytes;
  return parts > 0 ? Math.min(sizeBytes, Math.round((sizeBytes * partsDone) / parts)) : 0;
}

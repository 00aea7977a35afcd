import type { Clock } from '../clock.ts';
import type { RateChange } from '../units.ts';

/** Holds bytes back so that all uploads together keep to the rate limit. */
export interface Throttle {
  /** Resolves when `bytes` more may be sent. */
  take(bytes: number, signal: AbortSignal): Promise<void> | undefined;
  /** How many bytes to ask for at a time. */
  readonly sliceBytes: number;
}

/** How much is read and handed to a connection at a time, at most. */
export const SLICE_BYTES = 512 * 1024;

/** The rate in force at a moment: the latest change of the day, or else the last one of the day before. */
export function rateAt(changes: readonly RateChange[], at: Date): number | undefined {
  const minute = at.getHours() * 60 + at.getMinutes();
  return (changes.findLast(change => change.minuteOfDay <= minute) ?? changes.at(-1))?.bytesPerSecond;
}

export const unlimited: Throttle = { take: () => undefined, sliceBytes: SLICE_BYTES };

/** Bytes pass both throttles. */
export function bothThrottles(first: Throttle, second: Throttle): Throttle {
  if (first === unlimited) return second;
  if (second === unlimited) return first;
  return {
    sliceBytes: Math.min(first.sliceBytes, second.sliceBytes),
    take(bytes, signal) {
      const waits = [first.take(bytes, signal), second.take(bytes, signal)].filter(wait => wait !== undefined);
      return waits.length > 0 ? Promise.all(waits).then(() => {}) : undefined;
    },
  };
}

/** A throttle that holds nothing back any more once the signal has aborted, not even what waits already. */
export function throttleUntil(over: AbortSignal, throttle: Throttle): Throttle {
  if (throttle === unlimited) return throttle;
  return {
    sliceBytes: throttle.sliceBytes,
    take(bytes, signal) {
      if (over.aborted) return undefined;
      return throttle.take(bytes, AbortSignal.any([signal, over]))?.catch((error: unknown) => {
        if (signal.aborted || !over.aborted) throw error;
      });
    },
  };
}

/** A throttle for the rates of `parseRateLimit`. Bytes are paid for in advance, so that no burst comes first. */
export function createThrottle(changes: readonly RateChange[], clock: Clock): Throttle {
  const slowest = Math.min(...changes.map(change => change.bytesPerSecond ?? Number.POSITIVE_INFINITY));
  if (slowest === Number.POSITIVE_INFINITY) return unlimited;
  /** When the bytes handed out so far will have been paid for. */
  let paidUntil = clock.monotonic();
  return {
    sliceBytes: Math.max(1024, Math.min(SLICE_BYTES, Math.floor(slowest / 20))),
    take(bytes, signal) {
      const rate = rateAt(changes, new Date(clock.now()));
      const now = clock.monotonic();
      if (rate === undefined) {
        paidUntil = now;
        return undefined;
      }
      paidUntil = Math.max(paidUntil, now) + (bytes / rate) * 1000;
      return clock.sleep(paidUntil - now, signal);
    },
  };
}

import { setTimeout as sleepFor } from 'node:timers/promises';

/** Time, as the core sees it: passed in, so that tests can turn it. */
export interface Clock {
  /** Wall-clock time in milliseconds since 1970. */
  now(): number;
  /** A clock that only goes forward, in milliseconds; for measuring. */
  monotonic(): number;
  /** Resolves after `ms`; rejects with the signal's reason once it aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** A number in [0, 1), as `Math.random` gives it. */
export type Random = () => number;

/**
 * Milliseconds on a clock that only goes forward. Not `performance.now()`: its first use loads all that Node has for
 * measuring itself, 2 ms.
 */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: monotonicMs,
  sleep: async (ms, signal) => {
    try {
      await sleepFor(ms, undefined, signal ? { signal } : {});
    } catch (error) {
      throw signal?.aborted ? signal.reason : error;
    }
  },
};

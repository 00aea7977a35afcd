import { type Clock, type Random, systemClock } from '../../core/clock.ts';
import { isBusy } from './state-failure.ts';

/** How long a write waits for another process's transaction; those last milliseconds. */
const LOCK_PATIENCE_MS = 30_000;
/** Pauses before a lock is tried again, as SQLite's own wait has them; the last one repeats. */
const PAUSES_MS = [1, 2, 5, 10, 15, 20, 25] as const;

export interface LockWait {
  patienceMs?: number | undefined;
  clock?: Clock | undefined;
  random?: Random | undefined;
}

/**
 * Runs `work` again as long as it meets another process's lock. It pauses in between, and the event loop runs on. Each
 * pause is random between half and one and a half of its step, so that processes that wait together do not come back
 * together.
 * @throws SQLite's `SQLITE_BUSY` once the patience is over; whatever else `work` throws, at once
 */
export async function untilUnlocked<T>(work: () => T, options: LockWait = {}): Promise<T> {
  const { patienceMs = LOCK_PATIENCE_MS, clock = systemClock, random = Math.random } = options;
  let until: number | undefined;
  for (let tries = 0; ; tries++) {
    try {
      return work();
    } catch (error) {
      if (!isBusy(error)) throw error;
      until ??= clock.monotonic() + patienceMs;
      if (clock.monotonic() >= until) throw error;
    }
    const stepMs = PAUSES_MS[Math.min(tries, PAUSES_MS.length - 1)] ?? 0;
    await clock.sleep(stepMs * (0.5 + random()));
  }
}

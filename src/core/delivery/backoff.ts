import type { Random } from '../clock.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** The longest wait after the n-th failed attempt at a delivery. After the last one it is held. */
export const SCHEDULE_MS: readonly number[] = [
  5 * SECOND,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR,
];

/** The whole schedule, without jitter: a little over three days. */
export const SCHEDULE_SPAN_MS = SCHEDULE_MS.reduce((sum, step) => sum + step, 0);

const MIN_WAIT_MS = 1 * SECOND;

/** What happens to a delivery after a temporary failure. `retries`: attempts that count against the schedule. */
export type NextTry = { exhausted: false; waitMs: number; retries: number } | { exhausted: true; retries: number };

/**
 * Decides when to try again: after a random part of the schedule's step, at least one second ("full jitter": deliveries that
 * failed together do not return together), or exactly when the server asked for it.
 *
 * A `Retry-After` shorter than the step does not use the step up. Otherwise a server that asks for one minute during a short
 * maintenance would use up the schedule of three days in ten minutes. This ends once the delivery is older than the whole
 * schedule.
 * @param retries attempts counted so far, without the one that has just failed
 * @param retryAfterMs what the server asked for, in milliseconds; undefined if it did not
 * @param ageMs milliseconds since the delivery was made
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function nextTry(retries: number, retryAfterMs: number | undefined, ageMs: number, random: Random): NextTry {
  const step = SCHEDULE_MS[retries];
  if (step === undefined) return { exhausted: true, retries: retries + 1 };
  if (retryAfterMs === undefined) {
    return { exhausted: false, waitMs: Math.round(Math.max(MIN_WAIT_MS, random() * step)), retries: retries + 1 };
  }
  const isFree = retryAfterMs < step && ageMs < SCHEDULE_SPAN_MS;
  return { exhausted: false, waitMs: retryAfterMs, retries: isFree ? retries : retries + 1 };
}

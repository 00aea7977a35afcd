import type { Clock } from '../../../src/core/clock.ts';

/** Time that passes only while somebody sleeps: as much as the first of the sleepers asked for, at once. */
export interface VirtualClock extends Clock {
  /** Milliseconds since the beginning. */
  elapsed(): number;
  /** Every sleep that was asked for, in milliseconds. */
  readonly sleeps: number[];
  /** Does something when that much time has passed; nobody waits for it. */
  at(elapsedMs: number, work: () => unknown): void;
  /** Lets time pass while nobody sleeps. */
  advance(ms: number): void;
}

export function virtualClock(startMs = Date.now()): VirtualClock {
  let elapsedMs = 0;
  let pumping = false;
  let sleepers: { until: number; wake: () => void }[] = [];
  let plans: { at: number; work: () => unknown }[] = [];
  const sleeps: number[] = [];

  const advanceTo = async (until: number) => {
    for (const plan of plans.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)) {
      plans = plans.filter(other => other !== plan);
      elapsedMs = Math.max(elapsedMs, plan.at);
      await plan.work();
    }
    elapsedMs = Math.max(elapsedMs, until);
  };
  const pump = async () => {
    if (pumping) return;
    pumping = true;
    while (sleepers.length > 0) {
      // Whoever is about to sleep for less comes first.
      await new Promise(resolve => setImmediate(resolve));
      const first = sleepers.reduce<(typeof sleepers)[number] | undefined>(
        (earliest, one) => (earliest && earliest.until <= one.until ? earliest : one),
        undefined,
      );
      if (!first) break;
      sleepers = sleepers.filter(other => other !== first);
      await advanceTo(first.until);
      first.wake();
    }
    pumping = false;
  };

  return {
    sleeps,
    now: () => startMs + elapsedMs,
    monotonic: () => elapsedMs,
    elapsed: () => elapsedMs,
    at: (at, work) => plans.push({ at, work }),
    advance: ms => {
      elapsedMs += ms;
    },
    sleep(ms, signal) {
      sleeps.push(ms);
      return new Promise((resolve, reject) => {
        signal?.throwIfAborted();
        const leave = () => {
          sleepers = sleepers.filter(one => one !== sleeper);
          reject(signal?.reason);
        };
        const sleeper = {
          until: elapsedMs + ms,
          wake: () => {
            signal?.removeEventListener('abort', leave);
            resolve();
          },
        };
        signal?.addEventListener('abort', leave, { once: true });
        sleepers.push(sleeper);
        void pump();
      });
    },
  };
}

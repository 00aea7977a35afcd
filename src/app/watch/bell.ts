import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../core/clock.ts';

/** Ends a wait early: something has happened that somebody should look at. */
export interface Bell {
  ring(): void;
  /** Resolves after `ms`, at a ring (also one since the last wait), or once the signal aborts. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

export function createBell(clock: Pick<Clock, 'sleep'>): Bell {
  let hasRung = false;
  let wake = () => {};
  return {
    ring() {
      hasRung = true;
      wake();
    },
    async wait(ms, signal) {
      if (!hasRung && !signal.aborted && ms > 0) {
        const early = new AbortController();
        wake = () => early.abort();
        const stop = () => early.abort();
        signal.addEventListener('abort', stop);
        await clock.sleep(ms, early.signal).catch(() => {});
        signal.removeEventListener('abort', stop);
        wake = () => {};
      }
      hasRung = false;
      // Whatever is due at once: others get their turn first.
      await setImmediate();
    },
  };
}

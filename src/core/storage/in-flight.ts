import type { Clock } from '../clock.ts';

/** How many requests with a body are under way at once. */
export interface InFlight {
  /** Resolves when there is room; call `release` when the request has ended. First come, first served. */
  acquire(signal: AbortSignal): Promise<() => void>;
  /** Bytes that the network took: what the number is found out by. */
  moved(bytes: number): void;
  /** A request failed in a way that fewer at once may mend. */
  failed(): void;
  /** How many are allowed at the moment. */
  readonly limit: number;
}

/** Enough for a store nearby; one far away wants more, which is found out. */
const START = 4;
const MOST = 64;
/** How long each number is tried before the next one. */
const TRIAL_MS = 200;
/** What doubling must bring to be worth it: less is noise. */
const WORTHWHILE_GAIN = 1.15;
/** Below this share of the best rate seen, the line has changed, and the search begins anew. */
const LOST = 0.5;

/**
 * Finds the number in flight while uploading: doubled as long as that moves more, back to the best one where it does
 * not, halved on failures. Over a line of 20 ms and 100 Mbit/s a connection, 8 move 42 MB/s and 64 move 320.
 * @param fixed the user's `concurrency`: no search
 */
export function createInFlight({ fixed, clock }: { fixed: number | undefined; clock: Clock }): InFlight {
  let limit = fixed ?? START;
  let active = 0;
  const waiting: (() => void)[] = [];

  let trialStart = clock.monotonic();
  let trialBytes = 0;
  let best = { limit, rate: 0 };

  const admit = () => {
    while (active < limit && waiting.length > 0) {
      active++;
      waiting.shift()?.();
    }
  };
  const beginTrial = () => {
    trialStart = clock.monotonic();
    trialBytes = 0;
  };
  const judge = (elapsedMs: number) => {
    const rate = trialBytes / elapsedMs;
    beginTrial();
    if (rate > best.rate * WORTHWHILE_GAIN) {
      best = { limit, rate };
      limit = Math.min(MOST, limit * 2);
    } else if (limit > best.limit) {
      limit = best.limit;
    } else if (rate < best.rate * LOST) {
      best = { limit, rate };
    }
    admit();
  };

  return {
    acquire(signal) {
      return new Promise((resolve, reject) => {
        signal.throwIfAborted();
        const enter = () => {
          signal.removeEventListener('abort', leave);
          resolve(() => {
            active--;
            admit();
          });
        };
        const leave = () => {
          waiting.splice(waiting.indexOf(enter), 1);
          reject(signal.reason);
        };
        signal.addEventListener('abort', leave, { once: true });
        waiting.push(enter);
        admit();
      });
    },
    moved(bytes) {
      trialBytes += Math.max(0, bytes);
      if (fixed !== undefined) return;
      // Only a full house says something about its size.
      if (waiting.length === 0) return beginTrial();
      const elapsed = clock.monotonic() - trialStart;
      if (elapsed >= TRIAL_MS) judge(elapsed);
    },
    failed() {
      if (fixed !== undefined) return;
      limit = Math.max(1, Math.floor(limit / 2));
      best = { limit, rate: best.rate / 2 };
      beginTrial();
    },
    get limit() {
      return limit;
    },
  };
}

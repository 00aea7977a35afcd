import type { Clock } from '../clock.ts';

/** How many requests with a body are under way at once. */
export interface InFlight {
  /** Resolves when there is room; call `release` when the request has ended. First come, first served. */
  acquire(signal: AbortSignal): Promise<() => void>;
  /** The same for what can wait: resolves once nothing that was asked for with `acquire` waits or is under way. */
  acquireIdle(signal: AbortSignal): Promise<() => void>;
  /** Bytes that the network took: what the number is found out by. */
  moved(bytes: number): void;
  /** How long a request without a body took: the distance to the store. */
  roundTrip(ms: number): void;
  /** A request failed in a way that fewer parallel requests may prevent. */
  failed(): void;
  /** How many are allowed at the moment. */
  readonly limit: number;
}

/** Enough for a store nearby. */
const FEWEST = 4;
const MOST = 64;
/** What a far store begins with at most: the rest has to prove itself. */
const MOST_AT_FIRST = 48;
/**
 * A connection moves about one window of bytes a round trip, so the number that fills a line grows with the distance:
 * 20 ms begin with 40, 5 ms with 10.
 */
const PER_MILLISECOND = 2;
/** After a change, connections first fill the system's buffers at memory speed; that says nothing about the line. */
const SETTLE_MS = 400;
/** How long each number is measured. */
const TRIAL_MS = 600;
/** What doubling must bring to be worth it: less is noise. */
const WORTHWHILE_GAIN = 1.15;
/** Below this share of the best rate seen, the line has changed, and the search starts again. */
const LOST = 0.5;

export interface InFlightSettings {
  fixed: number | undefined;
  most?: number | undefined;
  clock: Clock;
}

/**
 * Finds the number in flight while uploading: a first guess by the distance, doubled as long as that moves more, back
 * to the best one where it does not, halved on failures. Over a line of 20 ms and 100 Mbit/s a connection, 8 move
 * 42 MB/s and 64 move 320.
 * @param settings.fixed the user's `concurrency`: no search
 * @param settings.most more are never allowed, whatever is fixed or found out
 */
export function createInFlight({ fixed, most: mostOpen, clock }: InFlightSettings): InFlight {
  const most = Math.min(mostOpen ?? Number.POSITIVE_INFINITY, fixed ?? MOST);
  let limit = Math.min(fixed ?? FEWEST, most);
  let active = 0;
  /** How many of the active ones were asked for with `acquireIdle`. */
  let idle = 0;
  const waiting: (() => void)[] = [];
  const waitingIdle: (() => void)[] = [];

  let nearest = Number.POSITIVE_INFINITY;
  let changedAt = clock.monotonic();
  let trial: { startedAt: number; bytes: number } | undefined;
  let best = { limit, rate: 0 };

  const admit = () => {
    // What can wait takes no place from the others, so for a moment there are more than the limit.
    while (active - idle < limit && waiting.length > 0) {
      active++;
      waiting.shift()?.();
    }
    while (active < limit && active === idle && waiting.length === 0 && waitingIdle.length > 0) {
      active++;
      idle++;
      waitingIdle.shift()?.();
    }
  };
  /** Waits in a queue until `admit` calls. */
  const enterBy = (queue: (() => void)[], signal: AbortSignal, onLeave: () => void) =>
    new Promise<() => void>((resolve, reject) => {
      signal.throwIfAborted();
      const enter = () => {
        signal.removeEventListener('abort', leave);
        resolve(() => {
          onLeave();
          active--;
          admit();
        });
      };
      const leave = () => {
        queue.splice(queue.indexOf(enter), 1);
        reject(signal.reason);
      };
      signal.addEventListener('abort', leave, { once: true });
      queue.push(enter);
      admit();
    });
  const change = (to: number) => {
    limit = Math.min(to, most);
    changedAt = clock.monotonic();
    trial = undefined;
    admit();
  };
  const judge = (rate: number) => {
    if (rate > best.rate * WORTHWHILE_GAIN) {
      best = { limit, rate };
      if (limit < most) change(limit * 2);
    } else if (limit > best.limit) {
      change(best.limit);
    } else if (rate < best.rate * LOST) {
      best = { limit, rate };
    }
    trial = undefined;
  };

  return {
    acquire: signal => enterBy(waiting, signal, () => {}),
    acquireIdle: signal =>
      enterBy(waitingIdle, signal, () => {
        idle--;
      }),
    roundTrip(ms) {
      // Once something was measured, that counts for more than the guess.
      if (fixed !== undefined || ms >= nearest || best.rate > 0) return;
      nearest = ms;
      change(Math.max(FEWEST, Math.min(MOST_AT_FIRST, Math.round(ms * PER_MILLISECOND))));
    },
    moved(bytes) {
      if (fixed !== undefined) return;
      // Only a full house says something about its size.
      if (waiting.length === 0) {
        trial = undefined;
        return;
      }
      const now = clock.monotonic();
      if (now - changedAt < SETTLE_MS) return;
      trial ??= { startedAt: now, bytes: 0 };
      trial.bytes += Math.max(0, bytes);
      const elapsed = now - trial.startedAt;
      if (elapsed >= TRIAL_MS) judge(trial.bytes / elapsed);
    },
    failed() {
      if (fixed !== undefined) return;
      best = { limit: Math.max(1, Math.floor(limit / 2)), rate: best.rate / 2 };
      change(best.limit);
    },
    get limit() {
      return limit;
    },
  };
}

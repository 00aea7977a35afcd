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
/**
 * Longer, where a request has moved less than this meanwhile: what the system's buffers took of new requests at memory
 * speed would decide on a slow line.
 */
const TELLING_BYTES = 512 * 1024;
const LONGEST_TRIAL_MS = 3_000;
/** What doubling must bring to be worth it: less is noise. */
const WORTHWHILE_GAIN = 1.15;
/** Fewer move as much as the best number if they move this share of it. */
const AS_MUCH = 0.95;
/** Halving is tried from this number on: below it, the connections that it saves cost little. */
const MANY = 16;
/** Below this share of the best rate seen, the line has changed, and the search starts again. */
const LOST = 0.5;

export interface InFlightSettings {
  fixed: number | undefined;
  most?: number | undefined;
  clock: Clock;
}

/**
 * Finds the number in flight while uploading: a first guess by the distance, doubled as long as that moves more. Where it
 * does not, the fewest that move as much: halved as long as that moves no less. Over a line of 20 ms and 100 Mbit/s a
 * connection, 8 move 42 MB/s and 64 move 320; over one that all share, 8 move a tenth more than 48, which only fill the
 * line's queues. A failure halves the number, and the search goes on from there.
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
  /** So many were measured, and move less than the best number. */
  let tooFew = 0;
  let lostTrials = 0;

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
    trial = undefined;
    if (limit === best.limit && rate < best.rate * LOST) {
      // The first such trial may have begun before the line changed.
      if (++lostTrials < 2) return;
      best = { limit, rate };
      tooFew = 0;
    } else if (rate > best.rate * WORTHWHILE_GAIN) {
      if (best.rate > 0 && best.limit < limit) tooFew = best.limit;
      best = { limit, rate };
      if (limit < most) change(limit * 2);
    } else if (limit > best.limit) {
      change(fewerThanBest());
    } else if (limit < best.limit) {
      if (rate < best.rate * AS_MUCH) tooFew = limit;
      // The rate to keep up stays the best one: many small losses in a row would be a large one.
      else best = { limit, rate: best.rate };
      change(fewerThanBest());
    }
    lostTrials = 0;
  };
  /** What to measure once more requests move no more: half of the best number, unless that is known to be too few. */
  const fewerThanBest = () => {
    const half = Math.floor(best.limit / 2);
    return best.limit >= MANY && half > tooFew ? half : best.limit;
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
      // Fewer are being tried, and requests of the number before are still under way.
      if (limit < best.limit && active > limit) changedAt = now;
      if (now - changedAt < SETTLE_MS) return;
      if (!trial) {
        // These bytes moved before it.
        trial = { startedAt: now, bytes: 0 };
        return;
      }
      trial.bytes += Math.max(0, bytes);
      const elapsed = now - trial.startedAt;
      if (elapsed < TRIAL_MS) return;
      const rate = trial.bytes / elapsed;
      const isLost = limit === best.limit && rate < best.rate * LOST;
      if (isLost || trial.bytes >= limit * TELLING_BYTES || elapsed >= LONGEST_TRIAL_MS) judge(rate);
    },
    failed() {
      if (fixed !== undefined) return;
      best = { limit: Math.max(1, Math.floor(limit / 2)), rate: best.rate / 2 };
      tooFew = 0;
      change(best.limit);
    },
    get limit() {
      return limit;
    },
  };
}

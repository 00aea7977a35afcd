import type { Clock } from '../clock.ts';
import type { Candidate, DeliveryClaims } from './claims.ts';
import type { ClaimedDelivery, Delivery } from './delivery.ts';

/** A claim that has waited this long for its POST is given back: its lease must outlast the POST's time-out. */
export const MAX_CLAIM_AGE_MS = 45_000;
const MAX_BATCH = 128;
/** Candidates examined in one transaction: other processes wait for the lock meanwhile. */
const MAX_LOOKED_AT = 512;
/** A batch that was sent in less than this was too small. */
const QUICK_BATCH_MS = 1_000;

/**
 * The deliveries that one run wants of an endpoint, claimed in batches shortly before they are sent: a batch costs one
 * durable commit, and no other process can send what this one has claimed.
 */
export interface ClaimQueue {
  /** The next delivery, claimed; undefined if none is ready. */
  next(): ClaimedDelivery | undefined;
  /** Claims more: `cautious` at most, else a batch that grows while batches go out quickly. */
  refill(options: { cautious: number | undefined }): Promise<void>;
  readonly hasReady: boolean;
  /**
   * Starts over with the deliveries that other processes had claimed: one of those processes may have died. Once a run.
   * @returns whether there are any
   */
  lookAgain(): boolean;
  /** The deliveries that must not be sent yet: an older payload may still reach the server. Those looked at so far. */
  readonly waiting: readonly WaitingDelivery[];
  /** Starts over with all of them. */
  wake(): void;
  /**
   * Gives unused claims back.
   * @returns how many deliveries were not sent, and how many others were being sent by other processes
   */
  end(): Promise<{ left: number; busy: number }>;
}

/** A delivery that must not be sent before a time, in milliseconds since 1970. */
export interface WaitingDelivery {
  delivery: Delivery;
  notBefore: number;
}

/** @param deps.restart an operator asked for this run: the schedule of what it claims starts over */
export function createClaimQueue(
  candidates: readonly Candidate[],
  deps: { claims: DeliveryClaims; clock: Clock; concurrency: number; restart: boolean },
): ClaimQueue {
  const { claims, clock, concurrency, restart } = deps;
  let queue = [...candidates];
  let position = 0;
  let busy: Candidate[] = [];
  let waiting: WaitingDelivery[] = [];
  let ready: { delivery: ClaimedDelivery; claimedAt: number }[] = [];
  /** Claims that have grown too old; given back before the next ones are made. */
  let stale: ClaimedDelivery[] = [];
  let batch = 0;
  let batchAt = Number.NEGATIVE_INFINITY;
  let hasLookedAgain = false;

  const releaseStale = async () => {
    const released = stale;
    stale = [];
    await claims.release(released);
    queue.push(...released.map(({ seq, attempts }) => ({ seq, attempts })));
  };
  return {
    next() {
      for (let first = ready.shift(); first; first = ready.shift()) {
        const { delivery, claimedAt } = first;
        if (clock.monotonic() - claimedAt <= MAX_CLAIM_AGE_MS) return delivery;
        stale.push(delivery);
      }
      return undefined;
    },
    async refill({ cautious }) {
      await releaseStale();
      const isQuick = clock.monotonic() - batchAt < QUICK_BATCH_MS;
      batch = cautious ?? Math.max(concurrency, isQuick ? Math.min(MAX_BATCH, 2 * batch) : 0);
      batchAt = clock.monotonic();
      while (ready.length === 0 && position < queue.length) {
        const slice = queue.slice(position, position + MAX_LOOKED_AT);
        const results = await claims.claim(slice, batch, clock.now(), { restart });
        // The database of a fleet is away: what is left waits for the next run.
        if (results.length === 0) break;
        position += results.length;
        results.forEach((result, index) => {
          if (result === 'busy') busy.push(slice[index]!);
          else if (result === 'gone') return;
          else if ('notBefore' in result) waiting.push({ delivery: result.waiting, notBefore: result.notBefore });
          else ready.push({ delivery: result.delivery, claimedAt: batchAt });
        });
      }
    },
    get hasReady() {
      return ready.length > 0;
    },
    lookAgain() {
      if (hasLookedAgain || busy.length === 0) return false;
      hasLookedAgain = true;
      [queue, position, busy] = [busy, 0, []];
      return true;
    },
    get waiting() {
      return waiting;
    },
    wake() {
      queue.push(...waiting.map(({ delivery: { seq, attempts } }) => ({ seq, attempts })));
      waiting = [];
    },
    async end() {
      const unused = [...stale, ...ready.map(({ delivery }) => delivery)];
      const left = unused.length + waiting.length + queue.length - position;
      [ready, stale] = [[], []];
      await claims.release(unused);
      return { left, busy: busy.length };
    },
  };
}

import type { Candidate, DeliveryClaims } from '../../state/sqlite/delivery-claims.ts';
import type { Clock } from '../clock.ts';
import type { ClaimedDelivery } from './delivery.ts';

/** A claim that waited this long for its POST is given back: its lease must outlast the time-out. */
const MAX_CLAIM_AGE_MS = 45_000;
const MAX_BATCH = 128;
/** Rows looked at in one transaction: other processes wait for the lock meanwhile. */
const MAX_LOOKED_AT = 512;
/** A batch that was sent in less than this was too small. */
const QUICK_BATCH_MS = 1_000;

/**
 * The deliveries one run wants of an endpoint, claimed in batches shortly before they are sent: a batch costs one
 * durable commit, and what a process has claimed no other can send.
 */
export interface ClaimQueue {
  /** The next delivery, claimed; undefined where none is ready and `refill` found no more. */
  next(): ClaimedDelivery | undefined;
  /** Claims some more where none is ready: `cautious` as few, else more and more while they go out quickly. */
  refill(options: { cautious: number | undefined }): Promise<void>;
  readonly hasReady: boolean;
  /** Looks once more at those that other processes had claimed: one of them may have died. True where there are any. */
  lookAgain(): boolean;
  /** Gives unused claims back. Returns how many deliveries were not sent, and how many others were sending. */
  end(): { left: number; busy: number };
}

/** @param options.restart an operator asked for it: their schedule starts anew */
export function createClaimQueue(
  candidates: Candidate[],
  deps: { claims: DeliveryClaims; clock: Clock; concurrency: number; restart: boolean },
): ClaimQueue {
  const { claims, clock, concurrency, restart } = deps;
  let queue = [...candidates];
  let position = 0;
  let busy: Candidate[] = [];
  let ready: { delivery: ClaimedDelivery; claimedAt: number }[] = [];
  let batch = 0;
  let batchAt = Number.NEGATIVE_INFINITY;
  let hasLookedAgain = false;

  return {
    next() {
      for (let first = ready.shift(); first; first = ready.shift()) {
        const { delivery, claimedAt } = first;
        if (clock.monotonic() - claimedAt <= MAX_CLAIM_AGE_MS) return delivery;
        claims.release([delivery]);
        queue.push({ seq: delivery.seq, attempts: delivery.attempts });
      }
      return undefined;
    },
    async refill({ cautious }) {
      const isQuick = clock.monotonic() - batchAt < QUICK_BATCH_MS;
      batch = cautious ?? Math.max(concurrency, isQuick ? Math.min(MAX_BATCH, 2 * batch) : 0);
      batchAt = clock.monotonic();
      while (ready.length === 0 && position < queue.length) {
        const slice = queue.slice(position, position + MAX_LOOKED_AT);
        const results = await claims.claim(slice, batch, clock.now(), { restart });
        position += results.length;
        results.forEach((result, index) => {
          if (result === 'busy') busy.push(slice[index]!);
          else if (result !== 'gone') ready.push({ delivery: result.delivery, claimedAt: batchAt });
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
    end() {
      claims.release(ready.map(({ delivery }) => delivery));
      const left = ready.length + queue.length - position;
      ready = [];
      return { left, busy: busy.length };
    },
  };
}

import { type NextState, stateAfter } from '../core/delivery/claims.ts';
import type { DeliveryState } from '../core/delivery/delivery.ts';
import type { Row } from './rows.ts';

/**
 * What a row of `deliveries` becomes after a try whose claim was still the caller's, whichever database it is in.
 * @param next by the clock of `now`; undefined leaves the state as it is
 */
export function conclusionOf(row: Row, next: NextState | undefined, now: number) {
  const state = stateAfter(row.state as DeliveryState, next?.state);
  const heldReason = next?.state === 'held' ? next.heldReason : ((row.held_reason ?? null) as string | null);
  return {
    state,
    heldReason: state === 'held' ? heldReason : null,
    retries: next && 'retries' in next ? next.retries : Number(row.retries),
    nextAt: next?.state === 'pending' ? next.nextAt : Number(row.next_at),
    settledAt: state === 'pending' ? null : now,
  };
}

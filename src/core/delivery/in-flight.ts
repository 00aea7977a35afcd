import type { PostResult } from '../webhook/post-result.ts';
import { POST_TIMEOUT_MS } from '../webhook/post-timeout.ts';
import { LEASE_MS } from './claims.ts';

/*
 * Until when a request that nobody waits for any more may still reach the server: its bytes may lie in the server's
 * queue, and the server may process them as late as the contract allows it to answer. A newer payload of the recording
 * waits for that long. A server that processes a request after its time-out cannot be told from one that never will.
 */

/** Clocks, queues and process switches on the way, in milliseconds. */
const MARGIN_MS = 5_000;
/** A request that was sent may arrive this long after its start. */
export const MAY_ARRIVE_MS = POST_TIMEOUT_MS + MARGIN_MS;

/** What a proxy answers that has passed the request on and not seen its end (524 is Cloudflare's). */
const UNKNOWN_STATUSES: readonly number[] = [502, 504, 524];

/**
 * Until when the request of a try may still reach the server.
 * @param startedAt milliseconds since 1970, as the result
 * @returns undefined if the server has answered it, or has never got it
 */
export function mayArriveUntil(result: PostResult, startedAt: number, now: number): number | undefined {
  if (result.kind === 'answer') return UNKNOWN_STATUSES.includes(result.status) ? now + MARGIN_MS : undefined;
  if (!result.wasSent) return undefined;
  return result.kind === 'aborted' ? startedAt + MAY_ARRIVE_MS : now + MARGIN_MS;
}

/**
 * Until when the request of a process that died may still reach the server. When the process sent it is not known: at
 * the end of its lease at the latest, and before it died.
 */
export function abandonedUntil(claimedAt: number, now: number): number {
  return Math.min(claimedAt + LEASE_MS, now + MAY_ARRIVE_MS);
}

/** The same for a time further away than any of these: a wrong clock has set it. */
export function withoutWrongClock(until: number, now: number): number {
  return until > now + LEASE_MS ? now + MAY_ARRIVE_MS : until;
}

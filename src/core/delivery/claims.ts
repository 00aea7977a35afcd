import type { Attempt, ClaimedDelivery, Delivery, DeliveryState, HeldReason } from './delivery.ts';
import type { Fingerprint } from './refusal.ts';

/**
 * How long a claim holds: longer than a POST's time-out (30 s), so that a slow response does not lose its claim. Only an
 * owner that lives and hangs runs into it; a dead owner's claims are void at once.
 */
export const LEASE_MS = 90_000;
/** No delivery is ever scheduled further ahead than this (24 h and a little): one that is was scheduled by a wrong clock. */
export const FURTHEST_MS = 25 * 60 * 60 * 1000;

/** A delivery that a run may send. `attempts` as the run saw it: another process that tries it in the meantime changes it. */
export interface Candidate {
  seq: number;
  attempts: number;
}

/** Which deliveries of an endpoint a run wants. */
export interface ClaimScope {
  endpoint: string;
  /** Only the newest delivery of each of these recordings. */
  recordingIds?: readonly string[] | undefined;
  /** Only these. */
  seqs?: readonly number[] | undefined;
}

/**
 * `gone`: another process has tried it, or a newer payload has followed. `busy`: another process is sending it.
 * `notBefore`: until then, an older payload of the recording with other content may still reach the server.
 */
export type ClaimResult = { delivery: ClaimedDelivery } | { notBefore: number; waiting: Delivery } | 'busy' | 'gone';

/** A delivery's state after a try. */
export type NextState =
  | { state: 'delivered' }
  | { state: 'held'; heldReason: HeldReason; retries: number }
  | { state: 'pending'; nextAt: number; retries: number };

/** What a response means for the whole endpoint. */
export type Consequence =
  /** It refused the URL and token with this fingerprint: hold what waits for it. */
  { kind: 'refuse'; fingerprint: Fingerprint } | { kind: 'disable'; reason: string };

/** How a try ended. */
export interface Settlement {
  delivery: ClaimedDelivery;
  now: number;
  attempt: Omit<Attempt, 'number'>;
  /** Undefined leaves the delivery's state as it is (an interrupted try). */
  next?: NextState | undefined;
  /** Until when its request may still reach the server; undefined: it was answered, or never sent. */
  mayArriveUntil?: number | undefined;
  /** Stored in the same commit. */
  consequence?: Consequence | undefined;
}

/**
 * Takes deliveries out of the queue to send them and records how that ended; safe with any number of processes. Times are
 * milliseconds since 1970.
 * @throws AppError `STATE` (every method) if the state cannot be read or written
 */
export interface DeliveryClaims {
  /**
   * The endpoint's pending deliveries, the one due longest first. Takes no lock.
   * @param scope.dueBy only those due by then; undefined: also those that are not due yet
   */
  candidates(scope: ClaimScope & { dueBy: number | undefined }): Promise<Candidate[]>;
  /**
   * Makes due what a wrong clock scheduled too far ahead, and frees what dead processes had claimed. What those had
   * claimed may still reach the server: see `abandonedUntil`.
   */
  repair(endpoint: string, now: number): Promise<void>;
  /**
   * Claims deliveries in this order until `limit` are claimed, in one commit. While a delivery is being sent, no other
   * one of its recording and endpoint can be claimed, and a delivery that a newer one has followed never can. While an
   * older one with other content may still reach the server, the newer one cannot be claimed either.
   * @param options.restart restarts their schedule: an operator asked for it
   * @returns one result for each candidate that was looked at
   */
  claim(
    candidates: readonly Candidate[],
    limit: number,
    now: number,
    options: { restart: boolean },
  ): Promise<ClaimResult[]>;
  /**
   * Whether the claim is still this process's, asked right before its POST: a process that was cut off from a shared state
   * must not begin one that others do not expect any more. Undefined where no process can be cut off.
   */
  isOurs?(claimed: ClaimedDelivery): Promise<boolean>;
  /** Gives claims back unused. */
  release(claimed: readonly ClaimedDelivery[]): Promise<void>;
  /**
   * Records a try and its consequences. If the claim has passed to another process, the try is added to the history and
   * nothing else changes.
   * @returns whether the caller still had the claim
   * @throws AppError `STATE`, naming the delivery, if it could not be stored
   */
  settle(settlement: Settlement): Promise<boolean>;
  /**
   * Makes an endpoint's held deliveries pending and due, at the start of their schedule.
   * @returns how many
   */
  releaseHeld(scope: ClaimScope, now: number): Promise<number>;
}

/**
 * The state of a delivery once a try has ended. A superseded or discarded one stays so, unless the server has accepted
 * it after all.
 */
export function stateAfter(current: DeliveryState, next: DeliveryState | undefined): DeliveryState {
  if (next === undefined) return current;
  const isOver = current === 'superseded' || current === 'discarded';
  return isOver && next !== 'delivered' ? current : next;
}

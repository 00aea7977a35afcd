import type { HeldReason } from '../webhook/outcome.ts';

export type { HeldReason };

/**
 * The outbox's words. A delivery is one payload for one endpoint. It is *pending* until it is *delivered*, *held* (it
 * waits for an operator), *superseded* (a newer payload of the same recording has followed) or *discarded* (an operator
 * does not want it any more). Each POST of it is an *attempt*. A process *claims* a delivery before it sends it; the claim is void once its owner is dead or its lease is
 * over.
 */
export type DeliveryState = 'pending' | 'held' | 'delivered' | 'superseded' | 'discarded';

/** What made a try happen. */
export type Trigger = 'upload' | 'send' | 'retry' | 'replay';

/** All times are milliseconds since 1970. */
export interface Delivery {
  /** Grows with each payload: a higher one is a newer payload. */
  seq: number;
  /** The same for all tries: receivers tell repeats by it. */
  webhookId: string;
  endpoint: string;
  recordingId: string;
  /** JSON text, sent as it is. */
  payload: string;
  contentHash: string;
  state: DeliveryState;
  heldReason: HeldReason | null;
  /** How many tries there were. */
  attempts: number;
  /** Tries counted against the schedule. */
  retries: number;
  createdAt: number;
  nextAt: number;
  /** When it was delivered, held, superseded or discarded. */
  settledAt: number | null;
}

/** A delivery that this process may send now. */
export interface ClaimedDelivery extends Delivery {
  /** A random word; only its holder may settle the delivery. */
  claim: string;
}

export type AttemptOutcome = 'delivered' | 'pending' | 'held' | 'disabled' | 'interrupted';

/** One POST. Nothing in it may carry a secret. */
export interface Attempt {
  /** From 1. */
  number: number;
  trigger: Trigger;
  at: number;
  durationMs: number;
  outcome: AttemptOutcome;
  status: number | null;
  /** What went wrong, in plain words. */
  error: string | null;
  /** The beginning of the response, redacted. */
  excerpt: string | null;
}

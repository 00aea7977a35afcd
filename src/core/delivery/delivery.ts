/**
 * The outbox's words. A delivery is one payload for one endpoint: it is *pending* until it is *delivered*, *held* (it
 * waits for an operator) or *superseded* (a newer payload of the same recording took its place). Each POST of it is an
 * *attempt*. Who wants to send it takes a *claim*, which is void once its owner is dead or its lease is over.
 */
export type DeliveryState = 'pending' | 'held' | 'delivered' | 'superseded';

/**
 * refused: 401 or 403, until token or URL change · rejected: another 4xx or a 3xx · exhausted: the schedule is over ·
 * disabled: the endpoint answered 410.
 */
export type HeldReason = 'refused' | 'rejected' | 'exhausted' | 'disabled';

/** What made a try happen. */
export type Trigger = 'upload' | 'send' | 'retry' | 'replay';

/** All times are milliseconds since 1970. */
export interface Delivery {
  /** Later payloads have higher ones. */
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
  /** Tries in all. */
  attempts: number;
  /** Tries counted against the schedule. */
  retries: number;
  createdAt: number;
  nextAt: number;
  /** When it was delivered, held or superseded. */
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
  /** The beginning of the answer, redacted. */
  excerpt: string | null;
}

type Row = Record<string, unknown>;

/** A row of `deliveries` as the core knows it. */
export function toDelivery(row: Row): Delivery {
  return {
    seq: Number(row.seq),
    webhookId: String(row.webhook_id),
    endpoint: String(row.endpoint),
    recordingId: String(row.recording_id),
    payload: String(row.payload),
    contentHash: String(row.content_hash),
    state: row.state as DeliveryState,
    heldReason: row.held_reason as HeldReason | null,
    attempts: Number(row.attempts),
    retries: Number(row.retries),
    createdAt: Number(row.created_at),
    nextAt: Number(row.next_at),
    settledAt: row.settled_at as number | null,
  };
}

/** A row of `attempts` as the core knows it. */
export function toAttempt(row: Row): Attempt {
  return {
    number: Number(row.number),
    trigger: row.trigger as Trigger,
    at: Number(row.at),
    durationMs: Number(row.duration),
    outcome: row.outcome as AttemptOutcome,
    status: row.status as number | null,
    error: row.error as string | null,
    excerpt: row.excerpt as string | null,
  };
}

import type { Attempt, Delivery, DeliveryState, HeldReason } from './delivery.ts';

/** A payload for some endpoints. */
export interface NewDeliveries {
  recordingId: string;
  /** Names of endpoints. */
  endpoints: readonly string[];
  /** JSON text; every POST sends these very bytes. */
  payload: string;
  /** `contentHash` of the payload: what it says, regardless of when it was made. */
  contentHash: string;
  /** Hold it from the start: it is not complete, and a newer payload has to take its place. */
  hold?: 'no-email' | undefined;
  /** Queue it even if the endpoint has received exactly this. */
  force?: boolean | undefined;
  now: number;
}

/** `reused`: the same content was queued before. `already-delivered`: the endpoint has received exactly this; nothing is due. */
export interface Enqueued {
  delivery: Delivery;
  how: 'new' | 'reused' | 'already-delivered';
  /** The fleet's database is away: the machine keeps it, and it is sent once that is back. It has no `seq` yet. */
  isSpooled?: true;
}

/** Which deliveries; a field that is left out does not narrow. */
export interface DeliveryFilter {
  endpoint?: string | undefined;
  recordingId?: string | undefined;
  states?: readonly DeliveryState[] | undefined;
  /** Bounds of the time at which a delivery was settled, or made if it is pending; `until` itself is excluded. */
  since?: number | undefined;
  until?: number | undefined;
  /** Only the newest of each recording and endpoint: an older payload is never sent after a newer one. */
  newestOnly?: boolean | undefined;
  limit?: number | undefined;
}

export interface DeliveryCount {
  endpoint: string;
  state: DeliveryState;
  heldReason: HeldReason | null;
  count: number;
  /** When the first of them was made. */
  oldestAt: number;
  /** When the next of them is due; meaningful for pending ones. */
  nextAt: number;
}

/** `busy`: a living process is sending one of them, so nothing was discarded. */
export type DiscardResult = { ok: true; discarded: Delivery[] } | { ok: false };

/** How many deliveries of an endpoint are pending or held. */
export interface WaitingCount {
  endpoint: string;
  count: number;
}

/**
 * When the next pending delivery of an endpoint is due, or when it last refused a token: whoever has another one may send
 * what is held for that. In milliseconds since 1970; an endpoint may have both.
 */
export type NextDue = { endpoint: string; nextAt: number } | { endpoint: string; refusedAt: number };

/** A delivery with its attempts, the first one first. */
export interface DeliveryHistory {
  delivery: Delivery;
  attempts: Attempt[];
}

/**
 * The queue of deliveries: putting payloads in, and looking. `DeliveryClaims` takes deliveries out to send them. A write
 * is durable once its promise resolves. Times are milliseconds since 1970.
 * @throws AppError `STATE` (every method) if the state cannot be read or written
 */
export interface Outbox {
  /**
   * Queues a payload, one delivery an endpoint, all or none; older undelivered ones of the same recording are
   * superseded. Equal content is queued once: see `Enqueued`.
   * @throws AppError `STATE`, naming the recording, if they could not be stored
   */
  enqueue(request: NewDeliveries): Promise<Enqueued[]>;
  get(seq: number): Promise<Delivery | undefined>;
  /** The recording's newest delivery for an endpoint. */
  newest(recordingId: string, endpoint: string): Promise<Delivery | undefined>;
  /** All deliveries of a recording, the oldest first. */
  history(recordingId: string): Promise<DeliveryHistory[]>;
  /** The oldest first. */
  list(filter: DeliveryFilter): Promise<Delivery[]>;
  counts(): Promise<DeliveryCount[]>;
  /** The endpoints that have pending or held deliveries, by name. Its cost does not grow with what is delivered. */
  waiting(): Promise<WaitingCount[]>;
  /** When pending deliveries are due, for each endpoint that has any, and which endpoints refuse a token. */
  nextDue(): Promise<NextDue[]>;
  /**
   * Makes delivered or held deliveries due now, at the start of their schedule. One that a newer payload has followed
   * stays as it is, and so does one that is held because it is not complete (`NewDeliveries.hold`).
   * @returns those that became due
   */
  requeue(seqs: readonly number[], now: number): Promise<number[]>;
  /**
   * Ends the pending and held deliveries of a recording: to all endpoints, or to one. All or none.
   * @returns those that it ended
   */
  discard(recordingId: string, options: { endpoint?: string | undefined; now: number }): Promise<DiscardResult>;
}

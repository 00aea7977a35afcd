/*
 * What monitoring asks for. Counts and sums never decrease, whatever is pruned or forgotten; they begin with the state.
 */

/** How often something happened, and how much of it there was. */
export interface Total {
  count: number;
  sum: number;
}

/** `again`: it was tried before. */
export type Run = 'first' | 'again';

/** Bounds of the histogram of delivery times, in milliseconds: the contract's schedule of tries is between them. */
export const DELIVERY_TIME_BOUNDS_MS = [500, 1_000, 5_000, 30_000, 120_000, 600_000, 3_600_000, 21_600_000, 86_400_000];

export interface Measures {
  /** Uploads that ended; the sum is milliseconds. */
  uploads: (Total & { outcome: 'done' | 'partial'; run: Run })[];
  /** Files that were sent whole or in parts and verified; the sum is bytes. */
  sentFiles: Total;
  /** Their parts; a file that is sent as one object counts as one part. */
  sentParts: number;
  /** POSTs of webhooks; the sum is milliseconds. `status`: the HTTP status, `none` if there was no response. */
  attempts: (Total & { endpoint: string; outcome: string; status: string; run: Run })[];
  /** Delivered webhooks; the sum is milliseconds from their making. `within`: how many took at most each of the bounds. */
  deliveries: (Total & { endpoint: string; within: number[] })[];
  /** When the last upload was done; null: none was. Milliseconds since 1970. */
  lastUploadAt: number | null;
  /** When the last webhook was delivered. */
  lastDeliveryAt: number | null;
  /** When the worker of this machine last went through all that was due without a failure of the state; null: none did. */
  lastPassAt: number | null;
  /** Webhooks that wait for their next try. */
  waiting: { endpoint: string; count: number }[];
  /** Webhooks that wait for an operator. */
  held: { endpoint: string; reason: string; count: number }[];
}

/** Where nothing has happened yet. */
export const EMPTY_MEASURES: Measures = {
  uploads: [],
  sentFiles: { count: 0, sum: 0 },
  sentParts: 0,
  attempts: [],
  deliveries: [],
  lastUploadAt: null,
  lastDeliveryAt: null,
  lastPassAt: null,
  waiting: [],
  held: [],
};

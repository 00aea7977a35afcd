import { randomUUID } from 'node:crypto';
import type { Delivery, DeliveryState, HeldReason } from '../core/delivery/delivery.ts';
import type { DeliveryCount, DeliveryFilter, Enqueued, NewDeliveries } from '../core/delivery/outbox.ts';
import { type Row, toDelivery } from './rows.ts';

/*
 * What both databases do alike to queue a payload, and to look for deliveries.
 */

export const NEWEST = `SELECT * FROM deliveries WHERE recording_id = $recordingId AND endpoint = $endpoint
  ORDER BY seq DESC LIMIT 1`;
export const PRUNED = `SELECT * FROM pruned_deliveries
  WHERE recording_id = $recordingId AND endpoint = $endpoint AND content_hash = $contentHash`;
export const IS_NEWEST = `NOT EXISTS (
  SELECT 1 FROM deliveries newer
  WHERE newer.recording_id = deliveries.recording_id AND newer.endpoint = deliveries.endpoint
    AND newer.seq > deliveries.seq)`;
/** A claim stays: the newer payload waits until the older one's POST is over. */
export const SUPERSEDE = `UPDATE deliveries SET state = 'superseded', held_reason = NULL, settled_at = $now
  WHERE recording_id = $recordingId AND endpoint = $endpoint AND state IN ('pending', 'held')`;
/** With the values of `newDelivery`. */
export const ADD_DELIVERY = `INSERT INTO deliveries
    (webhook_id, endpoint, recording_id, payload, content_hash, state, held_reason, created_at, next_at, settled_at)
  VALUES ($webhookId, $endpoint, $recordingId, $payload, $contentHash, $state, $heldReason, $now, $now, $settledAt)
  RETURNING *`;

export function newDelivery(request: NewDeliveries, endpoint: string) {
  const { recordingId, payload, contentHash, hold: heldReason = null, now } = request;
  return {
    webhookId: `msg_${randomUUID().replaceAll('-', '')}`,
    endpoint,
    recordingId,
    payload,
    contentHash,
    state: heldReason === null ? 'pending' : 'held',
    heldReason,
    settledAt: heldReason === null ? null : now,
    now,
  };
}

/**
 * The newest delivery of the recording and endpoint, where it says the same: nothing has to be queued then.
 * @returns undefined: it says something else, or was superseded or discarded, or the request insists
 */
export function sameQueued(newest: Delivery | undefined, { contentHash, force }: NewDeliveries): Enqueued | undefined {
  if (newest?.contentHash !== contentHash || newest.state === 'superseded' || newest.state === 'discarded' || force)
    return undefined;
  return { delivery: newest, how: newest.state === 'delivered' ? 'already-delivered' : 'reused' };
}

/** A row of `PRUNED`: the endpoint had received it. It has no row among the deliveries, so no `seq`. */
export function toPruned(row: Row, payload: string): Enqueued {
  const nothing = { seq: 0, held_reason: null, retries: 0 };
  const next = { payload, state: 'delivered', next_at: Number(row.settled_at) };
  return { delivery: toDelivery({ ...row, ...nothing, ...next }), how: 'already-delivered' };
}

/** A condition with its values. */
export type Condition<V> = [condition: string, values?: V];

/**
 * The condition for what a filter wants.
 * @param isIn the condition for one of these states, which each database says otherwise
 */
export function whereOf<V extends Readonly<Record<string, unknown>>>(
  { endpoint, recordingId, states, since, until, newestOnly }: DeliveryFilter,
  isIn: (states: readonly DeliveryState[]) => Condition<V>,
): { where: string; values: V } {
  const parts: Condition<Readonly<Record<string, unknown>>>[] = [['1 = 1']];
  if (endpoint !== undefined) parts.push(['endpoint = $endpoint', { endpoint }]);
  if (recordingId !== undefined) parts.push(['recording_id = $recordingId', { recordingId }]);
  if (states) parts.push(isIn(states));
  if (since !== undefined) parts.push(['COALESCE(settled_at, created_at) >= $since', { since }]);
  if (until !== undefined) parts.push(['COALESCE(settled_at, created_at) < $until', { until }]);
  if (newestOnly) parts.push([IS_NEWEST]);
  return {
    where: parts.map(([condition]) => condition).join(' AND '),
    values: Object.assign({}, ...parts.map(([, values]) => values)) as V,
  };
}

/** A row of `Outbox.counts`. */
export function toCount(row: Row): DeliveryCount {
  return {
    endpoint: String(row.endpoint),
    state: row.state as DeliveryState,
    heldReason: row.held_reason as HeldReason | null,
    count: Number(row.count),
    oldestAt: Number(row.oldest_at),
    nextAt: Number(row.next_at),
  };
}

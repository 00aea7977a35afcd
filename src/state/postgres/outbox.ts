import { randomUUID } from 'node:crypto';
import type { Delivery, DeliveryState, HeldReason } from '../../core/delivery/delivery.ts';
import type { DeliveryCount, DeliveryFilter, Enqueued, NewDeliveries, Outbox } from '../../core/delivery/outbox.ts';
import { storing } from '../not-stored.ts';
import { toDelivery } from '../rows.ts';
import { numberArray, textArray } from './arrays.ts';
import { clockOffset } from './clock-offset.ts';
import type { Database } from './database.ts';
import { discard } from './discard.ts';
import { historyOf } from './history.ts';
import { lockPairs, lockPairsOf } from './pairs.ts';
import type { Row, Sql, Values } from './sql.ts';

const NEWEST = `SELECT * FROM deliveries WHERE recording_id = $recordingId AND endpoint = $endpoint
  ORDER BY seq DESC LIMIT 1`;
const PRUNED = `SELECT * FROM pruned_deliveries
  WHERE recording_id = $recordingId AND endpoint = $endpoint AND content_hash = $contentHash`;
const IS_NEWEST = `NOT EXISTS (
  SELECT 1 FROM deliveries newer
  WHERE newer.recording_id = deliveries.recording_id AND newer.endpoint = deliveries.endpoint
    AND newer.seq > deliveries.seq)`;
// From one endpoint to the next: the deliveries between are not read.
const NEXT_DUE = `WITH RECURSIVE due AS (
    (SELECT endpoint, next_at FROM deliveries WHERE state = 'pending' ORDER BY endpoint, next_at LIMIT 1)
    UNION ALL SELECT next.endpoint, next.next_at FROM due CROSS JOIN LATERAL (
      SELECT endpoint, next_at FROM deliveries WHERE state = 'pending' AND endpoint > due.endpoint
      ORDER BY endpoint, next_at LIMIT 1) AS next
  ) SELECT endpoint, next_at FROM due ORDER BY endpoint`;

/** The outbox over the database. */
export function openOutbox({ read, single, write, liveness }: Database): Outbox {
  return {
    enqueue: request =>
      storing(
        `the webhook delivery of recording ${request.recordingId}`,
        write(sql => enqueue(sql, request)),
      ),

    get: seq =>
      single(async sql => {
        const row = await sql.get('SELECT * FROM deliveries WHERE seq = $seq', { seq });
        return row && toDelivery(row);
      }),

    newest: (recordingId, endpoint) =>
      single(async sql => {
        const row = await sql.get(NEWEST, { recordingId, endpoint });
        return row && toDelivery(row);
      }),

    history: recordingId => read(sql => historyOf(sql, recordingId)),

    list: filter =>
      read(async sql => {
        const { where, values } = toWhere(filter);
        const limit = filter.limit ?? null;
        const rows = await sql.all(`SELECT * FROM deliveries WHERE ${where} ORDER BY seq LIMIT $limit::bigint`, {
          ...values,
          limit,
        });
        return rows.map(toDelivery);
      }),

    counts: () =>
      read(async sql => {
        const rows = await sql.all(
          `SELECT endpoint, state, held_reason, COUNT(*) AS count, MIN(created_at) AS oldest_at, MIN(next_at) AS next_at
           FROM deliveries GROUP BY endpoint, state, held_reason ORDER BY endpoint, state, held_reason NULLS FIRST`,
        );
        return rows.map(toCount);
      }),

    waiting: () =>
      read(async sql => {
        const rows = await sql.all(
          // Each half has an index of its own.
          `SELECT endpoint, SUM(number) AS count FROM (
             SELECT endpoint, COUNT(*) AS number FROM deliveries WHERE state = 'pending' GROUP BY endpoint
             UNION ALL SELECT endpoint, COUNT(*) FROM deliveries WHERE state = 'held' GROUP BY endpoint
           ) AS waiting GROUP BY endpoint ORDER BY endpoint`,
        );
        return rows.map(row => ({ endpoint: String(row.endpoint), count: Number(row.count) }));
      }),

    nextDue: () =>
      single(async sql => {
        const rows = await sql.all(NEXT_DUE);
        const offset = rows.length > 0 ? await clockOffset(sql) : 0;
        return rows.map(row => ({ endpoint: String(row.endpoint), nextAt: Number(row.next_at) - offset }));
      }),

    requeue: (seqs, now) =>
      write(async sql => {
        await lockPairsOf(sql, seqs);
        const rows = await sql.all(
          `UPDATE deliveries
           SET state = 'pending', held_reason = NULL, settled_at = NULL, next_at = $now, retries = 0
           WHERE seq = ANY($seqs::bigint[]) AND state IN ('delivered', 'held')
             AND held_reason IS DISTINCT FROM 'no-email' AND ${IS_NEWEST}
           RETURNING seq`,
          { seqs: numberArray(seqs), now: now + (await clockOffset(sql)) },
        );
        const requeued = new Set(rows.map(row => row.seq));
        return seqs.filter(seq => requeued.has(seq));
      }),

    discard: (recordingId, { endpoint, now }) =>
      write(async sql => {
        const at = now + (await clockOffset(sql));
        return await discard(sql, { recordingId, endpoint, now: at, isAlive: id => liveness.isAlive(sql, id) });
      }),
  };
}

/** Within a write: `Outbox.enqueue`. */
export async function enqueue(sql: Sql, request: NewDeliveries): Promise<Enqueued[]> {
  await lockPairs(sql, request.recordingId, request.endpoints);
  const made = { ...request, now: request.now + (await clockOffset(sql)) };
  const enqueued: Enqueued[] = [];
  for (const endpoint of request.endpoints) enqueued.push(await enqueueOne(sql, made, endpoint));
  return enqueued;
}

async function enqueueOne(sql: Sql, request: NewDeliveries, endpoint: string): Promise<Enqueued> {
  const { recordingId, payload, contentHash, force, hold: heldReason = null, now } = request;
  const row = await sql.get(NEWEST, { recordingId, endpoint });
  const known = row && toDelivery(row);
  if (known?.contentHash === contentHash && known.state !== 'superseded' && known.state !== 'discarded' && !force) {
    return { delivery: known, how: known.state === 'delivered' ? 'already-delivered' : 'reused' };
  }
  if (!known && !force) {
    const pruned = await sql.get(PRUNED, { recordingId, endpoint, contentHash });
    if (pruned) return { delivery: prunedDelivery(pruned, payload), how: 'already-delivered' };
  }
  // A claim stays: the newer payload waits until the older one's POST is over.
  if (known) {
    await sql.run(
      `UPDATE deliveries SET state = 'superseded', held_reason = NULL, settled_at = $now
       WHERE recording_id = $recordingId AND endpoint = $endpoint AND state IN ('pending', 'held')`,
      { recordingId, endpoint, now },
    );
  }
  const webhookId = `msg_${randomUUID().replaceAll('-', '')}`;
  const made = await sql.get(
    `INSERT INTO deliveries
       (webhook_id, endpoint, recording_id, payload, content_hash, state, held_reason, created_at, next_at, settled_at)
     VALUES ($webhookId, $endpoint, $recordingId, $payload, $contentHash, $state, $heldReason, $now, $now, $settledAt)
     RETURNING *`,
    {
      webhookId,
      endpoint,
      recordingId,
      payload,
      contentHash,
      state: heldReason === null ? 'pending' : 'held',
      heldReason,
      settledAt: heldReason === null ? null : now,
      now,
    },
  );
  return { delivery: toDelivery(made!), how: 'new' };
}

/** A delivery that was pruned after the endpoint had received it; it has no row, so no `seq`. */
function prunedDelivery(row: Row, payload: string): Delivery {
  const nothing = { seq: 0, held_reason: null, retries: 0 };
  return toDelivery({ ...row, ...nothing, payload, state: 'delivered', next_at: Number(row.settled_at) });
}

function toWhere(filter: DeliveryFilter): { where: string; values: Values } {
  const { endpoint, recordingId, states, since, until, newestOnly } = filter;
  const parts: [condition: string, values?: Values][] = [['TRUE']];
  if (endpoint !== undefined) parts.push(['endpoint = $endpoint', { endpoint }]);
  if (recordingId !== undefined) parts.push(['recording_id = $recordingId', { recordingId }]);
  if (states) parts.push(['state = ANY($states::text[])', { states: textArray(states) }]);
  if (since !== undefined) parts.push(['COALESCE(settled_at, created_at) >= $since', { since }]);
  if (until !== undefined) parts.push(['COALESCE(settled_at, created_at) < $until', { until }]);
  if (newestOnly) parts.push([IS_NEWEST]);
  return {
    where: parts.map(([condition]) => condition).join(' AND '),
    values: Object.assign({}, ...parts.map(([, values]) => values)) as Values,
  };
}

function toCount(row: Row): DeliveryCount {
  return {
    endpoint: String(row.endpoint),
    state: row.state as DeliveryState,
    heldReason: row.held_reason as HeldReason | null,
    count: Number(row.count),
    oldestAt: Number(row.oldest_at),
    nextAt: Number(row.next_at),
  };
}

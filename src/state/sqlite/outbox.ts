import { randomUUID } from 'node:crypto';
import type { Delivery, DeliveryState, HeldReason } from '../../core/delivery/delivery.ts';
import type { DeliveryCount, DeliveryFilter, Enqueued, NewDeliveries, Outbox } from '../../core/delivery/outbox.ts';
import { storing } from '../not-stored.ts';
import { toDelivery } from '../rows.ts';
import type { Database } from './database.ts';
import { discard } from './discard.ts';
import { historyOf } from './history.ts';
import type { Row, Sql, Values } from './sql.ts';

const NEWEST = `SELECT * FROM deliveries WHERE recording_id = $recordingId AND endpoint = $endpoint
  ORDER BY seq DESC LIMIT 1`;
const PRUNED = `SELECT * FROM pruned_deliveries
  WHERE recording_id = $recordingId AND endpoint = $endpoint AND content_hash = $contentHash`;
const IS_NEWEST = `NOT EXISTS (
  SELECT 1 FROM deliveries newer
  WHERE newer.recording_id = deliveries.recording_id AND newer.endpoint = deliveries.endpoint
    AND newer.seq > deliveries.seq)`;

/** The outbox over the database. */
export function openOutbox({ read, write, liveness }: Database): Outbox {
  return {
    enqueue: request =>
      storing(
        `the webhook delivery of recording ${request.recordingId}`,
        write(sql => enqueue(sql, request)),
      ),

    get: seq =>
      read(sql => {
        const row = sql.get('SELECT * FROM deliveries WHERE seq = $seq', { seq });
        return row && toDelivery(row);
      }),

    newest: (recordingId, endpoint) =>
      read(sql => {
        const row = sql.get(NEWEST, { recordingId, endpoint });
        return row && toDelivery(row);
      }),

    history: recordingId => read(sql => historyOf(sql, recordingId)),

    list: filter =>
      read(sql => {
        const { where, values } = toWhere(filter);
        const limit = filter.limit ?? -1;
        return sql
          .all(`SELECT * FROM deliveries WHERE ${where} ORDER BY seq LIMIT $limit`, { ...values, limit })
          .map(toDelivery);
      }),

    counts: () =>
      read(sql =>
        sql
          .all(
            `SELECT endpoint, state, held_reason, COUNT(*) AS count, MIN(created_at) AS oldest_at, MIN(next_at) AS next_at
             FROM deliveries GROUP BY endpoint, state, held_reason ORDER BY endpoint, state, held_reason`,
          )
          .map(toCount),
      ),

    waiting: () =>
      read(sql =>
        sql
          .all(
            // Each half has an index of its own.
            `SELECT endpoint, SUM(number) AS count FROM (
               SELECT endpoint, COUNT(*) AS number FROM deliveries WHERE state = 'pending' GROUP BY endpoint
               UNION ALL SELECT endpoint, COUNT(*) FROM deliveries WHERE state = 'held' GROUP BY endpoint
             ) AS waiting GROUP BY endpoint ORDER BY endpoint`,
          )
          .map(row => ({ endpoint: String(row.endpoint), count: Number(row.count) })),
      ),

    nextDue: () =>
      read(sql =>
        sql
          .all(
            `SELECT endpoint, MIN(next_at) AS next_at FROM deliveries WHERE state = 'pending' GROUP BY endpoint
             ORDER BY endpoint`,
          )
          .map(row => ({ endpoint: String(row.endpoint), nextAt: Number(row.next_at) })),
      ),

    requeue: (seqs, now) =>
      write(sql =>
        seqs.filter(
          seq =>
            sql.run(
              `UPDATE deliveries
               SET state = 'pending', held_reason = NULL, settled_at = NULL, next_at = $now, retries = 0
               WHERE seq = $seq AND state IN ('delivered', 'held') AND held_reason IS NOT 'no-email' AND ${IS_NEWEST}`,
              { seq, now },
            ) > 0,
        ),
      ),

    discard: (recordingId, { endpoint, now }) =>
      write(sql => discard(sql, { recordingId, endpoint, now, isAlive: liveness.isAlive })),
  };
}

/** Within a write: `Outbox.enqueue`. */
export function enqueue(sql: Sql, request: NewDeliveries): Enqueued[] {
  return request.endpoints.map(endpoint => enqueueOne(sql, request, endpoint));
}

function enqueueOne(sql: Sql, request: NewDeliveries, endpoint: string): Enqueued {
  const { recordingId, payload, contentHash, force, hold: heldReason = null, now } = request;
  const row = sql.get(NEWEST, { recordingId, endpoint });
  const known = row && toDelivery(row);
  if (known?.contentHash === contentHash && known.state !== 'superseded' && known.state !== 'discarded' && !force) {
    return { delivery: known, how: known.state === 'delivered' ? 'already-delivered' : 'reused' };
  }
  if (!known && !force) {
    const pruned = sql.get(PRUNED, { recordingId, endpoint, contentHash });
    if (pruned) return { delivery: prunedDelivery(pruned, payload), how: 'already-delivered' };
  }
  // A claim stays: the newer payload waits until the older one's POST is over.
  sql.run(
    `UPDATE deliveries SET state = 'superseded', held_reason = NULL, settled_at = $now
     WHERE recording_id = $recordingId AND endpoint = $endpoint AND state IN ('pending', 'held')`,
    { recordingId, endpoint, now },
  );
  const webhookId = `msg_${randomUUID().replaceAll('-', '')}`;
  const made = sql.get(
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
  const parts: [condition: string, values?: Values][] = [['1 = 1']];
  if (endpoint !== undefined) parts.push(['endpoint = $endpoint', { endpoint }]);
  if (recordingId !== undefined) parts.push(['recording_id = $recordingId', { recordingId }]);
  if (states) {
    const names = states.map((_, index) => `$state${index}`).join(', ');
    parts.push([`state IN (${names})`, Object.fromEntries(states.map((state, index) => [`state${index}`, state]))]);
  }
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

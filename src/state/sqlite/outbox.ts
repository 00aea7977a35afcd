import type { DeliveryState } from '../../core/delivery/delivery.ts';
import type { Enqueued, NewDeliveries, Outbox } from '../../core/delivery/outbox.ts';
import { storing } from '../not-stored.ts';
import {
  ADD_DELIVERY,
  type Condition,
  IS_NEWEST,
  NEWEST,
  newDelivery,
  PRUNED,
  SUPERSEDE,
  sameQueued,
  toCount,
  toPruned,
  whereOf,
} from '../outbox.ts';
import { toDelivery, toNextDue } from '../rows.ts';
import type { Database } from './database.ts';
import { discard } from './discard.ts';
import { historyOf } from './history.ts';
import type { Sql, Values } from './sql.ts';

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
        const { where, values } = whereOf(filter, isIn);
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
            `SELECT endpoint, MIN(next_at) AS next_at, NULL AS refused_at FROM deliveries WHERE state = 'pending'
             GROUP BY endpoint
             UNION ALL SELECT name, NULL, refused_at FROM endpoints WHERE refused_at IS NOT NULL
             ORDER BY endpoint`,
          )
          .map(row => toNextDue(row, 0)),
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
  const { recordingId, payload, contentHash, force, now } = request;
  const row = sql.get(NEWEST, { recordingId, endpoint });
  const newest = row && toDelivery(row);
  const same = sameQueued(newest, request);
  if (same) return same;
  if (!newest && !force) {
    const pruned = sql.get(PRUNED, { recordingId, endpoint, contentHash });
    if (pruned) return toPruned(pruned, payload);
  }
  sql.run(SUPERSEDE, { recordingId, endpoint, now });
  return { delivery: toDelivery(sql.get(ADD_DELIVERY, newDelivery(request, endpoint))!), how: 'new' };
}

function isIn(states: readonly DeliveryState[]): Condition<Values> {
  const names = states.map((_, index) => `$state${index}`).join(', ');
  return [`state IN (${names})`, Object.fromEntries(states.map((state, index) => [`state${index}`, state]))];
}

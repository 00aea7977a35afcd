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
import { numberArray, textArray } from './arrays.ts';
import { clockOffset } from './clock-offset.ts';
import type { Database } from './database.ts';
import { discard } from './discard.ts';
import { historyOf } from './history.ts';
import { lockPairs, lockPairsOf } from './pairs.ts';
import type { Sql, Values } from './sql.ts';

// From one endpoint to the next: the deliveries between are not read.
const NEXT_DUE = `WITH RECURSIVE due AS (
    (SELECT endpoint, next_at FROM deliveries WHERE state = 'pending' ORDER BY endpoint, next_at LIMIT 1)
    UNION ALL SELECT next.endpoint, next.next_at FROM due CROSS JOIN LATERAL (
      SELECT endpoint, next_at FROM deliveries WHERE state = 'pending' AND endpoint > due.endpoint
      ORDER BY endpoint, next_at LIMIT 1) AS next
  ) SELECT endpoint, next_at, NULL::bigint AS refused_at FROM due
  UNION ALL SELECT name, NULL, refused_at FROM endpoints WHERE refused_at IS NOT NULL ORDER BY endpoint`;

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
        const { where, values } = whereOf(filter, isIn);
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
        return rows.map(row => toNextDue(row, offset));
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
  const { recordingId, payload, contentHash, force, now } = request;
  const row = await sql.get(NEWEST, { recordingId, endpoint });
  const newest = row && toDelivery(row);
  const same = sameQueued(newest, request);
  if (same) return same;
  if (!newest && !force) {
    const pruned = await sql.get(PRUNED, { recordingId, endpoint, contentHash });
    if (pruned) return toPruned(pruned, payload);
  }
  if (newest) await sql.run(SUPERSEDE, { recordingId, endpoint, now });
  return { delivery: toDelivery((await sql.get(ADD_DELIVERY, newDelivery(request, endpoint)))!), how: 'new' };
}

const isIn = (states: readonly DeliveryState[]): Condition<Values> => [
  'state = ANY($states::text[])',
  { states: textArray(states) },
];

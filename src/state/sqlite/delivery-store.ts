import { randomUUID } from 'node:crypto';
import {
  type Attempt,
  type Delivery,
  type DeliveryState,
  type HeldReason,
  toAttempt,
  toDelivery,
} from '../../core/delivery/delivery.ts';
import { AppError } from '../../core/errors.ts';
import type { Database } from './database.ts';

/** A payload that is to go to some endpoints. */
export interface NewDeliveries {
  recordingId: string;
  /** Names of endpoints. */
  endpoints: readonly string[];
  /** JSON text; these bytes are what is sent, however often. */
  payload: string;
  /** `contentHash` of the payload: what it says, without when it was made. */
  contentHash: string;
  /** Queue it although the endpoint knows exactly this. */
  force?: boolean | undefined;
  now: number;
}

/** `reused`: the same content was queued already. `already-delivered`: the endpoint knows exactly this; nothing is due. */
export interface Enqueued {
  delivery: Delivery;
  how: 'new' | 'reused' | 'already-delivered';
}

/** Which deliveries; what is not given does not narrow. */
export interface DeliveryFilter {
  endpoint?: string | undefined;
  recordingId?: string | undefined;
  states?: readonly DeliveryState[] | undefined;
  /** Bounds of the time a delivery was settled, or made where it is pending; `until` is not in it. */
  since?: number | undefined;
  until?: number | undefined;
  /** Only the newest of each recording and endpoint: older payloads are never sent again. */
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
  /** When the next of them is due; of use for pending ones. */
  nextAt: number;
}

/** How many deliveries of an endpoint are pending or held. */
export interface WaitingCount {
  endpoint: string;
  count: number;
}

/** The outbox, as commands see it. Taking deliveries out to send them is `DeliveryClaims`' task. */
export interface DeliveryStore {
  /**
   * Makes a payload's deliveries durable, one an endpoint, all or none; older undelivered ones of the same recording
   * are superseded. Joins a transaction that is already open.
   * @throws AppError `STATE`, naming the recording, where they could not be stored
   */
  enqueue(request: NewDeliveries): Enqueued[];
  get(seq: number): Delivery | undefined;
  /** The recording's newest delivery for an endpoint. */
  newest(recordingId: string, endpoint: string): Delivery | undefined;
  /** All deliveries of a recording with all their tries, oldest first. */
  history(recordingId: string): { delivery: Delivery; attempts: Attempt[] }[];
  /** Oldest first. */
  list(filter: DeliveryFilter): Delivery[];
  counts(): DeliveryCount[];
  /** Of the endpoints that have some, by name; reads no delivery that is done. */
  waiting(): WaitingCount[];
  /**
   * Makes deliveries due again that were delivered or held, with the schedule anew; one that has been followed by a
   * newer payload stays as it is. Returns those that are due now.
   */
  requeue(seqs: readonly number[], now: number): number[];
  /** Removes delivered and superseded deliveries that were settled before `settledBefore`; never others. */
  prune(settledBefore: number): number;
  /** How many `prune` would remove. */
  prunable(settledBefore: number): number;
}

const IS_NEWEST = `NOT EXISTS (
  SELECT 1 FROM deliveries newer
  WHERE newer.recording_id = deliveries.recording_id AND newer.endpoint = deliveries.endpoint
    AND newer.seq > deliveries.seq)`;

/** The outbox over the state. */
export function openDeliveryStore(database: Database, newId: () => string = randomUUID): DeliveryStore {
  const { sql, transaction } = database;
  const insert = sql.prepare(
    `INSERT INTO deliveries (webhook_id, endpoint, recording_id, payload, content_hash, state, created_at, next_at)
     VALUES (?, ?, ?, ?, ?, 'pending', ?, ?) RETURNING *`,
  );
  // A claim stays: the newer payload waits until the older one's POST is over.
  const supersede = sql.prepare(
    `UPDATE deliveries SET state = 'superseded', held_reason = NULL, settled_at = ?
     WHERE recording_id = ? AND endpoint = ? AND state IN ('pending', 'held')`,
  );
  const selectNewest = sql.prepare(
    'SELECT * FROM deliveries WHERE recording_id = ? AND endpoint = ? ORDER BY seq DESC LIMIT 1',
  );
  const select = sql.prepare('SELECT * FROM deliveries WHERE seq = ?');
  const selectAttempts = sql.prepare('SELECT * FROM attempts WHERE delivery = ? ORDER BY number');
  const requeueOne = sql.prepare(
    `UPDATE deliveries SET state = 'pending', held_reason = NULL, settled_at = NULL, next_at = ?, retries = 0
     WHERE seq = ? AND state IN ('delivered', 'held') AND ${IS_NEWEST}`,
  );
  // One state a statement: `IN` would not use the index's second column.
  const pruneState = sql.prepare('DELETE FROM deliveries WHERE state = ? AND settled_at < ?');
  const countState = sql.prepare('SELECT COUNT(*) AS count FROM deliveries WHERE state = ? AND settled_at < ?');
  const count = sql.prepare(
    `SELECT endpoint, state, held_reason, COUNT(*) AS count, MIN(created_at) AS oldest_at, MIN(next_at) AS next_at
     FROM deliveries GROUP BY endpoint, state, held_reason ORDER BY endpoint, state, held_reason`,
  );
  // Each half from an index of its own.
  const countWaiting = sql.prepare(
    `SELECT endpoint, SUM(number) AS count FROM (
       SELECT endpoint, COUNT(*) AS number FROM deliveries WHERE state = 'pending' GROUP BY endpoint
       UNION ALL SELECT endpoint, COUNT(*) FROM deliveries WHERE state = 'held' GROUP BY endpoint
     ) AS waiting GROUP BY endpoint ORDER BY endpoint`,
  );
  const newest = (recordingId: string, endpoint: string) => {
    const row = selectNewest.get(recordingId, endpoint);
    return row && toDelivery(row);
  };

  const enqueueOne = (request: NewDeliveries, endpoint: string): Enqueued => {
    const { recordingId, payload, contentHash, force, now } = request;
    const known = newest(recordingId, endpoint);
    if (known?.contentHash === contentHash && known.state !== 'superseded' && !force) {
      return { delivery: known, how: known.state === 'delivered' ? 'already-delivered' : 'reused' };
    }
    supersede.run(now, recordingId, endpoint);
    const id = `msg_${newId().replaceAll('-', '')}`;
    const row = insert.get(id, endpoint, recordingId, payload, contentHash, now, now);
    return { delivery: toDelivery(row!), how: 'new' };
  };

  return {
    enqueue: request =>
      storing(
        () => `the webhook delivery of recording ${request.recordingId}`,
        () => transaction(() => request.endpoints.map(endpoint => enqueueOne(request, endpoint))),
      ),
    get(seq) {
      const row = select.get(seq);
      return row && toDelivery(row);
    },
    newest,
    history: recordingId =>
      sql
        .prepare('SELECT * FROM deliveries WHERE recording_id = ? ORDER BY seq')
        .all(recordingId)
        .map(toDelivery)
        .map(delivery => ({ delivery, attempts: selectAttempts.all(delivery.seq).map(toAttempt) })),
    list(filter) {
      const { where, values } = toWhere(filter);
      const statement = `SELECT * FROM deliveries WHERE ${where} ORDER BY seq LIMIT ?`;
      return sql
        .prepare(statement)
        .all(...values, filter.limit ?? -1)
        .map(toDelivery);
    },
    counts: () =>
      count.all().map(row => ({
        endpoint: String(row.endpoint),
        state: row.state as DeliveryState,
        heldReason: row.held_reason as HeldReason | null,
        count: Number(row.count),
        oldestAt: Number(row.oldest_at),
        nextAt: Number(row.next_at),
      })),
    waiting: () => countWaiting.all().map(row => ({ endpoint: String(row.endpoint), count: Number(row.count) })),
    requeue: (seqs, now) => transaction(() => seqs.filter(seq => requeueOne.run(now, seq).changes > 0)),
    prune: settledBefore =>
      transaction(() => PRUNABLE.reduce((sum, state) => sum + Number(pruneState.run(state, settledBefore).changes), 0)),
    prunable: settledBefore =>
      PRUNABLE.reduce((sum, state) => sum + Number(countState.get(state, settledBefore)?.count), 0),
  };
}

const PRUNABLE: readonly DeliveryState[] = ['delivered', 'superseded'];

function toWhere(filter: DeliveryFilter): { where: string; values: (string | number)[] } {
  const { endpoint, recordingId, states, since, until, newestOnly } = filter;
  const parts: [condition: string, ...values: (string | number)[]][] = [['1 = 1']];
  if (endpoint !== undefined) parts.push(['endpoint = ?', endpoint]);
  if (recordingId !== undefined) parts.push(['recording_id = ?', recordingId]);
  if (states) parts.push([`state IN (${states.map(() => '?').join(', ')})`, ...states]);
  if (since !== undefined) parts.push(['COALESCE(settled_at, created_at) >= ?', since]);
  if (until !== undefined) parts.push(['COALESCE(settled_at, created_at) < ?', until]);
  if (newestOnly) parts.push([IS_NEWEST]);
  return {
    where: parts.map(([condition]) => condition).join(' AND '),
    values: parts.flatMap(([, ...values]) => values),
  };
}

/** Says what could not be stored, where the state fails (a full disk, above all). */
function storing<T>(what: () => string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw notStored(what(), error);
  }
}

/** The error of a state that fails, with what could not be stored; others as they are. */
export function notStored(what: string, error: unknown): unknown {
  if (!(error instanceof AppError) || error.code !== 'STATE') return error;
  const { hint, cause } = error;
  return new AppError('STATE', `${what} could not be stored: ${error.message}`, { hint, cause });
}

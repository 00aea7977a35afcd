import { DELIVERY_TIME_BOUNDS_MS, type Measures, type Total } from '../../core/status/measures.ts';
import { measuresOf, type TotalName } from '../measures.ts';
import type { Sql } from './sql.ts';

/*
 * The totals are written in the transaction of what they count, so that a crash neither loses a count nor makes one
 * twice.
 */

const ADD = `INSERT INTO totals (name, labels, count, sum) VALUES ($name, $labels, $times, $size)
  ON CONFLICT (name, labels) DO UPDATE SET count = count + $times, sum = sum + $size`;
const SUCCEEDED = `INSERT INTO successes (name, at) VALUES ($name, $at) ON CONFLICT (name) DO UPDATE SET at = $at`;
const WAITING = `SELECT endpoint, COUNT(*) AS n FROM deliveries INDEXED BY deliveries_due
  WHERE state = 'pending' GROUP BY endpoint`;
const HELD = `SELECT endpoint, held_reason, COUNT(*) AS n FROM deliveries INDEXED BY deliveries_held
  WHERE state = 'held' GROUP BY endpoint, held_reason`;

function add(sql: Sql, name: TotalName, labels: readonly string[], { count, sum }: Total): void {
  // A clock that was set back makes no negative duration.
  sql.run(ADD, { name, labels: JSON.stringify(labels), times: count, size: Math.max(0, sum) });
}

/** Within a write: an upload ended. */
export function countUpload(
  sql: Sql,
  { outcome, run }: Pick<Measures['uploads'][number], 'outcome' | 'run'>,
  tookMs: number,
  now: number,
): void {
  add(sql, 'upload', [outcome, run], { count: 1, sum: tookMs });
  if (outcome === 'done') noteSuccess(sql, 'upload', now);
}

type Success = 'upload' | 'delivery' | 'pass' | 'tidying' | 'tidied';

/** Within a write: it succeeded now. */
export function noteSuccess(sql: Sql, name: Success, now: number): void {
  sql.run(SUCCEEDED, { name, at: now });
}

/** When it succeeded last, in milliseconds since 1970; null: never. */
export function lastSuccess(sql: Sql, name: Success): number | null {
  const at = sql.get('SELECT at FROM successes WHERE name = $name', { name })?.at;
  return at === undefined ? null : Number(at);
}

/** Within a write: a file was sent and verified. */
export function countSentFile(sql: Sql, bytes: number, parts: number): void {
  add(sql, 'sent-file', [], { count: 1, sum: bytes });
  add(sql, 'sent-part', [], { count: parts, sum: 0 });
}

/** Within a write: a webhook was tried. */
export function countAttempt(
  sql: Sql,
  { endpoint, outcome, status, run }: { endpoint: string; outcome: string; status: number | null; run: string },
  tookMs: number,
): void {
  add(sql, 'attempt', [endpoint, outcome, String(status ?? 'none'), run], { count: 1, sum: tookMs });
}

/** Within a write: a webhook was delivered. */
export function countDelivery(sql: Sql, endpoint: string, tookMs: number, now: number): void {
  add(sql, 'delivery', [endpoint], { count: 1, sum: tookMs });
  const bound = DELIVERY_TIME_BOUNDS_MS.find(ms => tookMs <= ms);
  if (bound !== undefined) add(sql, 'delivery-within', [endpoint, String(bound)], { count: 1, sum: 0 });
  noteSuccess(sql, 'delivery', now);
}

/** `Overview.measures` over the database. Its cost does not grow with what is done. */
export function readMeasures(sql: Sql): Measures {
  return measuresOf({
    totals: sql.all('SELECT * FROM totals ORDER BY name, labels'),
    last: {
      lastUploadAt: lastSuccess(sql, 'upload'),
      lastDeliveryAt: lastSuccess(sql, 'delivery'),
      lastPassAt: lastSuccess(sql, 'pass'),
    },
    waiting: sql.all(WAITING),
    held: sql.all(HELD),
  });
}

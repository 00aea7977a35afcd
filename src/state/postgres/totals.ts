import { DELIVERY_TIME_BOUNDS_MS, type Measures, type Total } from '../../core/status/measures.ts';
import { measuresOf, type TotalName } from '../measures.ts';
import type { Sql } from './sql.ts';

/*
 * The totals are written in the transaction of what they count, so that a crash neither loses a count nor makes one
 * twice. Each total is spread over several rows, by the server process that counts: on one row, every write of the fleet
 * would wait for the one before.
 */

/** What happened once, or several times. */
interface Counted extends Total {
  name: TotalName;
  labels: readonly string[];
}

// In one order: two transactions never wait for each other's rows.
const ADD = `INSERT INTO sharded_totals AS known (name, labels, shard, count, sum)
  SELECT name, labels, pg_backend_pid() % 256, times, size
  FROM json_to_recordset($counted::json) AS one (name text, labels text, times bigint, size double precision)
  ORDER BY name, labels
  ON CONFLICT (name, labels, shard) DO UPDATE SET count = known.count + excluded.count, sum = known.sum + excluded.sum`;
// Not where another transaction has just noted it: each delivery of the fleet would wait for the one before.
const SUCCEEDED = `INSERT INTO successes AS known (name, at) VALUES ($name, $at)
  ON CONFLICT (name) DO UPDATE SET at = excluded.at`;
const NOTED = `UPDATE successes SET at = $at
  WHERE name = (SELECT name FROM successes WHERE name = $name FOR UPDATE SKIP LOCKED)`;
const TOTALS = 'SELECT * FROM all_totals ORDER BY name, labels';
const WAITING = `SELECT endpoint, COUNT(*) AS n FROM deliveries WHERE state = 'pending' GROUP BY endpoint ORDER BY endpoint`;
const HELD = `SELECT endpoint, held_reason, COUNT(*) AS n FROM deliveries WHERE state = 'held'
  GROUP BY endpoint, held_reason ORDER BY endpoint, held_reason`;

async function add(sql: Sql, counted: readonly Counted[]): Promise<void> {
  const rows = counted.map(({ name, labels, count, sum }) => ({
    name,
    labels: JSON.stringify(labels),
    times: count,
    // A clock that was set back makes no negative duration.
    size: Math.max(0, sum),
  }));
  await sql.run(ADD, { counted: JSON.stringify(rows) });
}

/** Within a write: something succeeded. @param name `upload`, `delivery`, `pass`, or with a machine's name behind it */
export async function noteSuccess(sql: Sql, name: string, now: number): Promise<void> {
  if ((await sql.run(NOTED, { name, at: now })) > 0) return;
  // There is none yet, or another transaction notes one at this moment, which is as good.
  if (await sql.get('SELECT 1 AS known FROM successes WHERE name = $name', { name })) return;
  await sql.run(SUCCEEDED, { name, at: now });
}

/** Within a read: when it succeeded last, in milliseconds since 1970; null: never. */
export async function lastSuccess(sql: Sql, name: string): Promise<number | null> {
  const row = await sql.get('SELECT at FROM successes WHERE name = $name', { name });
  return row ? Number(row.at) : null;
}

/** Within a write: an upload ended. */
export async function countUpload(
  sql: Sql,
  { outcome, run }: Pick<Measures['uploads'][number], 'outcome' | 'run'>,
  tookMs: number,
  now: number,
): Promise<void> {
  await add(sql, [{ name: 'upload', labels: [outcome, run], count: 1, sum: tookMs }]);
  if (outcome === 'done') await noteSuccess(sql, 'upload', now);
}

/** Within a write: the worker of a machine went through all that was due. Each has a heartbeat of its own. */
export async function notePass(sql: Sql, machine: string, now: number): Promise<void> {
  await sql.run(SUCCEEDED, { name: `pass ${machine}`, at: now });
}

/** Within a write: a file was sent and verified. */
export async function countSentFile(sql: Sql, bytes: number, parts: number): Promise<void> {
  await add(sql, [
    { name: 'sent-file', labels: [], count: 1, sum: bytes },
    { name: 'sent-part', labels: [], count: parts, sum: 0 },
  ]);
}

/** A try of a webhook. */
export interface CountedTry {
  endpoint: string;
  outcome: string;
  status: number | null;
  run: 'first' | 'again';
  tookMs: number;
  /** How long the delivery waited for its success; undefined: the try was none. */
  deliveredAfterMs: number | undefined;
}

/** Within a write: webhooks were tried. */
export async function countTries(sql: Sql, tries: readonly CountedTry[], now: number): Promise<void> {
  await add(sql, summed(tries.flatMap(countedOf)));
  if (tries.some(({ deliveredAfterMs }) => deliveredAfterMs !== undefined)) await noteSuccess(sql, 'delivery', now);
}

function countedOf({ endpoint, outcome, status, run, tookMs, deliveredAfterMs: afterMs }: CountedTry): Counted[] {
  const labels = [endpoint, outcome, String(status ?? 'none'), run];
  const counted: Counted[] = [{ name: 'attempt', labels, count: 1, sum: tookMs }];
  if (afterMs === undefined) return counted;
  counted.push({ name: 'delivery', labels: [endpoint], count: 1, sum: Math.max(0, afterMs) });
  const bound = DELIVERY_TIME_BOUNDS_MS.find(ms => afterMs <= ms);
  if (bound !== undefined)
    counted.push({ name: 'delivery-within', labels: [endpoint, String(bound)], count: 1, sum: 0 });
  return counted;
}

/** One statement changes a row once. */
function summed(counted: readonly Counted[]): Counted[] {
  const sums = new Map<string, Counted>();
  for (const one of counted) {
    const key = JSON.stringify([one.name, one.labels]);
    const known = sums.get(key) ?? { ...one, count: 0, sum: 0 };
    sums.set(key, { ...known, count: known.count + one.count, sum: known.sum + Math.max(0, one.sum) });
  }
  return [...sums.values()];
}

/**
 * `Overview.measures` over the database: of the whole fleet, but for the heartbeat of this machine's worker. Its cost does
 * not grow with what is done.
 */
export async function readMeasures(sql: Sql, machine: string): Promise<Measures> {
  const totals = await sql.all(TOTALS);
  const successes = new Map((await sql.all('SELECT * FROM successes')).map(row => [row.name, Number(row.at)]));
  return measuresOf({
    totals,
    last: {
      lastUploadAt: successes.get('upload') ?? null,
      lastDeliveryAt: successes.get('delivery') ?? null,
      lastPassAt: successes.get(`pass ${machine}`) ?? null,
    },
    waiting: await sql.all(WAITING),
    held: await sql.all(HELD),
  });
}

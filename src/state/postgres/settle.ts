import type { NextState, Settlement } from '../../core/delivery/claims.ts';
import { conclusionOf } from '../settle.ts';
import { numberArray } from './arrays.ts';
import { clockOffset } from './clock-offset.ts';
import type { Database } from './database.ts';
import { disable, lockEndpoints, refuse } from './endpoints.ts';
import type { Row, Sql } from './sql.ts';
import { type CountedTry, countTries } from './totals.ts';

const FIND = `SELECT seq, state, held_reason, claim, claimed_by, claimed_at, attempts, retries, next_at, created_at,
    settled_at, in_flight_until
  FROM deliveries WHERE seq = ANY($seqs::bigint[]) ORDER BY seq FOR UPDATE`;
const CONCLUDE = `UPDATE deliveries SET state = after.state, held_reason = after.held_reason, retries = after.retries,
    next_at = after.next_at, settled_at = after.settled_at, attempts = after.attempts, claimed_by = after.claimed_by,
    claim = after.claim, claimed_at = after.claimed_at, in_flight_until = after.in_flight_until
  FROM json_to_recordset($after::json) AS after (seq bigint, state text, held_reason text, retries int, next_at bigint,
    settled_at bigint, attempts int, claimed_by text, claim text, claimed_at bigint, in_flight_until bigint)
  WHERE deliveries.seq = after.seq`;
const ADD_ATTEMPTS = `INSERT INTO attempts
    (delivery, number, trigger, at, duration, outcome, status, error, excerpt, machine)
  SELECT delivery, number, trigger, at, duration, outcome, status, error, excerpt, $machine
  FROM json_to_recordset($attempts::json) AS one (delivery bigint, number int, trigger text, at bigint, duration bigint,
    outcome text, status int, error text, excerpt text)`;

interface Waiting {
  settlement: Settlement;
  resolve(isOurs: boolean): void;
  reject(error: unknown): void;
}

/** Settlements that one transaction stores. */
const MOST_AT_ONCE = 64;

/**
 * `DeliveryClaims.settle`. What ends while a transaction is under way is stored together in the next one: the disk of the
 * server is asked once.
 */
export function openSettling(database: Database): (settlement: Settlement) => Promise<boolean> {
  const waiting: Waiting[] = [];
  let isRunning = false;
  const run = async () => {
    isRunning = true;
    // Others that end at this moment come along.
    await Promise.resolve();
    for (let batch = waiting.splice(0, MOST_AT_ONCE); batch.length > 0; batch = waiting.splice(0, MOST_AT_ONCE)) {
      const settlements = batch.map(one => one.settlement);
      try {
        const results = await database.write(sql => settleAll(sql, settlements, database.self.machine));
        batch.forEach((one, index) => {
          one.resolve(results[index] === true);
        });
      } catch (error) {
        for (const one of batch) one.reject(error);
      }
    }
    isRunning = false;
  };
  return settlement =>
    new Promise((resolve, reject) => {
      waiting.push({ settlement, resolve, reject });
      if (!isRunning) void run();
    });
}

/** Within a write. @returns of each, whether its claim was still the caller's */
async function settleAll(sql: Sql, settlements: readonly Settlement[], machine: string): Promise<boolean[]> {
  const offset = await clockOffset(sql);
  const changed = settlements.filter(({ consequence }) => consequence !== undefined);
  await lockEndpoints(
    sql,
    changed.map(({ delivery }) => delivery.endpoint),
  );
  const seqs = [...new Set(settlements.map(({ delivery }) => delivery.seq))];
  const rows = new Map((await sql.all(FIND, { seqs: numberArray(seqs) })).map(row => [Number(row.seq), row]));
  const attempts: Row[] = [];
  const tries: CountedTry[] = [];
  const settled = settlements.map(settlement => {
    const row = rows.get(settlement.delivery.seq);
    // Pruned or set aside in the meantime: nothing is left to record it for.
    if (!row) return false;
    const { delivery, next, mayArriveUntil } = settlement;
    const now = settlement.now + offset;
    const isOurs = row.claim === delivery.claim;
    const number = Number(row.attempts) + 1;
    const after: Row = { ...row, attempts: number };
    if (isOurs) Object.assign(after, conclusion(row, next, now, offset));
    if (mayArriveUntil !== undefined) {
      after.in_flight_until = Math.max(Number(row.in_flight_until ?? 0), mayArriveUntil + offset);
    }
    rows.set(delivery.seq, after);
    attempts.push(attemptRow(settlement, number, offset));
    const isDelivery = isOurs && next?.state === 'delivered';
    tries.push({
      endpoint: delivery.endpoint,
      outcome: settlement.attempt.outcome,
      status: settlement.attempt.status,
      run: number === 1 ? 'first' : 'again',
      tookMs: settlement.attempt.durationMs,
      deliveredAfterMs: isDelivery ? now - Number(row.created_at) : undefined,
    });
    return isOurs;
  });
  if (attempts.length === 0) return settled;
  await sql.run(CONCLUDE, { after: JSON.stringify([...rows.values()]) });
  await sql.run(ADD_ATTEMPTS, { attempts: JSON.stringify(attempts), machine });
  for (const [index, { delivery, consequence, now }] of settlements.entries()) {
    if (!settled[index] || !consequence) continue;
    if (consequence.kind === 'refuse') {
      await refuse(sql, delivery.endpoint, consequence.fingerprint, { machine, now: now + offset });
    } else await disable(sql, delivery.endpoint, consequence.reason, now + offset);
  }
  const [{ now } = { now: 0 }] = settlements;
  await countTries(sql, tries, now + offset);
  return settled;
}

function conclusion(row: Row, next: NextState | undefined, now: number, offset: number): Row {
  const byDatabase = next?.state === 'pending' ? { ...next, nextAt: next.nextAt + offset } : next;
  const { state, heldReason, retries, nextAt, settledAt } = conclusionOf(row, byDatabase, now);
  return {
    state,
    held_reason: heldReason,
    retries,
    next_at: nextAt,
    settled_at: settledAt,
    claimed_by: null,
    claim: null,
    claimed_at: null,
  };
}

function attemptRow({ delivery, attempt }: Settlement, number: number, offset: number): Row {
  const { trigger, at, durationMs, outcome, status, error, excerpt } = attempt;
  return {
    delivery: delivery.seq,
    number,
    trigger,
    at: at + offset,
    duration: durationMs,
    outcome,
    status,
    error: storable(error),
    excerpt: storable(excerpt),
  };
}

/** PostgreSQL keeps neither NUL nor halves of characters. */
function storable(text: string | null): string | null {
  return text?.replaceAll('\0', '\ufffd').toWellFormed() ?? null;
}

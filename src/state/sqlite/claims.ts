import { randomUUID } from 'node:crypto';
import {
  type Candidate,
  type ClaimResult,
  type ClaimScope,
  type Consequence,
  type DeliveryClaims,
  FURTHEST_MS,
  LEASE_MS,
  type Settlement,
} from '../../core/delivery/claims.ts';
import { abandonedUntil, withoutWrongClock } from '../../core/delivery/in-flight.ts';
import { storing } from '../not-stored.ts';
import { toDelivery } from '../rows.ts';
import { conclusionOf } from '../settle.ts';
import type { Database } from './database.ts';
import { disable, refuse } from './endpoints.ts';
import type { Row, Sql, Values } from './sql.ts';
import { countAttempt, countDelivery } from './totals.ts';

/** Not over, and not from a future further away than a clock can be set while a POST is under way. */
const isLive = (table: string) => `${table}.claim IS NOT NULL
  AND ${table}.claimed_at > $liveAfter AND ${table}.claimed_at < $liveBefore`;
const NO_CLAIM = 'claimed_by = NULL, claim = NULL, claimed_at = NULL';

/** What an older payload's request that may still reach the server would change back. */
const OLDER = `older.recording_id = deliveries.recording_id AND older.endpoint = deliveries.endpoint
  AND older.seq < deliveries.seq AND older.content_hash <> deliveries.content_hash AND older.in_flight_until > $now`;

const TAKE = `UPDATE deliveries SET claimed_by = $owner, claim = $claim, claimed_at = $now,
    retries = CASE WHEN $restart = 1 THEN 0 ELSE retries END
  WHERE seq = $seq AND state = 'pending' AND attempts = $attempts AND NOT (${isLive('deliveries')})
    AND NOT EXISTS (
      SELECT 1 FROM deliveries other
      WHERE other.recording_id = deliveries.recording_id AND other.endpoint = deliveries.endpoint
        AND (other.seq > deliveries.seq OR (other.seq <> deliveries.seq AND ${isLive('other')})))
    AND NOT EXISTS (SELECT 1 FROM deliveries older WHERE ${OLDER})
  RETURNING *`;
const REFUSED = `SELECT deliveries.*, (SELECT MAX(older.in_flight_until) FROM deliveries older WHERE ${OLDER}) AS not_before
  FROM deliveries WHERE seq = $seq`;
const IN_FLIGHT = 'SELECT seq, in_flight_until FROM deliveries WHERE in_flight_until IS NOT NULL';
const SET_IN_FLIGHT = 'UPDATE deliveries SET in_flight_until = $until WHERE seq = $seq';
const CONCLUDE = `UPDATE deliveries SET state = $state, held_reason = $heldReason, retries = $retries, next_at = $nextAt,
    settled_at = $settledAt, attempts = $attempts, ${NO_CLAIM}
  WHERE seq = $seq`;
const ADD_ATTEMPT = `INSERT INTO attempts (delivery, number, trigger, at, duration, outcome, status, error, excerpt)
  VALUES ($seq, $number, $trigger, $at, $durationMs, $outcome, $status, $error, $excerpt)`;

/** The claims over the database. */
export function openDeliveryClaims({ read, write, liveness }: Database): DeliveryClaims {
  return {
    candidates: ({ dueBy = Number.MAX_SAFE_INTEGER, ...scope }) =>
      read(sql =>
        findPending(sql, scope, dueBy).map(row => ({ seq: Number(row.seq), attempts: Number(row.attempts) })),
      ),

    async repair(endpoint, now) {
      // Asked before the transaction: a process that is dead stays dead, and others need the lock.
      const owners = await read(sql =>
        sql.all('SELECT DISTINCT claimed_by AS id FROM deliveries WHERE claimed_by IS NOT NULL'),
      );
      const dead = owners.map(row => String(row.id)).filter(id => !liveness.isAlive(id));
      await write(sql => {
        sql.run(
          `UPDATE deliveries SET next_at = $now
           WHERE endpoint = $endpoint AND state = 'pending' AND next_at > $furthest`,
          { endpoint, now, furthest: now + FURTHEST_MS },
        );
        sql.run('UPDATE deliveries SET in_flight_until = NULL WHERE in_flight_until <= $now', { now });
        for (const { seq, in_flight_until: until } of sql.all(IN_FLIGHT)) {
          sql.run(SET_IN_FLIGHT, { seq: Number(seq), until: withoutWrongClock(Number(until), now) });
        }
        for (const owner of dead) freeDeliveries(sql, owner, now);
      });
      for (const owner of dead) liveness.forget(owner);
    },

    claim(candidates, limit, now, { restart }) {
      const claim = randomUUID();
      const values = {
        claim,
        owner: liveness.ownerId,
        now,
        restart: Number(restart),
        liveAfter: now - LEASE_MS,
        liveBefore: now + LEASE_MS,
      };
      return write(sql => {
        const results: ClaimResult[] = [];
        let claimed = 0;
        for (const candidate of candidates) {
          if (claimed >= limit) break;
          const result = takeOne(sql, candidate, values, claim);
          if (typeof result === 'object') claimed++;
          results.push(result);
        }
        return results;
      });
    },

    async release(claimed) {
      if (claimed.length === 0) return;
      await write(sql => {
        for (const { seq, claim } of claimed)
          sql.run(`UPDATE deliveries SET ${NO_CLAIM} WHERE seq = $seq AND claim = $claim`, { seq, claim });
      });
    },

    settle: settlement => {
      const { webhookId, recordingId } = settlement.delivery;
      return storing(
        `what came of the webhook delivery ${webhookId} of recording ${recordingId}`,
        write(sql => settleOne(sql, settlement)),
      );
    },

    releaseHeld: (scope, now) => write(sql => unhold(sql, scope, now)),
  };
}

/** Within a write: voids the claims of an owner that died; its requests may still reach the server. */
export function freeDeliveries(sql: Sql, owner: string, now: number): void {
  const claimed = sql.all('SELECT seq, claimed_at FROM deliveries WHERE claimed_by = $owner', { owner });
  for (const { seq, claimed_at: claimedAt } of claimed) {
    markInFlight(sql, Number(seq), abandonedUntil(Number(claimedAt), now));
  }
  sql.run(`UPDATE deliveries SET ${NO_CLAIM} WHERE claimed_by = $owner`, { owner });
}

function findPending(sql: Sql, { endpoint, recordingIds, seqs }: ClaimScope, dueBy: number): Row[] {
  const isDue = `endpoint = $endpoint AND state = 'pending' AND next_at <= $dueBy`;
  if (seqs) {
    const one = `SELECT seq, attempts FROM deliveries WHERE seq = $seq AND ${isDue}`;
    return seqs.map(seq => sql.get(one, { seq, endpoint, dueBy })).filter(row => row !== undefined);
  }
  if (recordingIds) {
    const newest = `SELECT seq, attempts FROM deliveries WHERE recording_id = $id AND ${isDue} ORDER BY seq DESC LIMIT 1`;
    return recordingIds.map(id => sql.get(newest, { id, endpoint, dueBy })).filter(row => row !== undefined);
  }
  return sql.all(`SELECT seq, attempts FROM deliveries WHERE ${isDue} ORDER BY next_at, seq`, { endpoint, dueBy });
}

function takeOne(sql: Sql, { seq, attempts }: Candidate, values: Values, claim: string): ClaimResult {
  const row = sql.get(TAKE, { ...values, seq, attempts });
  if (row) return { delivery: { ...toDelivery(row), claim } };
  const found = sql.get(REFUSED, { seq, now: values.now as number });
  if (found?.state !== 'pending' || found.attempts !== attempts) return 'gone';
  return found.not_before === null ? 'busy' : { notBefore: Number(found.not_before), waiting: toDelivery(found) };
}

/** Within a write: a request of the delivery may still reach the server until then, or longer if an earlier one may. */
function markInFlight(sql: Sql, seq: number, until: number): void {
  sql.run(`${SET_IN_FLIGHT} AND COALESCE(in_flight_until, 0) < $until`, { seq, until });
}

function settleOne(sql: Sql, settlement: Settlement): boolean {
  const { delivery, attempt, next, now, mayArriveUntil, consequence } = settlement;
  const { seq } = delivery;
  const row = sql.get(
    'SELECT state, held_reason, claim, attempts, retries, next_at, created_at FROM deliveries WHERE seq = $seq',
    {
      seq,
    },
  );
  // Pruned or set aside in the meantime: nothing is left to record it for.
  if (!row) return false;
  const number = Number(row.attempts) + 1;
  const isOurs = row.claim === delivery.claim;
  if (isOurs) {
    sql.run(CONCLUDE, { seq, attempts: number, ...conclusionOf(row, next, now) });
    if (consequence) applyConsequence(sql, delivery.endpoint, consequence, now);
  } else {
    sql.run('UPDATE deliveries SET attempts = $number WHERE seq = $seq', { number, seq });
  }
  if (mayArriveUntil !== undefined) markInFlight(sql, seq, mayArriveUntil);
  const { trigger, at, durationMs, outcome, status, error, excerpt } = attempt;
  sql.run(ADD_ATTEMPT, { seq, number, trigger, at, durationMs, outcome, status, error, excerpt });
  const { endpoint } = delivery;
  countAttempt(sql, { endpoint, outcome, status, run: number === 1 ? 'first' : 'again' }, durationMs);
  if (isOurs && next?.state === 'delivered') countDelivery(sql, endpoint, now - Number(row.created_at), now);
  return isOurs;
}

function applyConsequence(sql: Sql, endpoint: string, consequence: Consequence, now: number): void {
  if (consequence.kind === 'refuse') refuse(sql, endpoint, consequence.fingerprint, now);
  else disable(sql, endpoint, consequence.reason, now);
}

function unhold(sql: Sql, { endpoint, recordingIds, seqs }: ClaimScope, now: number): number {
  const all = `UPDATE deliveries
    SET state = 'pending', held_reason = NULL, settled_at = NULL, next_at = $now, retries = 0
    WHERE state = 'held' AND held_reason IS NOT 'no-email' AND endpoint = $endpoint`;
  const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);
  if (seqs) return sum(seqs.map(seq => sql.run(`${all} AND seq = $seq`, { endpoint, now, seq })));
  if (!recordingIds) return sql.run(all, { endpoint, now });
  return sum(recordingIds.map(id => sql.run(`${all} AND recording_id = $id`, { endpoint, now, id })));
}

import { randomUUID } from 'node:crypto';
import {
  type Attempt,
  type ClaimedDelivery,
  type DeliveryState,
  type HeldReason,
  toDelivery,
} from '../../core/delivery/delivery.ts';
import type { Database } from './database.ts';
import { notStored } from './delivery-store.ts';

/**
 * How long a claim holds without being settled; longer than the POST's time-out (30 s), so that a slow answer is not
 * overtaken. It matters only for an owner that lives and hangs: a dead one's claims are void at once.
 */
export const LEASE_MS = 90_000;
/** No delivery is scheduled further ahead than this (24 h) and an hour; one that is was scheduled by a wrong clock. */
const FURTHEST_MS = 25 * 60 * 60 * 1000;

/** A delivery that may be sent, as it stood when the run looked: who has tried it since has changed `attempts`. */
export interface Candidate {
  seq: number;
  attempts: number;
}

/** Which pending deliveries of an endpoint a run wants. */
export interface CandidateQuery {
  endpoint: string;
  /** Only those due by then; undefined: those not yet due also. */
  dueBy: number | undefined;
  /** Only the newest of these recordings. */
  recordingIds?: readonly string[] | undefined;
  /** Only these. */
  seqs?: readonly number[] | undefined;
}

/** `gone`: somebody else has sent it, or a newer payload is there. `busy`: somebody else is sending it now. */
export type ClaimResult = { delivery: ClaimedDelivery } | 'busy' | 'gone';

/** What a POST came to, for the outbox. */
export interface Settlement {
  seq: number;
  claim: string;
  now: number;
  attempt: Omit<Attempt, 'number'>;
  /** The delivery's new state; undefined leaves it as it was (an interrupted try). */
  next?:
    | { state: 'delivered' }
    | { state: 'held'; heldReason: HeldReason; retries: number }
    | { state: 'pending'; nextAt: number; retries: number }
    | undefined;
  /** Done in the same transaction. */
  also?: (() => void) | undefined;
}

/** Taking deliveries out of the outbox and putting back what came of them, safe against any number of processes. */
export interface DeliveryClaims {
  /** The endpoint's pending deliveries, those due longest first. Takes no lock. */
  candidates(query: CandidateQuery): Candidate[];
  /** Makes due what a wrong clock scheduled too far ahead, and frees what dead processes had claimed. */
  repair(endpoint: string, now: number): void;
  /**
   * Claims deliveries in one transaction, in this order, until `limit` are claimed.
   * @param options.restart counts the schedule anew: an operator asked for it
   * @returns one result for each candidate that was looked at
   */
  claim(
    candidates: readonly Candidate[],
    limit: number,
    now: number,
    options: { restart: boolean },
  ): Promise<ClaimResult[]>;
  /** Gives claims back unused. */
  release(claimed: readonly ClaimedDelivery[]): void;
  /**
   * Records a try and its consequences. A finisher whose claim has passed to somebody else adds its try to the history
   * and changes nothing else.
   * @returns whether it still had the claim
   * @throws AppError `STATE`, naming the delivery, where it could not be stored
   */
  settle(settlement: Settlement): Promise<boolean>;
  /** Makes an endpoint's held deliveries pending and due, with the schedule anew. */
  releaseHeld(query: Omit<CandidateQuery, 'dueBy'>, now: number): number;
}

// Live: not over, and not from a future further away than clocks are stepped while a POST is under way.
const LIVE = 'claim IS NOT NULL AND claimed_at > $liveAfter AND claimed_at < $liveBefore';

/** The claims over the state. */
export function openDeliveryClaims(database: Database): DeliveryClaims {
  const { sql, liveness } = database;
  const due = sql.prepare(
    `SELECT seq, attempts FROM deliveries WHERE endpoint = ? AND state = 'pending' AND next_at <= ?
     ORDER BY next_at, seq`,
  );
  const pendingOfRecording = sql.prepare(
    `SELECT seq, attempts FROM deliveries
     WHERE recording_id = ? AND endpoint = ? AND state = 'pending' AND next_at <= ? ORDER BY seq DESC LIMIT 1`,
  );
  const pendingOne = sql.prepare(
    `SELECT seq, attempts FROM deliveries WHERE seq = ? AND endpoint = ? AND state = 'pending' AND next_at <= ?`,
  );
  const pullIn = sql.prepare(
    `UPDATE deliveries SET next_at = $now WHERE endpoint = $endpoint AND state = 'pending' AND next_at > $furthest`,
  );
  const owners = sql.prepare('SELECT DISTINCT claimed_by FROM deliveries WHERE claimed_by IS NOT NULL');
  const freeOwner = sql.prepare(
    'UPDATE deliveries SET claimed_by = NULL, claim = NULL, claimed_at = NULL WHERE claimed_by = ?',
  );
  const take = sql.prepare(
    `UPDATE deliveries SET claimed_by = $owner, claim = $claim, claimed_at = $now,
       retries = CASE WHEN $restart = 1 THEN 0 ELSE retries END
     WHERE seq = $seq AND state = 'pending' AND attempts = $attempts AND NOT (${LIVE})
       AND NOT EXISTS (
         SELECT 1 FROM deliveries other
         WHERE other.recording_id = deliveries.recording_id AND other.endpoint = deliveries.endpoint
           AND (other.seq > deliveries.seq OR (other.seq <> deliveries.seq AND ${LIVE.replace(/claim/g, 'other.claim')})))
     RETURNING *`,
  );
  const look = sql.prepare('SELECT state, attempts FROM deliveries WHERE seq = ?');
  const giveBack = sql.prepare(
    'UPDATE deliveries SET claimed_by = NULL, claim = NULL, claimed_at = NULL WHERE seq = ? AND claim = ?',
  );
  const inspect = sql.prepare(
    'SELECT state, held_reason, claim, attempts, retries, next_at FROM deliveries WHERE seq = ?',
  );
  const conclude = sql.prepare(
    `UPDATE deliveries SET state = $state, held_reason = $heldReason, retries = $retries, next_at = $nextAt,
       settled_at = $settledAt, attempts = $attempts, claimed_by = NULL, claim = NULL, claimed_at = NULL
     WHERE seq = $seq`,
  );
  const name = sql.prepare('SELECT webhook_id, recording_id FROM deliveries WHERE seq = ?');
  const countAttempt = sql.prepare('UPDATE deliveries SET attempts = ? WHERE seq = ?');
  const addAttempt = sql.prepare(
    `INSERT INTO attempts (delivery, number, trigger, at, duration, outcome, status, error, excerpt)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const unhold = `UPDATE deliveries SET state = 'pending', held_reason = NULL, settled_at = NULL, next_at = ?, retries = 0
     WHERE state = 'held' AND endpoint = ?`;
  const unholdAll = sql.prepare(unhold);
  const unholdRecording = sql.prepare(`${unhold} AND recording_id = ?`);
  const unholdOne = sql.prepare(`${unhold} AND seq = ?`);

  const takeOne = ({ seq, attempts }: Candidate, claim: string, now: number, restart: boolean): ClaimResult => {
    const row = take.get({
      $seq: seq,
      $attempts: attempts,
      $owner: liveness.ownerId,
      $claim: claim,
      $now: now,
      $restart: restart ? 1 : 0,
      $liveAfter: now - LEASE_MS,
      $liveBefore: now + LEASE_MS,
    });
    if (row) return { delivery: { ...toDelivery(row), claim } };
    const found = look.get(seq);
    return found?.state === 'pending' && found.attempts === attempts ? 'busy' : 'gone';
  };

  const settleOne = (settlement: Settlement): boolean => {
    const { seq, attempt, next, now, also } = settlement;
    const row = inspect.get(seq);
    // Pruned or set aside meanwhile: there is nothing left to tell it to.
    if (!row) return false;
    const number = Number(row.attempts) + 1;
    const isOurs = row.claim === settlement.claim;
    if (isOurs) {
      const state = nextState(row.state as DeliveryState, next?.state);
      conclude.run({
        $seq: seq,
        $state: state,
        $heldReason: state !== 'held' ? null : next?.state === 'held' ? next.heldReason : (row.held_reason ?? null),
        $retries: next && 'retries' in next ? next.retries : Number(row.retries),
        $nextAt: next?.state === 'pending' ? next.nextAt : Number(row.next_at),
        $settledAt: state === 'pending' ? null : now,
        $attempts: number,
      });
      also?.();
    } else {
      countAttempt.run(number, seq);
    }
    const { trigger, at, durationMs, outcome, status, error, excerpt } = attempt;
    addAttempt.run(seq, number, trigger, at, durationMs, outcome, status, error, excerpt);
    return isOurs;
  };

  const nameOf = ({ seq }: Settlement) => {
    const row = name.get(seq);
    return row ? `the webhook delivery ${row.webhook_id} of recording ${row.recording_id}` : `webhook delivery ${seq}`;
  };

  return {
    candidates({ endpoint, dueBy, recordingIds, seqs }) {
      const by = dueBy ?? Number.MAX_SAFE_INTEGER;
      const rows = seqs
        ? seqs.map(seq => pendingOne.get(seq, endpoint, by))
        : recordingIds
          ? recordingIds.map(id => pendingOfRecording.get(id, endpoint, by))
          : due.all(endpoint, by);
      return rows
        .filter(row => row !== undefined)
        .map(row => ({ seq: Number(row.seq), attempts: Number(row.attempts) }));
    },
    repair(endpoint, now) {
      pullIn.run({ $endpoint: endpoint, $now: now, $furthest: now + FURTHEST_MS });
      for (const { claimed_by: owner } of owners.all()) {
        if (liveness.isAlive(String(owner))) continue;
        freeOwner.run(String(owner));
        liveness.forget(String(owner));
      }
    },
    claim(candidates, limit, now, { restart }) {
      const claim = randomUUID();
      return database.together(() => {
        const results: ClaimResult[] = [];
        let claimed = 0;
        for (const candidate of candidates) {
          if (claimed >= limit) break;
          const result = takeOne(candidate, claim, now, restart);
          if (typeof result === 'object') claimed++;
          results.push(result);
        }
        return results;
      });
    },
    release(claimed) {
      if (claimed.length === 0) return;
      database.transaction(() => {
        for (const { seq, claim } of claimed) giveBack.run(seq, claim);
      });
    },
    async settle(settlement) {
      try {
        return await database.together(() => settleOne(settlement));
      } catch (error) {
        throw notStored(`what came of ${nameOf(settlement)}`, error);
      }
    },
    releaseHeld: ({ endpoint, recordingIds, seqs }, now) =>
      database.transaction(() => {
        if (seqs) return seqs.reduce((sum, seq) => sum + Number(unholdOne.run(now, endpoint, seq).changes), 0);
        if (!recordingIds) return Number(unholdAll.run(now, endpoint).changes);
        return recordingIds.reduce((sum, id) => sum + Number(unholdRecording.run(now, endpoint, id).changes), 0);
      }),
  };
}

/** A superseded delivery stays so, unless the server has it after all; an interrupted try changes nothing. */
function nextState(current: DeliveryState, next: DeliveryState | undefined): DeliveryState {
  if (next === undefined) return current;
  return current === 'superseded' && next !== 'delivered' ? current : next;
}

import { randomUUID } from 'node:crypto';
import { monotonicMs } from '../../core/clock.ts';
import {
  type Candidate,
  type ClaimResult,
  type ClaimScope,
  type DeliveryClaims,
  LEASE_MS,
} from '../../core/delivery/claims.ts';
import { storing } from '../not-stored.ts';
import { toDelivery } from '../rows.ts';
import { numberArray, textArray } from './arrays.ts';
import { clockOffset } from './clock-offset.ts';
import type { Database } from './database.ts';
import { repairIn } from './repair.ts';
import { openSettling } from './settle.ts';
import type { Row, Sql, Values } from './sql.ts';

/*
 * Claims by any number of processes of any number of machines. A claim is made under the lock of its pair (pairs.ts), by
 * an owner that lives. It is void once its owner has died or its lease is over; what had the claim settles nothing then,
 * because the claim's word in the row is another one.
 */

/** Not over, and not from a future further away than a clock can be set while a POST is under way. */
const isLive = (table: string) => `(${table}.claim IS NOT NULL
  AND ${table}.claimed_at > $liveAfter AND ${table}.claimed_at < $liveBefore)`;
const NO_CLAIM = 'claimed_by = NULL, claim = NULL, claimed_at = NULL';

/** What an older payload's request that may still reach the server would change back. */
const OLDER = `older.recording_id = deliveries.recording_id AND older.endpoint = deliveries.endpoint
  AND older.seq < deliveries.seq AND older.content_hash <> deliveries.content_hash AND older.in_flight_until > $now`;

/** Picks the first candidates that nobody has, and locks those that no other transaction is at. */
const LOCK = `WITH wanted AS (
    SELECT * FROM unnest($seqs::bigint[], $attempts::bigint[]) WITH ORDINALITY AS one (seq, attempts, place)
  ), picked AS MATERIALIZED (
    SELECT wanted.seq, wanted.place, hashtext(recording_id) AS one, hashtext(endpoint) AS two
    FROM wanted JOIN deliveries USING (seq)
    WHERE state = 'pending' AND deliveries.attempts = wanted.attempts AND NOT ${isLive('deliveries')}
    ORDER BY wanted.place LIMIT $limit
  ), free AS MATERIALIZED (
    SELECT seq FROM picked WHERE pg_try_advisory_xact_lock(one, two)
  ), locked AS MATERIALIZED (
    SELECT deliveries.seq FROM deliveries JOIN free USING (seq) FOR UPDATE OF deliveries SKIP LOCKED
  ) SELECT picked.place, locked.seq FROM picked LEFT JOIN locked USING (seq) ORDER BY picked.place`;
/** A statement of its own: it sees what the last one who had the locks has committed. */
const TAKE = `UPDATE deliveries SET claimed_by = $owner, claim = $claim, claimed_at = $now,
    retries = CASE WHEN $restart = 1 THEN 0 ELSE retries END
  FROM unnest($seqs::bigint[], $attempts::bigint[]) AS wanted (number, attempts)
  WHERE seq = wanted.number AND state = 'pending' AND deliveries.attempts = wanted.attempts
    AND NOT ${isLive('deliveries')}
    AND NOT EXISTS (
      SELECT 1 FROM deliveries other
      WHERE other.recording_id = deliveries.recording_id AND other.endpoint = deliveries.endpoint
        AND (other.seq > deliveries.seq OR (other.seq <> deliveries.seq AND ${isLive('other')})))
    AND NOT EXISTS (SELECT 1 FROM deliveries older WHERE ${OLDER})
  RETURNING deliveries.*`;
const NOT_TAKEN = `SELECT seq, state, attempts,
    (SELECT MAX(older.in_flight_until) FROM deliveries older WHERE ${OLDER}) AS not_before
  FROM deliveries WHERE seq = ANY($seqs::bigint[])`;
const IS_OURS = `SELECT 1 AS ours FROM deliveries
  WHERE seq = $seq AND claim = $claim AND claimed_by IN (SELECT id FROM living_owners)`;
const BY_SEQ = 'SELECT * FROM deliveries WHERE seq = ANY($seqs::bigint[])';

/** Deliveries that one statement locks: the server has room for so many locks of each connection, not for all. */
const MOST_AT_ONCE = 64;

/**
 * So long after its last answer, no process that was cut off counts as dead yet: the server waits 20 s for a session
 * that says nothing (connection.ts), and a lease is 30 s long.
 */
const HEARD_MS = 10_000;
const MOST_REMEMBERED = 256;

/** The claims over the database. */
export function openDeliveryClaims(database: Database): DeliveryClaims {
  const { read, write, single, liveness } = database;
  const settle = openSettling(database);
  /** Under which id this process has made its last claims, by their word. */
  const made = new Map<string, string>();
  /** When the database last answered; monotonic. */
  let heardAt = Number.NEGATIVE_INFINITY;
  const heard = async <T>(work: Promise<T>): Promise<T> => {
    const askedAt = monotonicMs();
    const result = await work;
    heardAt = Math.max(heardAt, askedAt);
    return result;
  };
  return {
    candidates: ({ dueBy, ...scope }) =>
      read(async sql => {
        const by = dueBy === undefined ? Number.MAX_SAFE_INTEGER : dueBy + (await clockOffset(sql));
        return (await findPending(sql, scope, by)).map(({ seq, attempts }) => ({
          seq: Number(seq),
          attempts: Number(attempts),
        }));
      }),

    repair: repairIn(database),

    claim: (candidates, limit, now, { restart }) =>
      heard(
        database.writeAsOwner(async (sql, owner) => {
          const offset = await clockOffset(sql);
          const at = now + offset;
          const claim = randomUUID();
          remember(made, claim, owner);
          const times = { now: at, liveAfter: at - LEASE_MS, liveBefore: at + LEASE_MS };
          const run = { claim, owner, restart: Number(restart), times, offset };
          const results: ClaimResult[] = [];
          for (let claimed = 0; claimed < limit && results.length < candidates.length; ) {
            const more = await claimSome(sql, candidates.slice(results.length), limit - claimed, run);
            claimed += more.filter(result => typeof result === 'object' && 'delivery' in result).length;
            results.push(...more);
          }
          return results;
        }),
      ),

    async isOurs({ seq, claim }) {
      const isOwner = !liveness.isLost() && made.get(claim) === liveness.current();
      if (isOwner && monotonicMs() - heardAt < HEARD_MS) return true;
      const row = await heard(single(sql => sql.get(IS_OURS, { seq, claim })));
      return row !== undefined;
    },

    async release(claimed) {
      if (claimed.length === 0) return;
      const values = {
        seqs: numberArray(claimed.map(({ seq }) => seq)),
        claims: textArray(claimed.map(({ claim }) => claim)),
      };
      await write(sql =>
        sql.run(
          `UPDATE deliveries SET ${NO_CLAIM} FROM unnest($seqs::bigint[], $claims::text[]) AS mine (number, word)
           WHERE seq = mine.number AND claim = mine.word`,
          values,
        ),
      );
    },

    settle: settlement => {
      const { webhookId, recordingId } = settlement.delivery;
      return storing(`what came of the webhook delivery ${webhookId} of recording ${recordingId}`, settle(settlement));
    },

    releaseHeld: (scope, now) => write(sql => unhold(sql, scope, now)),
  };
}

async function findPending(sql: Sql, { endpoint, recordingIds, seqs }: ClaimScope, dueBy: number): Promise<Row[]> {
  const isDue = `endpoint = $endpoint AND state = 'pending' AND next_at <= $dueBy`;
  const values = { endpoint, dueBy };
  if (seqs) {
    const some = `SELECT seq, attempts FROM unnest($seqs::bigint[]) WITH ORDINALITY AS one (seq, place)
      JOIN deliveries USING (seq) WHERE ${isDue} ORDER BY place`;
    return await sql.all(some, { ...values, seqs: numberArray(seqs) });
  }
  if (recordingIds) {
    const newest = `SELECT newest.seq, newest.attempts FROM unnest($ids::text[]) WITH ORDINALITY AS one (id, place)
      CROSS JOIN LATERAL (
        SELECT seq, attempts FROM deliveries WHERE recording_id = one.id AND ${isDue} ORDER BY seq DESC LIMIT 1) AS newest
      ORDER BY place`;
    return await sql.all(newest, { ...values, ids: textArray(recordingIds) });
  }
  return await sql.all(`SELECT seq, attempts FROM deliveries WHERE ${isDue} ORDER BY next_at, seq`, values);
}

function remember(made: Map<string, string>, claim: string, owner: string): void {
  made.set(claim, owner);
  for (const word of made.keys()) {
    if (made.size <= MOST_REMEMBERED) return;
    made.delete(word);
  }
}

interface ClaimRun {
  claim: string;
  owner: string;
  restart: number;
  times: { now: number; liveAfter: number; liveBefore: number };
  offset: number;
}

/** @returns one result for each candidate up to the last one that was picked */
async function claimSome(
  sql: Sql,
  candidates: readonly Candidate[],
  limit: number,
  { claim, owner, restart, times, offset }: ClaimRun,
): Promise<ClaimResult[]> {
  const { liveAfter, liveBefore } = times;
  const atMost = Math.min(limit, MOST_AT_ONCE);
  const picked = await sql.all(LOCK, { ...listed(candidates), liveAfter, liveBefore, limit: atMost });
  // Fewer than asked for: there is no other one that nobody has.
  const looked = picked.length < atMost ? candidates.length : Number(picked.at(-1)?.place);
  const locked = new Set(picked.map(({ seq }) => seq));
  const mine = candidates.slice(0, looked).filter(({ seq }) => locked.has(seq));
  const taken = mine.length > 0 ? await sql.all(TAKE, { ...listed(mine), ...times, claim, owner, restart }) : [];
  const bySeq = new Map(taken.map(row => [Number(row.seq), row]));
  const others = candidates.slice(0, looked).filter(({ seq }) => !bySeq.has(seq));
  const refused = await whyNot(sql, others, times.now, offset);
  return candidates.slice(0, looked).map(({ seq }) => {
    const row = bySeq.get(seq);
    return row ? { delivery: { ...toDelivery(row), claim } } : (refused.get(seq) ?? 'gone');
  });
}

async function whyNot(
  sql: Sql,
  candidates: readonly Candidate[],
  now: number,
  offset: number,
): Promise<Map<number, ClaimResult>> {
  const results = new Map<number, ClaimResult>();
  if (candidates.length === 0) return results;
  const attempts = new Map(candidates.map(one => [one.seq, one.attempts]));
  const rows = await sql.all(NOT_TAKEN, { seqs: listed(candidates).seqs, now });
  const pending = rows.filter(row => row.state === 'pending' && row.attempts === attempts.get(Number(row.seq)));
  for (const { seq } of pending) results.set(Number(seq), 'busy');
  const untils = new Map(
    pending.filter(row => row.not_before !== null).map(row => [Number(row.seq), Number(row.not_before)]),
  );
  if (untils.size === 0) return results;
  for (const row of await sql.all(BY_SEQ, { seqs: numberArray([...untils.keys()]) })) {
    const waiting = toDelivery(row);
    results.set(waiting.seq, { notBefore: Number(untils.get(waiting.seq)) - offset, waiting });
  }
  return results;
}

function listed(candidates: readonly Candidate[]): Values & { seqs: string } {
  return {
    seqs: numberArray(candidates.map(({ seq }) => seq)),
    attempts: numberArray(candidates.map(({ attempts }) => attempts)),
  };
}

async function unhold(sql: Sql, { endpoint, recordingIds, seqs }: ClaimScope, now: number): Promise<number> {
  const which = `state = 'held' AND held_reason IS DISTINCT FROM 'no-email' AND endpoint = $endpoint
    AND ($seqs::bigint[] IS NULL OR seq = ANY($seqs::bigint[]))
    AND ($ids::text[] IS NULL OR recording_id = ANY($ids::text[]))`;
  return await sql.run(
    `UPDATE deliveries SET state = 'pending', held_reason = NULL, settled_at = NULL, next_at = $now, retries = 0
     WHERE seq IN (SELECT seq FROM deliveries WHERE ${which} ORDER BY seq FOR UPDATE) AND ${which}`,
    {
      endpoint,
      seqs: seqs ? numberArray(seqs) : null,
      ids: recordingIds && !seqs ? textArray(recordingIds) : null,
      now: now + (await clockOffset(sql)),
    },
  );
}

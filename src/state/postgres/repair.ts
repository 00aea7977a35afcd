import { FURTHEST_MS, LEASE_MS } from '../../core/delivery/claims.ts';
import { abandonedUntil, MAY_ARRIVE_MS } from '../../core/delivery/in-flight.ts';
import { numberArray, textArray } from './arrays.ts';
import { clockOffset } from './clock-offset.ts';
import type { Database } from './database.ts';
import type { Sql } from './sql.ts';

const NO_CLAIM = 'claimed_by = NULL, claim = NULL, claimed_at = NULL';
/**
 * Owners of claims, from one to the next. Written so that PostgreSQL uses the index whatever it believes about the table:
 * of one that was filled a moment ago it believes wrong things.
 */
const CLAIMANTS = `WITH RECURSIVE claimants AS (
    (SELECT claimed_by AS id FROM deliveries WHERE claimed_by IS NOT NULL ORDER BY claimed_by LIMIT 1)
    UNION ALL SELECT (SELECT claimed_by FROM deliveries WHERE claimed_by > claimants.id ORDER BY claimed_by LIMIT 1)
    FROM claimants WHERE claimants.id IS NOT NULL
  )`;
const DEAD = `${CLAIMANTS} SELECT id FROM claimants WHERE id IS NOT NULL AND id NOT IN (SELECT id FROM living_owners)`;
/** A row if there is something to repair. */
const WRONG = `SELECT 1 AS wrong WHERE
  (SELECT next_at FROM deliveries WHERE endpoint = $endpoint AND state = 'pending' ORDER BY next_at DESC LIMIT 1) > $furthest
  OR (SELECT MIN(in_flight_until) FROM deliveries) <= $at OR (SELECT MAX(in_flight_until) FROM deliveries) > $longest
  OR EXISTS (${DEAD})`;

/** `DeliveryClaims.repair`. */
export function repairIn({ read, write }: Pick<Database, 'read' | 'write'>) {
  return async (endpoint: string, now: number): Promise<void> => {
    // Looked at first: most of the time nothing is wrong, and a look keeps nobody waiting.
    const wrong = await read(async sql => {
      const at = now + (await clockOffset(sql));
      return await sql.get(WRONG, { endpoint, at, furthest: at + FURTHEST_MS, longest: at + LEASE_MS });
    });
    if (wrong) await write(async sql => await repair(sql, endpoint, now + (await clockOffset(sql))));
  };
}

/** Within a write: voids the claims of owners that died; their requests may still reach the server. */
export async function freeDeliveries(sql: Sql, owners: readonly string[], now: number): Promise<void> {
  const claimed = await sql.all(
    `SELECT seq, claimed_at FROM deliveries WHERE claimed_by = ANY($owners::text[]) ORDER BY seq FOR UPDATE SKIP LOCKED`,
    { owners: textArray(owners) },
  );
  const seqs = claimed.map(({ seq }) => Number(seq));
  const untils = claimed.map(({ claimed_at: at }) => abandonedUntil(Number(at), now));
  await sql.run(
    `UPDATE deliveries SET ${NO_CLAIM}, in_flight_until = GREATEST(in_flight_until, dead.until)
     FROM unnest($seqs::bigint[], $untils::bigint[]) AS dead (number, until) WHERE seq = dead.number`,
    { seqs: numberArray(seqs), untils: numberArray(untils) },
  );
}

async function repair(sql: Sql, endpoint: string, now: number): Promise<void> {
  // Rows that another transaction is at are left to the next repair: nobody waits here, so nobody waits for each other.
  const lock = 'ORDER BY seq FOR UPDATE SKIP LOCKED';
  await sql.run(
    `UPDATE deliveries SET next_at = $now WHERE seq IN (
       SELECT seq FROM deliveries WHERE endpoint = $endpoint AND state = 'pending' AND next_at > $furthest ${lock})`,
    { endpoint, now, furthest: now + FURTHEST_MS },
  );
  await sql.run(
    `UPDATE deliveries SET in_flight_until = CASE WHEN in_flight_until <= $now THEN NULL ELSE $latest::bigint END
     WHERE seq IN (
       SELECT seq FROM deliveries WHERE in_flight_until <= $now OR in_flight_until > $longest ${lock})`,
    // Further away than any of these: a wrong clock has set it.
    { now, latest: now + MAY_ARRIVE_MS, longest: now + LEASE_MS },
  );
  const dead = await sql.all(DEAD);
  await freeDeliveries(
    sql,
    dead.map(row => String(row.id)),
    now,
  );
}

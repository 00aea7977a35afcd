import { LEASE_MS } from '../../core/delivery/claims.ts';
import type { DeliveryState } from '../../core/delivery/delivery.ts';
import type { Housekeeping } from '../../core/delivery/housekeeping.ts';
import { textArray } from './arrays.ts';
import { clockOffset } from './clock-offset.ts';
import type { Database } from './database.ts';
import { freeDeliveries } from './repair.ts';
import type { Sql, Values } from './sql.ts';
import { lastSuccess, noteSuccess } from './totals.ts';

const PRUNABLE: readonly DeliveryState[] = ['delivered', 'superseded', 'discarded'];
const DEAD_AFTER_MS = 3_600_000;
/** Deliveries that one transaction removes: its locks keep others waiting, and a statement has a time-out. */
const MOST_AT_ONCE = 5_000;

/** Housekeeping over the database. Its room on disk is the server's own affair (autovacuum). */
export function openHousekeeping({ read, write, self: { machine } }: Database): Housekeeping {
  return {
    async prune({ settledBefore, now, dryRun }) {
      const { dead, ...times } = await read(async sql => {
        const offset = await clockOffset(sql);
        const at = now + offset;
        return { dead: await longDead(sql, at), settledBefore, now: at, leaseOver: at - LEASE_MS };
      });
      const report = { deadOwners: dead.length, freedBytes: 0, setAside: [] };
      if (dryRun) return { ...report, deliveries: await read(sql => countPrunable(sql, times)) };
      let deliveries = 0;
      for (const state of PRUNABLE) {
        for (let removed = MOST_AT_ONCE; removed >= MOST_AT_ONCE; deliveries += removed) {
          removed = await write(sql => removeSome(sql, state, times));
        }
      }
      await write(sql => forgetOwners(sql, dead, times.now));
      return { ...report, deliveries };
    },
    async takeTurn({ everyMs, againMs, now }) {
      const isDue = async (sql: Sql) =>
        !isWithin(await lastSuccess(sql, `tidied ${machine}`), everyMs, now) &&
        !isWithin(await lastSuccess(sql, `tidying ${machine}`), againMs, now);
      if (!(await read(isDue))) return false;
      return await write(async sql => {
        // Of two processes of this machine, the second one sees what the first has noted.
        await sql.run(`SELECT pg_advisory_xact_lock(hashtext('tidying'), hashtext($machine))`, { machine });
        if (!(await isDue(sql))) return false;
        await noteSuccess(sql, `tidying ${machine}`, now);
        return true;
      });
    },
    // Each machine has uploads and folders of its own to look after.
    noteTidied: now => write(sql => noteSuccess(sql, `tidied ${machine}`, now)),
  };
}

function isWithin(at: number | null, ms: number, now: number): boolean {
  return at !== null && at <= now && now - at < ms;
}

/** Owners that began long ago and do not live: one that is beginning has a row before it has its lock. */
async function longDead(sql: Sql, now: number): Promise<string[]> {
  const rows = await sql.all(
    'SELECT id FROM owners WHERE started_at < $before AND id NOT IN (SELECT id FROM living_owners)',
    { before: now - DEAD_AFTER_MS },
  );
  return rows.map(row => String(row.id));
}

// A payload that may be on its way to the server keeps newer ones waiting, so it stays.
const IS_PRUNABLE = `state = $state AND settled_at < $settledBefore AND (claim IS NULL OR claimed_at <= $leaseOver)
  AND (in_flight_until IS NULL OR in_flight_until <= $now)`;

async function countPrunable(sql: Sql, values: Values): Promise<number> {
  let sum = 0;
  for (const state of PRUNABLE) {
    const row = await sql.get(`SELECT COUNT(*) AS n FROM deliveries WHERE ${IS_PRUNABLE}`, { state, ...values });
    sum += Number(row?.n);
  }
  return sum;
}

/** Removes some, and keeps of each recording and endpoint what was delivered last. */
async function removeSome(sql: Sql, state: DeliveryState, values: Values): Promise<number> {
  const rows = await sql.get(
    `WITH doomed AS (
       SELECT seq FROM deliveries WHERE ${IS_PRUNABLE} ORDER BY settled_at, seq LIMIT ${MOST_AT_ONCE} FOR UPDATE SKIP LOCKED
     ), removed AS (
       DELETE FROM deliveries WHERE seq IN (SELECT seq FROM doomed) RETURNING *
     ), remembered AS (
       INSERT INTO pruned_deliveries AS known
         (recording_id, endpoint, webhook_id, content_hash, attempts, created_at, settled_at)
       SELECT DISTINCT ON (recording_id, endpoint)
         recording_id, endpoint, webhook_id, content_hash, attempts, created_at, settled_at
       FROM removed WHERE state = 'delivered' ORDER BY recording_id, endpoint, seq DESC
       ON CONFLICT (recording_id, endpoint) DO UPDATE SET webhook_id = excluded.webhook_id,
         content_hash = excluded.content_hash, attempts = excluded.attempts, created_at = excluded.created_at,
         settled_at = excluded.settled_at
       WHERE known.created_at <= excluded.created_at
     ) SELECT COUNT(*) AS n FROM removed`,
    { state, ...values },
  );
  return Number(rows?.n);
}

/** Their claims were void already. */
async function forgetOwners(sql: Sql, dead: readonly string[], now: number): Promise<void> {
  if (dead.length === 0) return;
  await freeDeliveries(sql, dead, now);
  const owners = textArray(dead);
  await sql.run('UPDATE recordings SET claimed_by = NULL WHERE claimed_by = ANY($owners::text[])', { owners });
  await sql.run('DELETE FROM owners WHERE id = ANY($owners::text[]) AND id NOT IN (SELECT id FROM living_owners)', {
    owners,
  });
}

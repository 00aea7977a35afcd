import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { LEASE_MS } from '../../core/delivery/claims.ts';
import type { DeliveryState } from '../../core/delivery/delivery.ts';
import type { Housekeeping, PruneReport } from '../../core/delivery/housekeeping.ts';
import { freeDeliveries } from './claims.ts';
import type { Database } from './database.ts';
import type { Sql, Values } from './sql.ts';
import { isSqliteError } from './state-failure.ts';
import { runInThread } from './thread.ts';
import { lastSuccess, noteSuccess } from './totals.ts';

/** A file is rewritten if at least this share of it, and this much, is empty: rewriting costs as much as the file is long. */
const EMPTY_SHARE = 1 / 4;
const EMPTY_BYTES = 1024 * 1024;
/** Another process at work is reason enough to leave the rewriting to the next pruning. */
const PATIENCE_MS = 1_000;

const PRUNABLE: readonly DeliveryState[] = ['delivered', 'superseded', 'discarded'];

/**
 * Housekeeping over the database.
 * @param stateDir undefined for a database in memory
 */
export function openHousekeeping(database: Database, stateDir: string | undefined): Housekeeping {
  return {
    async prune({ settledBefore, now, dryRun }) {
      const times = { settledBefore, now, leaseOver: now - LEASE_MS };
      if (dryRun) {
        const deliveries = await database.read(sql => countPrunable(sql, times));
        return { deliveries, ...(await tidyFile(database, stateDir, { now, dryRun })) };
      }
      const deliveries = await database.write(sql => {
        rememberDelivered(sql, times);
        return deletePrunable(sql, times);
      });
      return { deliveries, ...(await tidyFile(database, stateDir, { now, dryRun })) };
    },
    async takeTurn({ everyMs, againMs, now }) {
      const isDue = (sql: Sql) =>
        !isWithin(lastSuccess(sql, 'tidied'), everyMs, now) && !isWithin(lastSuccess(sql, 'tidying'), againMs, now);
      // Nearly always it is not: a read does not wait for other processes, and nothing reaches the disk.
      if (!(await database.read(isDue))) return false;
      return await database.write(sql => {
        if (!isDue(sql)) return false;
        noteSuccess(sql, 'tidying', now);
        return true;
      });
    },
    noteTidied: now => database.write(sql => noteSuccess(sql, 'tidied', now)),
  };
}

/**
 * Removes what dead processes left, and gives empty room back to the disk.
 * @param stateDir undefined for a database in memory
 */
export async function tidyFile(
  database: Database,
  stateDir: string | undefined,
  { now, dryRun }: { now: number; dryRun: boolean },
): Promise<Omit<PruneReport, 'deliveries'>> {
  const dead = database.liveness.dead(now);
  const setAside = stateDir === undefined ? [] : readdirSync(stateDir).filter(isSetAside);
  if (dryRun) return { deadOwners: dead.length, freedBytes: 0, setAside };
  await forgetOwners(database, dead, now);
  const freedBytes = stateDir === undefined ? 0 : await compact(database, join(stateDir, 'state.db'));
  return { deadOwners: dead.length, freedBytes, setAside };
}

function isWithin(at: number | null, ms: number, now: number): boolean {
  return at !== null && at <= now && now - at < ms;
}

const isSetAside = (name: string) => /^state\.db\.(corrupt|lost|moved)-/.test(name);

// One state a statement: `IN` would not use the index's second column. A payload that may be on its way to the server
// keeps newer ones waiting, so it stays.
const IS_PRUNABLE = `state = $state AND settled_at < $settledBefore AND (claim IS NULL OR claimed_at <= $leaseOver)
  AND (in_flight_until IS NULL OR in_flight_until <= $now)`;

function countPrunable(sql: Sql, values: Values): number {
  const count = `SELECT COUNT(*) AS n FROM deliveries WHERE ${IS_PRUNABLE}`;
  return PRUNABLE.reduce((sum, state) => sum + Number(sql.get(count, { state, ...values })?.n), 0);
}

/** Keeps of each recording and endpoint what was delivered last. */
function rememberDelivered(sql: Sql, values: Values): void {
  sql.run(
    `INSERT OR REPLACE INTO pruned_deliveries
       (recording_id, endpoint, webhook_id, content_hash, attempts, created_at, settled_at)
     SELECT recording_id, endpoint, webhook_id, content_hash, attempts, created_at, settled_at FROM deliveries
     WHERE ${IS_PRUNABLE} ORDER BY seq`,
    { state: 'delivered', ...values },
  );
}

function deletePrunable(sql: Sql, values: Values): number {
  const remove = `DELETE FROM deliveries WHERE ${IS_PRUNABLE}`;
  return PRUNABLE.reduce((sum, state) => sum + sql.run(remove, { state, ...values }), 0);
}

/** Their claims were void already. Their files go last, so that a crash leaves them to the next pruning. */
async function forgetOwners({ read, write, liveness }: Database, dead: readonly string[], now: number): Promise<void> {
  // Owners that ended properly have left their row and no file.
  const known = (await read(sql => sql.all('SELECT id FROM owners'))).map(row => String(row.id));
  const ended = known.filter(id => !liveness.isAlive(id));
  await write(sql => {
    for (const owner of dead) {
      freeDeliveries(sql, owner, now);
      sql.run('UPDATE recordings SET claimed_by = NULL WHERE claimed_by = $owner', { owner });
    }
    for (const id of ended) sql.run('DELETE FROM owners WHERE id = $id', { id });
  });
  for (const id of dead) liveness.forget(id);
}

/** Gives empty room back to the disk. Returns how many bytes. */
async function compact({ read }: Database, file: string): Promise<number> {
  const measure = () =>
    read(sql => {
      const pragma = (name: string) => Number(sql.get(`PRAGMA ${name}`)?.[name]);
      return { pageBytes: pragma('page_size'), pages: pragma('page_count'), empty: pragma('freelist_count') };
    });
  const { pageBytes, pages, empty } = await measure();
  if (empty * pageBytes < EMPTY_BYTES || empty < pages * EMPTY_SHARE) return 0;
  try {
    const settings = { readOnly: false, timeoutMs: PATIENCE_MS };
    await runInThread(file, 'VACUUM', settings);
    await runInThread(file, 'PRAGMA wal_checkpoint(TRUNCATE)', settings);
  } catch (error) {
    // Another process is at work, or there is no room for the copy: left to the next pruning.
    if (isSqliteError(error)) return 0;
    throw error;
  }
  return (pages - (await measure()).pages) * pageBytes;
}

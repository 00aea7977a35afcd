import { readdirSync } from 'node:fs';
import { AppError } from '../../core/errors.ts';
import type { Database } from './database.ts';
import type { DeliveryStore } from './delivery-store.ts';

/** What a pruning removed, or would remove. */
export interface PruneReport {
  /** Delivered and superseded deliveries, with all their tries. */
  deliveries: number;
  /** Files and rows of processes that are no more. */
  deadOwners: number;
  /** By how much the state file became smaller. */
  freedBytes: number;
  /** State files that were set aside, in the state folder; they are left for people to look into. */
  setAside: string[];
}

export interface PruneDeps {
  database: Database;
  deliveries: DeliveryStore;
  stateDir: string;
}

/** A file is made smaller where this part of it, and this much, is empty: rewriting it costs as much as it is long. */
const EMPTY_SHARE = 1 / 4;
const EMPTY_BYTES = 1024 * 1024;

/**
 * Removes what nobody needs any more: deliveries that were delivered or superseded before a time, and what dead
 * processes left. Whatever is pending or held stays, however old.
 */
export function pruneState(
  { settledBefore, now, dryRun }: { settledBefore: number; now: number; dryRun: boolean },
  { database, deliveries, stateDir }: PruneDeps,
): PruneReport {
  const { liveness } = database;
  const dead = liveness.dead(now);
  const setAside = readdirSync(stateDir).filter(name => /^state\.db\.(corrupt|lost)-/.test(name));
  if (dryRun)
    return { deliveries: deliveries.prunable(settledBefore), deadOwners: dead.length, freedBytes: 0, setAside };
  const removed = deliveries.prune(settledBefore);
  forgetOwners(database, dead);
  return { deliveries: removed, deadOwners: dead.length, freedBytes: compact(database), setAside };
}

/** Their claims were void already; their files go last, so that a crash leaves them to the next pruning. */
function forgetOwners(database: Database, dead: readonly string[]): void {
  const { sql, liveness } = database;
  const freeDeliveries = sql.prepare(
    'UPDATE deliveries SET claimed_by = NULL, claim = NULL, claimed_at = NULL WHERE claimed_by = ?',
  );
  const freeRecordings = sql.prepare('UPDATE recordings SET claimed_by = NULL WHERE claimed_by = ?');
  const owners = sql.prepare('SELECT id FROM owners');
  const remove = sql.prepare('DELETE FROM owners WHERE id = ?');
  database.transaction(() => {
    for (const id of dead) {
      freeDeliveries.run(id);
      freeRecordings.run(id);
    }
    // Those that ended properly have left no file.
    for (const { id } of owners.all()) if (!liveness.isAlive(String(id))) remove.run(String(id));
  });
  for (const id of dead) liveness.forget(id);
}

/** Gives empty room back to the disk. Returns how many bytes. */
function compact({ sql }: Database): number {
  const pragma = (name: string) => Number(sql.prepare(`PRAGMA ${name}`).get()?.[name]);
  const pageBytes = pragma('page_size');
  const before = pragma('page_count');
  const empty = pragma('freelist_count');
  if (empty * pageBytes < EMPTY_BYTES || empty < before * EMPTY_SHARE) return 0;
  try {
    sql.exec('PRAGMA busy_timeout = 1000; VACUUM; PRAGMA wal_checkpoint(TRUNCATE)');
  } catch (error) {
    // Another process is at work, or there is no room for the copy: the next pruning's task.
    if (error instanceof AppError && error.code === 'STATE') return 0;
    throw error;
  }
  return (before - pragma('page_count')) * pageBytes;
}

import type { TakeWorkerResult, Worker } from '../../core/status/worker.ts';
import type { Database } from './database.ts';
import type { Sql } from './sql.ts';

/**
 * Becoming the worker, over the database. The row says who it is; the lock of the owner's file says whether it lives, so
 * the place is free as soon as the process has ended, however that happened.
 */
export function takeWorkerIn({ write, liveness }: Database, pid: number) {
  return async (now: number): Promise<TakeWorkerResult> => {
    const owner = liveness.ownerId;
    const other = await write(sql => {
      const found = workerIn(sql, id => liveness.isAlive(id));
      if (found) return found;
      sql.run('INSERT OR REPLACE INTO worker (only, owner, pid, since) VALUES (1, $owner, $pid, $now)', {
        owner,
        pid,
        now,
      });
      return undefined;
    });
    if (other) return { ok: false, ...other };
    const release = () =>
      write(sql => {
        sql.run('DELETE FROM worker WHERE owner = $owner', { owner });
      });
    return { ok: true, release };
  };
}

/** The worker, if one lives. */
export function workerIn(sql: Sql, isAlive: (ownerId: string, pid: number) => boolean): Worker | undefined {
  const row = sql.get('SELECT owner, pid, since FROM worker');
  if (!row) return undefined;
  const { pid, since } = { pid: Number(row.pid), since: Number(row.since) };
  return isAlive(String(row.owner), pid) ? { pid, since } : undefined;
}

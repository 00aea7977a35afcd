import type { TakeWorkerResult, Worker } from '../../core/status/worker.ts';
import type { Database } from './database.ts';
import type { Sql } from './sql.ts';

/**
 * Becoming the worker of this machine, over the database. The row says who it is; the owner's session says whether it
 * lives, so the place is free as soon as the process has ended, however that happened.
 */
export function takeWorkerIn(database: Database) {
  const { machine, pid } = database.self;
  return async (now: number): Promise<TakeWorkerResult> => {
    const other = await database.writeAsOwner(async (sql, owner) => {
      // Locked: of two that want the place at the same time, the second one sees the first.
      await sql.run(
        `INSERT INTO worker (machine, owner, pid, since) VALUES ($machine, '', 0, 0) ON CONFLICT (machine) DO NOTHING`,
        { machine },
      );
      await sql.get('SELECT 1 AS locked FROM worker WHERE machine = $machine FOR UPDATE', { machine });
      const found = await workerOf(sql, machine);
      if (found) return found;
      await sql.run('UPDATE worker SET owner = $owner, pid = $pid, since = $now WHERE machine = $machine', {
        machine,
        owner,
        pid,
        now,
      });
      return undefined;
    });
    if (other) return { ok: false, ...other };
    const release = () =>
      database.write(async sql => {
        const owner = database.liveness.current() ?? '';
        await sql.run('DELETE FROM worker WHERE machine = $machine AND owner = $owner', { machine, owner });
      });
    return { ok: true, release };
  };
}

/** The worker of a machine, if one lives. */
export async function workerOf(sql: Sql, machine: string): Promise<Worker | undefined> {
  const row = await sql.get(
    'SELECT pid, since FROM worker WHERE machine = $machine AND owner IN (SELECT id FROM living_owners)',
    { machine },
  );
  return row && { pid: Number(row.pid), since: Number(row.since) };
}

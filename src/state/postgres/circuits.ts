import { openFor, PROBE_MS, type SharedCircuits } from '../../core/delivery/shared-circuit.ts';
import { clockOffset } from './clock-offset.ts';
import type { Database } from './database.ts';

/** The circuits over the database: the fleet's. */
export function openCircuits(database: Database): SharedCircuits {
  const { read, write, writeAsOwner, liveness } = database;
  return {
    async enter(name, now) {
      const seen = await read(async sql => {
        const offset = await clockOffset(sql);
        const row = await sql.get('SELECT open_until FROM endpoints WHERE name = $name', { name });
        return { until: row?.open_until ?? null, offset };
      });
      if (seen.until === null) return 'closed';
      const { offset } = seen;
      if (Number(seen.until) > now + offset) return { openUntil: Number(seen.until) - offset };
      return await writeAsOwner(async (sql, owner) => {
        const at = now + (await clockOffset(sql));
        const mine = await sql.run(
          `UPDATE endpoints SET probe_by = $owner, probe_until = $until
           WHERE name = $name AND open_until <= $at AND (
             probe_by IS NULL OR probe_until <= $at OR probe_by NOT IN (SELECT id FROM living_owners))`,
          { name, owner, at, until: at + PROBE_MS },
        );
        if (mine > 0) return 'probe';
        const row = await sql.get('SELECT open_until FROM endpoints WHERE name = $name', { name });
        if (row?.open_until === null || row === undefined) return 'closed';
        // Another process has the probe, or has failed with it in the meantime.
        return { openUntil: Math.max(Number(row.open_until), at + openFor(1)) - offset };
      });
    },

    record: (name, how, now) =>
      write(async sql => {
        if (how === 'well') {
          // A row that is there for the circuit alone says nothing any more.
          await sql.run(
            `DELETE FROM endpoints
             WHERE name = $name AND open_until IS NOT NULL AND disabled_at IS NULL AND refused_fingerprint IS NULL`,
            { name },
          );
          await sql.run(
            `UPDATE endpoints SET failures = 0, open_until = NULL, probe_by = NULL, probe_until = NULL
             WHERE name = $name AND open_until IS NOT NULL`,
            { name },
          );
          return;
        }
        const at = now + (await clockOffset(sql));
        await sql.run('INSERT INTO endpoints (name) VALUES ($name) ON CONFLICT (name) DO NOTHING', { name });
        const row = await sql.get('SELECT failures, open_until FROM endpoints WHERE name = $name FOR UPDATE', { name });
        const openUntil = Number(row?.open_until ?? 0);
        // Runs of other machines that were under way when the first one failed say nothing new.
        if (openUntil > at) return;
        const failures = Number(row?.failures ?? 0) + 1;
        await sql.run(
          `UPDATE endpoints SET failures = $failures, open_until = $until, probe_by = NULL, probe_until = NULL
           WHERE name = $name`,
          { name, failures, until: at + openFor(failures) },
        );
      }),

    async leave(name) {
      const owner = liveness.current();
      if (owner === undefined) return;
      await write(sql =>
        sql.run('UPDATE endpoints SET probe_by = NULL, probe_until = NULL WHERE name = $name AND probe_by = $owner', {
          name,
          owner,
        }),
      );
    },
  };
}

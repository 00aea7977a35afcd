import type { EndpointState, Endpoints } from '../../core/delivery/endpoints.ts';
import type { Fingerprint } from '../../core/delivery/refusal.ts';
import { toEndpointState } from '../rows.ts';
import { clockOffset } from './clock-offset.ts';
import type { Database } from './database.ts';
import type { Sql } from './sql.ts';

// In one order: two machines that hold or release at the same time never wait for each other's rows.
const HOLD = `UPDATE deliveries SET state = 'held', held_reason = 'refused', settled_at = $now
  WHERE seq IN (SELECT seq FROM deliveries WHERE endpoint = $name AND state = 'pending' ORDER BY seq FOR UPDATE)
    AND state = 'pending'`;
const RELEASE = `UPDATE deliveries
  SET state = 'pending', held_reason = NULL, settled_at = NULL, next_at = $now, retries = 0
  WHERE seq IN (
      SELECT seq FROM deliveries WHERE endpoint = $name AND state = 'held' AND held_reason = $reason
      ORDER BY seq FOR UPDATE)
    AND state = 'held' AND held_reason = $reason`;

/** The endpoints' memory over the database: the fleet's. */
export function openEndpoints({ read, write }: Database): Endpoints {
  const one = (sql: Sql, name: string) => sql.get('SELECT * FROM endpoints WHERE name = $name', { name });
  return {
    get: name => read(async sql => toEndpointState((await one(sql, name)) ?? { name })),

    list: () => read(endpointStates),

    disable: (name, reason, now) => write(sql => disable(sql, name, reason, now)),

    enable: (name, now) =>
      write(async sql => {
        await sql.run('UPDATE endpoints SET disabled_reason = NULL, disabled_at = NULL WHERE name = $name', { name });
        return await sql.run(RELEASE, { name, now: now + (await clockOffset(sql)), reason: 'disabled' });
      }),

    refusal: name =>
      read(async sql => {
        const row = await one(sql, name);
        if (typeof row?.refused_fingerprint !== 'string' || typeof row.refused_salt !== 'string') return undefined;
        return { hash: row.refused_fingerprint, salt: row.refused_salt };
      }),

    holdRefused: (name, now) => write(async sql => await sql.run(HOLD, { name, now: now + (await clockOffset(sql)) })),

    releaseRefused: (name, now) =>
      write(async sql => {
        await sql.run(
          `UPDATE endpoints SET refused_fingerprint = NULL, refused_salt = NULL, refused_at = NULL WHERE name = $name`,
          { name },
        );
        return await sql.run(RELEASE, { name, now: now + (await clockOffset(sql)), reason: 'refused' });
      }),
  };
}

/** Within a read: `Endpoints.list`. */
export async function endpointStates(sql: Sql): Promise<EndpointState[]> {
  // A row may be there for its circuit alone.
  const rows = await sql.all(
    'SELECT * FROM endpoints WHERE disabled_at IS NOT NULL OR refused_at IS NOT NULL OR open_until IS NULL ORDER BY name',
  );
  return rows.map(toEndpointState);
}

/** Within a write: remembers what the server refused, and holds the endpoint's pending deliveries. */
export async function refuse(sql: Sql, name: string, { hash, salt }: Fingerprint, now: number): Promise<void> {
  await sql.run(
    `INSERT INTO endpoints (name, refused_fingerprint, refused_salt, refused_at) VALUES ($name, $hash, $salt, $now)
     ON CONFLICT (name) DO UPDATE SET refused_fingerprint = $hash, refused_salt = $salt, refused_at = $now`,
    { name, hash, salt, now },
  );
  await sql.run(HOLD, { name, now });
}

/** Within a write: `Endpoints.disable`. */
export async function disable(sql: Sql, name: string, reason: string, now: number): Promise<void> {
  await sql.run(
    `INSERT INTO endpoints (name, disabled_reason, disabled_at) VALUES ($name, $reason, $now)
     ON CONFLICT (name) DO UPDATE SET disabled_reason = $reason, disabled_at = $now`,
    { name, reason, now },
  );
}

import type { EndpointState, Endpoints } from '../../core/delivery/endpoints.ts';
import type { Fingerprint } from '../../core/delivery/refusal.ts';
import { toEndpointState } from '../rows.ts';
import type { Database } from './database.ts';
import type { Sql } from './sql.ts';

const HOLD = `UPDATE deliveries SET state = 'held', held_reason = 'refused', settled_at = $now
  WHERE endpoint = $name AND state = 'pending'`;
const RELEASE = `UPDATE deliveries
  SET state = 'pending', held_reason = NULL, settled_at = NULL, next_at = $now, retries = 0
  WHERE endpoint = $name AND state = 'held' AND held_reason = $reason`;

/** The endpoints' memory over the database. */
export function openEndpoints({ read, write }: Database): Endpoints {
  const one = (sql: Sql, name: string) => sql.get('SELECT * FROM endpoints WHERE name = $name', { name });
  return {
    get: name => read(sql => toEndpointState(one(sql, name) ?? { name })),

    list: () => read(endpointStates),

    disable: (name, reason, now) => write(sql => disable(sql, name, reason, now)),

    enable: (name, now) =>
      write(sql => {
        sql.run('UPDATE endpoints SET disabled_reason = NULL, disabled_at = NULL WHERE name = $name', { name });
        return sql.run(RELEASE, { name, now, reason: 'disabled' });
      }),

    refusal: name =>
      read(sql => {
        const row = one(sql, name);
        if (typeof row?.refused_fingerprint !== 'string' || typeof row.refused_salt !== 'string') return undefined;
        return { hash: row.refused_fingerprint, salt: row.refused_salt };
      }),

    holdRefused: (name, now) => write(sql => sql.run(HOLD, { name, now })),

    releaseRefused: (name, now) =>
      write(sql => {
        sql.run(
          `UPDATE endpoints SET refused_fingerprint = NULL, refused_salt = NULL, refused_at = NULL WHERE name = $name`,
          { name },
        );
        return sql.run(RELEASE, { name, now, reason: 'refused' });
      }),
  };
}

/** Within a read: `Endpoints.list`. */
export function endpointStates(sql: Sql): EndpointState[] {
  return sql.all('SELECT * FROM endpoints ORDER BY name').map(toEndpointState);
}

/** Within a write: remembers what the server refused, and holds the endpoint's pending deliveries. */
export function refuse(sql: Sql, name: string, { hash, salt }: Fingerprint, now: number): void {
  sql.run(
    `INSERT INTO endpoints (name, refused_fingerprint, refused_salt, refused_at) VALUES ($name, $hash, $salt, $now)
     ON CONFLICT (name) DO UPDATE SET refused_fingerprint = $hash, refused_salt = $salt, refused_at = $now`,
    { name, hash, salt, now },
  );
  sql.run(HOLD, { name, now });
}

/** Within a write: `Endpoints.disable`. */
export function disable(sql: Sql, name: string, reason: string, now: number): void {
  sql.run(
    `INSERT INTO endpoints (name, disabled_reason, disabled_at) VALUES ($name, $reason, $now)
     ON CONFLICT (name) DO UPDATE SET disabled_reason = $reason, disabled_at = $now`,
    { name, reason, now },
  );
}

import type { EndpointState, Endpoints } from '../../core/delivery/endpoints.ts';
import type { Fingerprint } from '../../core/delivery/refusal.ts';
import { toEndpointState } from '../rows.ts';
import {
  afterLeaving,
  afterRefusal,
  afterUse,
  changeMemory,
  hasSender,
  isHolding,
  readMemory,
  refusalsIn,
  type TokenMemory,
} from '../token-memory.ts';
import { runLater } from '../transfer/script.ts';
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
export function openEndpoints({ read, write, self: { machine } }: Database): Endpoints {
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

    refusals: name => read(async sql => refusalsIn(readMemory(await one(sql, name)))),

    leaveToOthers: (name, own, now) =>
      write(async sql => {
        const at = now + (await clockOffset(sql));
        const memory = await change(sql, name, before => afterLeaving(before, { machine, own }, at));
        return isHolding(memory, own) ? await sql.run(HOLD, { name, now: at }) : 0;
      }),

    useToken: (name, own, now) =>
      write(async sql => {
        const at = now + (await clockOffset(sql));
        await change(sql, name, before => afterUse(before, { machine, own }, at));
        return await sql.run(RELEASE, { name, now: at, reason: 'refused' });
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

/**
 * Within a write: remembers that the server refused this machine's token. Unless others have one that was not refused, the
 * endpoint's pending deliveries are held; else they send those, with the one that met it.
 */
export async function refuse(
  sql: Sql,
  name: string,
  token: Fingerprint,
  { machine, now }: { machine: string; now: number },
): Promise<void> {
  const memory = await change(sql, name, before => afterRefusal(before, token, machine, now));
  if (hasSender(memory)) await sql.run(RELEASE, { name, now, reason: 'refused' });
  else await sql.run(HOLD, { name, now });
  // Each of the others looks whether its token is another one.
  await sql.run(`SELECT pg_notify('recordupload', 'deliveries')`);
}

/**
 * Within a write, before it locks any delivery: nobody else changes the memory of these endpoints until its end, and nobody
 * waits for a delivery that waits for the memory.
 */
export async function lockEndpoints(sql: Sql, names: readonly string[]): Promise<void> {
  for (const name of [...new Set(names)].sort()) {
    await sql.run('INSERT INTO endpoints (name) VALUES ($name) ON CONFLICT (name) DO NOTHING', { name });
    await sql.get('SELECT name FROM endpoints WHERE name = $name FOR UPDATE', { name });
  }
}

async function change(sql: Sql, name: string, work: (before: TokenMemory) => TokenMemory): Promise<TokenMemory> {
  await lockEndpoints(sql, [name]);
  return await runLater(sql, changeMemory(name, work));
}

/** Within a write: `Endpoints.disable`. */
export async function disable(sql: Sql, name: string, reason: string, now: number): Promise<void> {
  await sql.run(
    `INSERT INTO endpoints (name, disabled_reason, disabled_at) VALUES ($name, $reason, $now)
     ON CONFLICT (name) DO UPDATE SET disabled_reason = $reason, disabled_at = $now`,
    { name, reason, now },
  );
}

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
import { runNow } from '../transfer/script.ts';
import type { Database } from './database.ts';
import type { Sql } from './sql.ts';

const HOLD = `UPDATE deliveries SET state = 'held', held_reason = 'refused', settled_at = $now
  WHERE endpoint = $name AND state = 'pending'`;
const RELEASE = `UPDATE deliveries
  SET state = 'pending', held_reason = NULL, settled_at = NULL, next_at = $now, retries = 0
  WHERE endpoint = $name AND state = 'held' AND held_reason = $reason`;
/** The state is of one machine. */
const machine = '';

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

    refusals: name => read(sql => refusalsIn(readMemory(one(sql, name)))),

    leaveToOthers: (name, own, now) =>
      write(sql => {
        const memory = change(sql, name, before => afterLeaving(before, { machine, own }, now));
        return isHolding(memory, own) ? sql.run(HOLD, { name, now }) : 0;
      }),

    useToken: (name, own, now) =>
      write(sql => {
        change(sql, name, before => afterUse(before, { machine, own }, now));
        return sql.run(RELEASE, { name, now, reason: 'refused' });
      }),
  };
}

/** Within a read: `Endpoints.list`. */
export function endpointStates(sql: Sql): EndpointState[] {
  return sql.all('SELECT * FROM endpoints ORDER BY name').map(toEndpointState);
}

/**
 * Within a write: remembers that the server refused a token. Unless somebody has one that was not refused, the endpoint's
 * pending deliveries are held; else that one sends those, with the one that met it.
 */
export function refuse(sql: Sql, name: string, token: Fingerprint, now: number): void {
  const memory = change(sql, name, before => afterRefusal(before, token, machine, now));
  if (hasSender(memory)) sql.run(RELEASE, { name, now, reason: 'refused' });
  else sql.run(HOLD, { name, now });
}

function change(sql: Sql, name: string, work: (before: TokenMemory) => TokenMemory): TokenMemory {
  return runNow(sql, changeMemory(name, work));
}

/** Within a write: `Endpoints.disable`. */
export function disable(sql: Sql, name: string, reason: string, now: number): void {
  sql.run(
    `INSERT INTO endpoints (name, disabled_reason, disabled_at) VALUES ($name, $reason, $now)
     ON CONFLICT (name) DO UPDATE SET disabled_reason = $reason, disabled_at = $now`,
    { name, reason, now },
  );
}

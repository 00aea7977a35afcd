import { monotonicMs } from '../../core/clock.ts';
import type { Sql } from './sql.ts';

/** Clocks that are this close count as one: claims and waits have more room than that. */
const TOLERANCE_MS = 5_000;
const REMEASURE_MS = 60_000;
/** This machine's clock was set if it moved against the monotonic one by more than this. */
const JUMP_MS = 1_000;

/** Of this process: it works with one database. */
let known: { offset: number; at: number; drift: number } | undefined;

/**
 * By how much the database's clock is ahead of this machine's, in milliseconds; 0 if they agree. Machines of a fleet have
 * clocks of their own: what one has written for another to wait for is by the database's clock. Asks now and then.
 */
export async function clockOffset(sql: Sql): Promise<number> {
  const at = monotonicMs();
  const drift = () => Date.now() - monotonicMs();
  if (known && at - known.at < REMEASURE_MS && Math.abs(drift() - known.drift) < JUMP_MS) return known.offset;
  const row = await sql.get('SELECT now_ms() AS now');
  const ahead = Number(row?.now) - Date.now();
  known = { offset: Math.abs(ahead) < TOLERANCE_MS ? 0 : ahead, at, drift: drift() };
  return known.offset;
}

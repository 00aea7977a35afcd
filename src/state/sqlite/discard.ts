import { LEASE_MS } from '../../core/delivery/claims.ts';
import type { DiscardResult } from '../../core/delivery/outbox.ts';
import { toDelivery } from '../rows.ts';
import type { Sql } from './sql.ts';

interface DiscardRequest {
  recordingId: string;
  /** Undefined: all. */
  endpoint: string | undefined;
  /** Milliseconds since 1970. */
  now: number;
  /** Whether the process that made a claim is alive. */
  isAlive(ownerId: string): boolean;
}

/** Within a write: `Outbox.discard`. */
export function discard(sql: Sql, { recordingId, endpoint, now, isAlive }: DiscardRequest): DiscardResult {
  const unfinished = sql
    .all(`SELECT * FROM deliveries WHERE recording_id = $recordingId AND state IN ('pending', 'held')`, { recordingId })
    .filter(row => endpoint === undefined || row.endpoint === endpoint);
  const isBeingSent = unfinished.some(
    ({ claimed_by: owner, claimed_at: at }) =>
      typeof owner === 'string' && Math.abs(now - Number(at)) < LEASE_MS && isAlive(owner),
  );
  if (isBeingSent) return { ok: false };
  const discarded = unfinished.flatMap(({ seq }) => {
    const row = sql.get(
      `UPDATE deliveries SET state = 'discarded', held_reason = NULL, settled_at = $now,
         claimed_by = NULL, claim = NULL, claimed_at = NULL
       WHERE seq = $seq RETURNING *`,
      { seq: seq ?? null, now },
    );
    return row ? [toDelivery(row)] : [];
  });
  return { ok: true, discarded };
}

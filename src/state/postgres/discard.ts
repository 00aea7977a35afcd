import { LEASE_MS } from '../../core/delivery/claims.ts';
import type { DiscardResult } from '../../core/delivery/outbox.ts';
import { toDelivery } from '../rows.ts';
import { numberArray } from './arrays.ts';
import { lockPairsOf } from './pairs.ts';
import type { Sql } from './sql.ts';

interface DiscardRequest {
  recordingId: string;
  /** Undefined: all. */
  endpoint: string | undefined;
  /** Milliseconds since 1970. */
  now: number;
  /** Whether the process that made a claim is alive. */
  isAlive(ownerId: string): Promise<boolean>;
}

const UNFINISHED = `SELECT * FROM deliveries WHERE recording_id = $recordingId AND state IN ('pending', 'held')
  AND ($endpoint::text IS NULL OR endpoint = $endpoint) ORDER BY seq`;

/** Within a write: `Outbox.discard`. */
export async function discard(sql: Sql, request: DiscardRequest): Promise<DiscardResult> {
  const { recordingId, endpoint = null, now, isAlive } = request;
  const values = { recordingId, endpoint };
  const seen = await sql.all(UNFINISHED, values);
  await lockPairsOf(
    sql,
    seen.map(row => Number(row.seq)),
  );
  // Looked at again under the locks: nobody claims one of them from here on.
  const unfinished = await sql.all(`${UNFINISHED} FOR UPDATE`, values);
  for (const { claimed_by: owner, claimed_at: at } of unfinished) {
    const isBeingSent = typeof owner === 'string' && Math.abs(now - Number(at)) < LEASE_MS && (await isAlive(owner));
    if (isBeingSent) return { ok: false };
  }
  const discarded = await sql.all(
    `UPDATE deliveries SET state = 'discarded', held_reason = NULL, settled_at = $now,
       claimed_by = NULL, claim = NULL, claimed_at = NULL
     WHERE seq = ANY($seqs::bigint[]) RETURNING *`,
    { seqs: numberArray(unfinished.map(row => Number(row.seq))), now },
  );
  return { ok: true, discarded: discarded.map(toDelivery).sort((a, b) => a.seq - b.seq) };
}

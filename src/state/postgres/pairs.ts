import { numberArray, textArray } from './arrays.ts';
import type { Sql } from './sql.ts';

/*
 * A pair is a recording and an endpoint. "Never an older payload after a newer one" is about all deliveries of a pair, also
 * about one that another transaction is adding: no lock on rows sees that. So whoever adds a delivery, makes one pending
 * again or claims one locks the pair until its transaction ends (READ COMMITTED: the statements after the lock see what
 * the last one who had it has committed). Who waits for several pairs waits in the order of their keys; claims wait for
 * none, they leave those pairs to the one who has them. The two numbers keep these locks apart from the owners' (liveness.ts).
 */

/** Within a write: waits for the pairs of a recording and some endpoints. */
export async function lockPairs(sql: Sql, recordingId: string, endpoints: readonly string[]): Promise<void> {
  await sql.run(
    `WITH keys AS MATERIALIZED (
       SELECT DISTINCT hashtext(name) AS key FROM unnest($endpoints::text[]) AS name ORDER BY key
     ) SELECT pg_advisory_xact_lock(hashtext($recordingId), key) FROM keys`,
    { recordingId, endpoints: textArray(endpoints) },
  );
}

/** Within a write: waits for the pairs of some deliveries. */
export async function lockPairsOf(sql: Sql, seqs: readonly number[]): Promise<void> {
  await sql.run(
    `WITH keys AS MATERIALIZED (
       SELECT DISTINCT hashtext(recording_id) AS one, hashtext(endpoint) AS two FROM deliveries
       WHERE seq = ANY($seqs::bigint[]) ORDER BY one, two
     ) SELECT pg_advisory_xact_lock(one, two) FROM keys`,
    { seqs: numberArray(seqs) },
  );
}

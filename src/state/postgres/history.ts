import type { DeliveryHistory } from '../../core/delivery/outbox.ts';
import { toAttempt, toDelivery } from '../rows.ts';
import { numberArray } from './arrays.ts';
import type { Sql } from './sql.ts';

/** Within a read: all deliveries of a recording with their attempts, the oldest first. */
export async function historyOf(sql: Sql, recordingId: string): Promise<DeliveryHistory[]> {
  const deliveries = await sql.all('SELECT * FROM deliveries WHERE recording_id = $recordingId ORDER BY seq', {
    recordingId,
  });
  const attempts = await sql.all(
    'SELECT * FROM attempts WHERE delivery = ANY($seqs::bigint[]) ORDER BY delivery, number',
    { seqs: numberArray(deliveries.map(row => Number(row.seq))) },
  );
  return deliveries.map(toDelivery).map(delivery => ({
    delivery,
    attempts: attempts.filter(row => row.delivery === delivery.seq).map(toAttempt),
  }));
}

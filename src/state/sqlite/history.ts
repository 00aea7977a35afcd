import type { DeliveryHistory } from '../../core/delivery/outbox.ts';
import { toAttempt, toDelivery } from '../rows.ts';
import type { Row, Sql } from './sql.ts';

/** All deliveries of a recording with their attempts, the oldest first. */
export function historyOf(sql: Sql, recordingId: string): DeliveryHistory[] {
  return sql
    .all('SELECT * FROM deliveries WHERE recording_id = $recordingId ORDER BY seq', { recordingId })
    .map(toDelivery)
    .map(delivery => ({
      delivery,
      attempts: sql
        .all('SELECT * FROM attempts WHERE delivery = $seq ORDER BY number', { seq: delivery.seq })
        .map(toAttempt),
    }));
}

/** The last attempt of a delivery: its `error` and `status`. */
export function lastAttempt(sql: Sql, seq: number): Row | undefined {
  return sql.get('SELECT error, status FROM attempts WHERE delivery = $seq ORDER BY number DESC LIMIT 1', { seq });
}

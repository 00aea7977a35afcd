import type { ChalkInstance } from 'chalk';
import type { Delivery } from '../core/delivery/delivery.ts';
import type { DeliverReport } from '../core/delivery/delivery-report.ts';
import { deliveryLine, nextForWebhook } from './render-upload.ts';
import { count, table } from './terminal/format.ts';
import { formatMoment } from './terminal/moment.ts';

/** What a replay did; the first line says it all. */
export function replayText({ deliveries }: DeliverReport, paint: ChalkInstance): string[] {
  if (deliveries.length === 0) return ['nothing to send again in that time'];
  const failed = deliveries.filter(({ outcome }) => outcome !== 'delivered');
  return [
    `${deliveries.length - failed.length} of ${count(deliveries.length, 'webhook')} sent again`,
    ...failed.map(delivery => `${delivery.recordingId}: ${deliveryLine(delivery, paint)}`),
    ...(failed.length > 0 ? [`next: ${nextForWebhook(failed)}`] : []),
  ];
}

/** What a replay would send. */
export function replayListText(chosen: readonly Delivery[]): string[] {
  if (chosen.length === 0) return ['nothing to send again in that time'];
  const rows = chosen.map(({ recordingId, endpoint, state, heldReason, settledAt, createdAt }) => [
    `  ${recordingId}`,
    endpoint,
    heldReason ? `${state} (${heldReason})` : state,
    formatMoment(settledAt ?? createdAt),
  ]);
  return [`would send ${count(chosen.length, 'webhook')} again:`, ...table(rows)];
}

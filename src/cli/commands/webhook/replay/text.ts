import type { ChalkInstance } from 'chalk';
import type { ReplayReport } from '../../../../app/replay.ts';
import type { Delivery } from '../../../../core/delivery/delivery.ts';
import { printable } from '../../../../core/text.ts';
import { count, table } from '../../../terminal/format.ts';
import { formatMoment } from '../../../terminal/moment.ts';
import { remadeLines } from '../../../text/changes.ts';
import { deliveryLine, nextForWebhook, undelivered } from '../../../text/delivery.ts';

const NOTHING = 'nothing to send again in that period';

/** What a replay did; the first line sums it up. */
export function replayText({ deliveries, remade }: ReplayReport, paint: ChalkInstance): string[] {
  if (deliveries.length === 0) return [NOTHING];
  const failed = undelivered(deliveries);
  return [
    `${deliveries.length - failed.length} of ${count(deliveries.length, 'webhook')} sent again`,
    ...remadeLines(remade),
    ...failed.map(delivery => `${delivery.recordingId}: ${deliveryLine(delivery, paint)}`),
    ...(failed.length > 0 ? [`next: ${nextForWebhook(failed)}`] : []),
  ];
}

/** `--dry-run`: what a replay would send. */
export function replayPlanText(chosen: readonly Delivery[]): string[] {
  if (chosen.length === 0) return [NOTHING];
  const rows = chosen.map(({ recordingId, endpoint, state, heldReason, settledAt, createdAt }) => [
    `  ${printable(recordingId)}`,
    printable(endpoint),
    heldReason ? `${state} (${heldReason})` : state,
    formatMoment(settledAt ?? createdAt),
  ]);
  return [`would send ${count(chosen.length, 'webhook')} again:`, ...table(rows)];
}

/** `delivered 2026-01-31 08:00:00`, or the first and the last moment. */
export function periodText(chosen: readonly Delivery[]): string {
  const times = chosen.map(({ settledAt, createdAt }) => settledAt ?? createdAt).toSorted((a, b) => a - b);
  const [first, last] = [times[0] ?? 0, times.at(-1) ?? 0].map(formatMoment);
  return `${chosen[0]?.state} ${first === last ? first : `from ${first} to ${last}`}`;
}

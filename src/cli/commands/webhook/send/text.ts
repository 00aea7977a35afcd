import type { ChalkInstance } from 'chalk';
import type { SentWebhooks } from '../../../../app/send.ts';
import { changeText } from '../../../text/changes.ts';
import { deliveryLine, nextForWebhook, undelivered } from '../../../text/delivery.ts';

/** What became of a recording's webhooks, and what to do next. */
export function sentText({ deliveries, changes }: SentWebhooks, paint: ChalkInstance): string[] {
  if (deliveries.length === 0) return ['nothing was sent: no endpoint is configured'];
  const failed = undelivered(deliveries);
  return [
    ...deliveries.map(delivery => deliveryLine(delivery, paint)),
    ...changes.map(changeText),
    ...(failed.length > 0 ? [`next: ${nextForWebhook(failed)}`] : []),
  ];
}

import type { ChalkInstance } from 'chalk';
import type { DeliveryReport } from '../../core/delivery/delivery-report.ts';
import { printable } from '../../core/text.ts';
import { formatMoment } from '../terminal/moment.ts';

/** One delivery in one line: `✔ webhook delivered (201, created)`. */
export function deliveryLine(delivery: DeliveryReport, paint: ChalkInstance): string {
  const name = delivery.endpoint === 'default' ? 'webhook' : `webhook ${printable(delivery.endpoint)}`;
  if (delivery.outcome === 'delivered') {
    const facts = [delivery.status, delivery.action].filter(fact => fact !== undefined).join(', ');
    return `${paint.green('✔')} ${name} ${delivery.detail || 'delivered'}${facts ? ` (${facts})` : ''}`;
  }
  const when = delivery.nextAt === undefined ? '' : `; next try ${formatMoment(delivery.nextAt)}`;
  return `${paint.yellow('!')} ${name} ${delivery.outcome}: ${printable(delivery.detail)}${when}`;
}

/** The deliveries that did not succeed. */
export function undelivered(deliveries: readonly DeliveryReport[]): DeliveryReport[] {
  return deliveries.filter(({ outcome }) => outcome !== 'delivered');
}

/** No time brings a token; the detail names the place for it. */
function isWithoutToken({ outcome, line, nextAt, detail }: DeliveryReport): boolean {
  return outcome === 'pending' && line === undefined && nextAt === undefined && detail.includes('has no token');
}

/** What helps where there is no state that another command could read. */
export const SAME_COMMAND = 'the same command again';

/** The command that sends these undelivered webhooks again, or words for it. */
export function nextForWebhook(failed: readonly DeliveryReport[]): string {
  const ids = [...new Set(failed.map(({ recordingId }) => recordingId))];
  if (failed.some(({ isBlocked }) => isBlocked)) return `${SAME_COMMAND}, once the state can be used`;
  const lost = failed.find(({ outcome }) => outcome === 'lost');
  if (lost) return `recordupload webhook send ${lost.recordingId}`;
  const disabled = failed.find(({ outcome }) => outcome === 'disabled');
  if (disabled) return `recordupload webhook enable ${printable(disabled.endpoint)}, once its URL is right`;
  const isHeld = failed.some(({ outcome }) => outcome === 'held');
  const command = ['recordupload retry', isHeld ? '--held' : '--now', ...(ids.length === 1 ? ids : [])].join(' ');
  return isHeld || failed.some(isWithoutToken) ? `${command}, once the cause is removed` : command;
}

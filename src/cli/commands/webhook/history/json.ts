import type { WebhookHistory } from '../../../../app/webhook-history.ts';
import { type DamageJson, damageJson } from '../../../json/damage.ts';
import { type HistoryJson, historyJson } from '../../../json/history.ts';
import { type OfMachineJson, ofMachineJson } from '../../../json/machine.ts';

/** The result of `webhook history --json`. */
export interface WebhookHistoryJson extends DamageJson, OfMachineJson {
  recordingId: string;
  /** The oldest first. */
  deliveries: HistoryJson<'pending' | 'held' | 'delivered' | 'superseded' | 'discarded'>[];
}

export function webhookHistoryJson({ recordingId, machine, webhooks, damage }: WebhookHistory): WebhookHistoryJson {
  const deliveries = webhooks.map(one => historyJson(one, state => state));
  return { recordingId, ...ofMachineJson({ machine }), deliveries, ...damageJson(damage) };
}

import type { WebhookHistory } from '../../../../app/webhook-history.ts';
import { type DamageJson, damageJson } from '../../../json/damage.ts';
import { type HistoryJson, historyJson } from '../../../json/history.ts';

/** The result of `webhook history --json`. */
export interface WebhookHistoryJson extends DamageJson {
  recordingId: string;
  /** The oldest first. */
  deliveries: HistoryJson<'pending' | 'held' | 'delivered' | 'superseded' | 'discarded'>[];
}

export function webhookHistoryJson({ recordingId, webhooks, damage }: WebhookHistory): WebhookHistoryJson {
  return { recordingId, deliveries: webhooks.map(one => historyJson(one, state => state)), ...damageJson(damage) };
}

import type { DeliveryHistory } from '../core/delivery/outbox.ts';
import { parseRecordingId } from '../core/recording/recording.ts';
import type { Runtime } from './runtime.ts';

export interface WebhookHistory {
  recordingId: string;
  /** Each webhook of the recording with every attempt, the oldest first. */
  webhooks: DeliveryHistory[];
}

/**
 * Every attempt to tell the server about a recording.
 * @throws AppError `USAGE`, `STATE`
 */
export async function webhookHistory({ id: text }: { id: string }, runtime: Runtime): Promise<WebhookHistory> {
  const id = parseRecordingId(text, 'id', 'USAGE');
  const { outbox } = await runtime.state();
  return { recordingId: id, webhooks: await outbox.history(id) };
}

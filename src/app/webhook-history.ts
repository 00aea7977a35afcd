import type { DeliveryHistory } from '../core/delivery/outbox.ts';
import { parseRecordingId } from '../core/recording/recording.ts';
import type { StateDamage } from '../core/status/overview.ts';
import type { Runtime } from './runtime.ts';
import { unknownRecording, unreadableRecording } from './unknown-recording.ts';

export interface WebhookHistory {
  recordingId: string;
  /** Each webhook of the recording with every attempt, the oldest first. */
  webhooks: DeliveryHistory[];
  /** The state file is damaged: this is what could be read of it. */
  damage?: StateDamage | undefined;
}

/**
 * Every attempt to tell the server about a recording.
 * @throws AppError `USAGE` if this machine does not know the recording, `STATE`
 */
export async function webhookHistory({ id: text }: { id: string }, runtime: Runtime): Promise<WebhookHistory> {
  const id = parseRecordingId(text, 'id', 'USAGE');
  const overview = await runtime.overview();
  try {
    const known = await overview?.recording(id);
    const damage = overview?.damage();
    if (!known || known.recordings.length + known.queue.length + known.deliveries.length === 0)
      throw damage ? unreadableRecording(id, damage) : unknownRecording(id);
    return { recordingId: id, webhooks: known.deliveries, damage };
  } finally {
    overview?.close();
  }
}

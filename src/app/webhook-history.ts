import type { DeliveryHistory } from '../core/delivery/outbox.ts';
import { parseRecordingId } from '../core/recording/recording.ts';
import type { StateDamage } from '../core/status/overview.ts';
import { fleetView } from './fleet-view.ts';
import { ofMachine } from './of-machine.ts';
import type { Runtime } from './runtime.ts';
import { unknownRecording, unreadableRecording } from './unknown-recording.ts';

export interface WebhookHistory {
  recordingId: string;
  /** The machine that uploaded it; undefined where that is unknown, or the state is of this machine alone. */
  machine?: string | undefined;
  /** Each webhook of the recording with every attempt, the oldest first. */
  webhooks: DeliveryHistory[];
  /** The state file is damaged: this is what could be read of it. */
  damage?: StateDamage | undefined;
}

/**
 * Every attempt to tell the server about a recording.
 * @throws AppError `USAGE` if this machine does not know the recording, `STATE`
 */
export async function webhookHistory(
  { id: text, machine }: { id: string; machine?: string | undefined },
  runtime: Runtime,
): Promise<WebhookHistory> {
  const id = parseRecordingId(text, 'id', 'USAGE');
  const overview = await runtime.overview();
  try {
    await fleetView(overview, runtime.config, machine);
    const known = await overview?.recording(id);
    const damage = overview?.damage();
    if (!known || known.recordings.length + known.queue.length + known.deliveries.length === 0)
      throw damage ? unreadableRecording(id, damage) : unknownRecording(id);
    const { recordings, deliveries } = ofMachine(id, known, machine);
    return { recordingId: id, machine: recordings.at(-1)?.machine, webhooks: deliveries, damage };
  } finally {
    overview?.close();
  }
}

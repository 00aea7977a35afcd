import type { DeliveryHistory } from '../core/delivery/outbox.ts';
import { parseRecordingId } from '../core/recording/recording.ts';
import type { RecordingStatus, StateDamage } from '../core/status/overview.ts';
import type { QueuedUpload } from '../core/upload/queue.ts';
import { fleetView } from './fleet-view.ts';
import { ofMachine } from './of-machine.ts';
import type { Runtime } from './runtime.ts';
import { unknownRecording, unreadableRecording } from './unknown-recording.ts';

export interface RecordingStatusReport {
  recordingId: string;
  /** Its upload to each bucket; none if another machine uploaded it. */
  uploads: RecordingStatus[];
  /** Folders of this ID, or of this name, whose upload has not begun; waiting or refused. */
  queue: QueuedUpload[];
  /** Each of its webhooks with every attempt, the oldest first. */
  webhooks: DeliveryHistory[];
  /** The state file is damaged: this is what could be read of it. */
  damage?: StateDamage | undefined;
}

/**
 * All that this machine knows about one recording.
 * @throws AppError `USAGE` if it knows nothing, `STATE` if the state cannot be read
 */
export async function recordingStatus(
  { id: text, machine }: { id: string; machine?: string | undefined },
  runtime: Runtime,
): Promise<RecordingStatusReport> {
  const id = parseRecordingId(text, 'id', 'USAGE');
  const overview = await runtime.overview();
  try {
    await fleetView(overview, runtime.config, machine);
    const {
      recordings: uploads,
      queue,
      deliveries: webhooks,
    } = ofMachine(id, (await overview?.recording(id)) ?? { recordings: [], queue: [], deliveries: [] }, machine);
    const damage = overview?.damage();
    if (uploads.length + queue.length + webhooks.length > 0)
      return { recordingId: id, uploads, queue, webhooks, damage };
    if (damage) throw unreadableRecording(id, damage);
  } finally {
    overview?.close();
  }
  throw unknownRecording(id);
}

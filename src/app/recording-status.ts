import type { DeliveryHistory } from '../core/delivery/outbox.ts';
import { parseRecordingId } from '../core/recording/recording.ts';
import type { RecordingStatus } from '../core/status/overview.ts';
import type { Refusal } from '../core/upload/refusals.ts';
import type { Runtime } from './runtime.ts';
import { unknownRecording } from './unknown-recording.ts';

export interface RecordingStatusReport {
  recordingId: string;
  /** Its upload to each bucket; none if another machine uploaded it. */
  uploads: RecordingStatus[];
  /** Folders of this ID, or of this name, that were refused before anything of them was sent. */
  refused: Refusal[];
  /** Each of its webhooks with every attempt, the oldest first. */
  webhooks: DeliveryHistory[];
}

/**
 * All that this machine knows about one recording.
 * @throws AppError `USAGE` if it knows nothing, `STATE` if the state cannot be read
 */
export async function recordingStatus({ id: text }: { id: string }, runtime: Runtime): Promise<RecordingStatusReport> {
  const id = parseRecordingId(text, 'id', 'USAGE');
  const overview = await runtime.overview();
  try {
    const {
      recordings: uploads,
      refused,
      deliveries: webhooks,
    } = (await overview?.recording(id)) ?? { recordings: [], refused: [], deliveries: [] };
    if (uploads.length + refused.length + webhooks.length > 0) return { recordingId: id, uploads, refused, webhooks };
  } finally {
    overview?.close();
  }
  throw unknownRecording(id);
}

import type { Delivery } from '../core/delivery/delivery.ts';
import { parseRecordingId } from '../core/recording/recording.ts';
import { atWorkError } from './at-work.ts';
import { chooseStoredEndpoint } from './endpoints.ts';
import type { Runtime } from './runtime.ts';
import { isKnown, unknownRecording } from './unknown-recording.ts';

export interface DiscardRequest {
  /** The recording's ID. */
  id: string;
  /** Only webhooks to this endpoint, which may no longer be configured. */
  endpoint?: string | undefined;
}

export interface DiscardReport {
  recordingId: string;
  discarded: Delivery[];
}

/**
 * Ends the webhooks of a recording that wait or are held: nothing sends them any more. Later uploads send new ones.
 * @throws AppError `USAGE` if the recording or the endpoint is not known, `BUSY` if another process sends one of them, `STATE`
 */
export async function discardWebhooks(
  { id: text, endpoint }: DiscardRequest,
  runtime: Runtime,
): Promise<DiscardReport> {
  const id = parseRecordingId(text, 'id', 'USAGE');
  if (endpoint !== undefined) await chooseStoredEndpoint(endpoint, runtime);
  const { outbox, overview } = await runtime.state();
  const result = await outbox.discard(id, { endpoint, now: runtime.clock.now() });
  if (!result.ok) throw atWorkError(id, { ok: false, atWork: 'webhook' });
  const { discarded } = result;
  if (discarded.length === 0 && !(await isKnown(id, overview))) throw unknownRecording(id);
  return { recordingId: id, discarded };
}

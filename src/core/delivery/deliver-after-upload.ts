import { AppError } from '../errors.ts';
import type { Observer } from '../events.ts';
import { type DeliverDeps, deliverWebhooks } from './deliver-webhooks.ts';
import type { DeliveryReport } from './delivery-report.ts';
import type { Enqueued } from './outbox.ts';

/** What is needed of an `UploadReport`. */
export interface QueuedByUpload {
  recordingId: string;
  outcome: 'uploaded' | 'unchanged' | 'partial' | 'failed';
  deliveries: readonly Enqueued[];
}

/**
 * The state failed while the webhooks were being sent. They are queued in it: that was stored together with the upload,
 * which is done.
 */
function stillQueued(error: unknown, due: readonly Enqueued[], observer: Observer): DeliveryReport[] {
  if (!(error instanceof AppError) || error.code !== 'STATE') throw error;
  const { message, hint } = error;
  observer({ type: 'warning', message: hint ? `${message} (${hint})` : message, isLoss: true });
  return due.map(({ delivery: { recordingId, endpoint, webhookId } }) => ({
    recordingId,
    endpoint,
    webhookId,
    outcome: 'pending',
    detail: 'it is queued, but what became of it could not be stored; "recordupload retry" sends it',
  }));
}

/** Why a webhook was not sent that this machine keeps while the fleet's database is away. */
export const WAITS_FOR_DATABASE = 'it is queued on this machine, and is sent once the database of the state is back';

function waitsForDatabase({ delivery: { recordingId, endpoint, webhookId } }: Enqueued): DeliveryReport {
  return {
    recordingId,
    endpoint,
    webhookId,
    outcome: 'pending',
    detail: WAITS_FOR_DATABASE,
  };
}

/**
 * Sends what an upload queued, or what an earlier upload of the recording queued and could not send. Announces to the
 * observer if the upload succeeded and its webhook did not.
 * @param deps called only if there is something to send
 */
export async function deliverAfterUpload(
  report: QueuedByUpload,
  { observer }: Pick<DeliverDeps, 'observer'>,
  deps: () => Promise<DeliverDeps>,
): Promise<DeliveryReport[]> {
  const due = report.deliveries.filter(({ how, isSpooled }) => how !== 'already-delivered' && !isSpooled);
  const spooled = report.deliveries.filter(({ isSpooled }) => isSpooled).map(waitsForDatabase);
  const received = report.deliveries.filter(({ how }) => how === 'already-delivered');
  const alreadyDelivered = received.map(({ delivery: { recordingId, endpoint, webhookId } }) => ({
    recordingId,
    endpoint,
    webhookId,
    outcome: 'delivered' as const,
    detail: 'delivered already',
  }));
  if (spooled.length > 0) observer({ type: 'webhook-failed-after-upload', recordingId: report.recordingId });
  if (due.length === 0) return [...alreadyDelivered, ...spooled];
  const selection = {
    due: 'now' as const,
    // Uploading again is an operator's retry, so a held delivery is sent too. A new one waits with the others if the
    // endpoint refuses the token.
    held: due.some(({ how }) => how === 'reused'),
    trigger: 'upload' as const,
    deliverySeqs: due.map(({ delivery }) => delivery.seq),
  };
  const deliveries = await deps()
    .then(given => deliverWebhooks(selection, given))
    .then(
      report => report.deliveries,
      (error: unknown) => stillQueued(error, due, observer),
    );
  // The fleet's database went away before they could be sent.
  const known = new Set(deliveries.map(({ webhookId }) => webhookId));
  deliveries.push(...due.filter(({ delivery }) => !known.has(delivery.webhookId)).map(waitsForDatabase));
  if (report.outcome !== 'failed' && deliveries.some(({ outcome }) => outcome !== 'delivered')) {
    observer({ type: 'webhook-failed-after-upload', recordingId: report.recordingId });
  }
  return [...alreadyDelivered, ...spooled, ...deliveries];
}

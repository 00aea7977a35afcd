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
 * Sends what an upload queued, or what an earlier upload of the recording queued and could not send. Announces to the
 * observer if the upload succeeded and its webhook did not.
 * @param deps called only if there is something to send
 */
export async function deliverAfterUpload(
  report: QueuedByUpload,
  { observer }: Pick<DeliverDeps, 'observer'>,
  deps: () => Promise<DeliverDeps>,
): Promise<DeliveryReport[]> {
  const due = report.deliveries.filter(({ how }) => how !== 'already-delivered');
  const known = report.deliveries.filter(({ how }) => how === 'already-delivered');
  const alreadyDelivered = known.map(({ delivery: { recordingId, endpoint, webhookId } }) => ({
    recordingId,
    endpoint,
    webhookId,
    outcome: 'delivered' as const,
    detail: 'delivered already',
  }));
  if (due.length === 0) return alreadyDelivered;
  const { deliveries } = await deliverWebhooks(
    {
      due: 'now',
      // Uploading again is an operator's retry, so a held delivery is sent too. A new one waits with the others if the
      // endpoint refuses the token.
      held: due.some(({ how }) => how === 'reused'),
      trigger: 'upload',
      deliverySeqs: due.map(({ delivery }) => delivery.seq),
    },
    await deps(),
  );
  if (report.outcome !== 'failed' && deliveries.some(({ outcome }) => outcome !== 'delivered')) {
    observer({ type: 'webhook-failed-after-upload', recordingId: report.recordingId });
  }
  return [...alreadyDelivered, ...deliveries];
}

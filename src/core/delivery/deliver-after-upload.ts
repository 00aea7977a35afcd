import type { UploadReport } from '../upload/upload-report.ts';
import { type DeliverDeps, deliverWebhooks } from './deliver-webhooks.ts';
import type { DeliveryReport } from './delivery-report.ts';

/**
 * Sends what an upload queued, and what an earlier one queued and could not send. Tells the observer where the server
 * could not be told of an upload that succeeded.
 * @param deps asked for only where there is something to send
 */
export async function deliverAfterUpload(
  report: UploadReport,
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
      // Uploading again is an operator's retry; a new delivery waits with the others where the endpoint is refused.
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

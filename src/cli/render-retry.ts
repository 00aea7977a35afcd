import type { ChalkInstance } from 'chalk';
import type { Delivery } from '../core/delivery/delivery.ts';
import type { DeliverReport } from '../core/delivery/delivery-report.ts';
import type { RetriedUpload } from '../core/upload/retry-uploads.ts';
import type { WaitingCount } from '../state/sqlite/delivery-store.ts';
import type { StoredRecording } from '../state/sqlite/recording-store.ts';
import { errorText } from './failure.ts';
import { deliveryLine, nextForWebhook, uploadText } from './render-upload.ts';
import { count, formatDuration, printable, table } from './terminal/format.ts';

/** What a retry did; the first line says it all. */
export function retryText(
  uploads: readonly RetriedUpload[],
  sent: DeliverReport,
  waiting: readonly WaitingCount[],
  paint: ChalkInstance,
): string[] {
  const tried = sent.deliveries.filter(delivery => delivery.line !== undefined);
  const delivered = tried.filter(delivery => delivery.outcome === 'delivered').length;
  const finished = uploads.filter(
    upload => upload.ok && upload.report.outcome !== 'partial' && upload.report.outcome !== 'failed',
  ).length;
  if (uploads.length === 0 && tried.length === 0 && sent.deliveries.length === 0) {
    const later = waiting.reduce((sum, one) => sum + one.count, 0);
    return [
      'nothing to do: no unfinished upload, no webhook that is due',
      ...stopLines(sent, paint),
      ...(later > 0 ? [`${count(later, 'webhook')} not due or held; next: recordupload retry --list`] : []),
    ];
  }
  const summary = [
    ...(uploads.length > 0 ? [`${finished} of ${count(uploads.length, 'upload')} finished`] : []),
    ...(tried.length > 0 ? [`${delivered} of ${count(tried.length, 'webhook')} delivered`] : []),
  ];
  const notSent = sent.deliveries.filter(delivery => delivery.line === undefined);
  const undelivered = sent.deliveries.filter(delivery => delivery.outcome !== 'delivered');
  return [
    summary.join(', ') || `${count(notSent.length, 'webhook')} not sent`,
    ...uploads.flatMap(upload => uploadLines(upload, paint)),
    ...undelivered.map(delivery => `${delivery.recordingId}: ${deliveryLine(delivery, paint)}`),
    ...stopLines(sent, paint),
    ...(undelivered.length > 0 ? [`next: ${nextForWebhook(undelivered)}`] : []),
  ];
}

function uploadLines(upload: RetriedUpload, paint: ChalkInstance): string[] {
  if (upload.ok) return uploadText(upload.report, [], paint);
  return [`${paint.red('✘')} ${upload.recordingId}: ${errorText(upload.error)}`];
}

function stopLines({ endpoints }: DeliverReport, paint: ChalkInstance): string[] {
  return endpoints
    .filter(endpoint => endpoint.stopped && endpoint.left > 0)
    .map(({ detail, left }) => `${paint.yellow('!')} ${printable(detail)} (${count(left, 'webhook')} waiting)`);
}

/** What there is to do. */
export function listText(
  unfinished: readonly StoredRecording[],
  deliveries: readonly Delivery[],
  now: number,
): string[] {
  if (unfinished.length === 0 && deliveries.length === 0)
    return ['nothing to do: no unfinished upload, no webhook waiting'];
  const uploads = table(
    unfinished.map(({ id, dir, state, error }) => [`  ${id}`, state, printable(error ?? ''), printable(dir)]),
  );
  const webhooks = table(
    deliveries.map(({ recordingId, endpoint, state, heldReason, attempts, nextAt }) => [
      `  ${recordingId}`,
      endpoint,
      state === 'held' ? `held (${heldReason})` : nextAt <= now ? 'due' : `due in ${formatDuration(nextAt - now)}`,
      count(attempts, 'attempt'),
    ]),
  );
  const isHeld = deliveries.some(({ state }) => state === 'held');
  const isPending = deliveries.some(({ state }) => state === 'pending');
  return [
    ...(uploads.length > 0 ? ['unfinished uploads:', ...uploads] : []),
    ...(webhooks.length > 0 ? ['webhooks waiting:', ...webhooks] : []),
    ...(uploads.length > 0 || isPending ? [`next: recordupload retry${isPending ? ' --now' : ''}`] : []),
    ...(isHeld ? ['next: recordupload status <id> tells why one is held; recordupload retry --held'] : []),
  ];
}

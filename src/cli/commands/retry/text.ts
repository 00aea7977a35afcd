import type { ChalkInstance } from 'chalk';
import type { RetriedUpload, RetryReport } from '../../../app/retry.ts';
import type { RetryPlan } from '../../../app/retry-work.ts';
import type { DeliverReport } from '../../../core/delivery/delivery-report.ts';
import { printable } from '../../../core/text.ts';
import { formatDuration } from '../../../core/units.ts';
import { errorText } from '../../failure.ts';
import { count, table } from '../../terminal/format.ts';
import { deliveryLine, nextForWebhook, undelivered } from '../../text/delivery.ts';
import type { ConfigurationOptions } from '../../text/next.ts';
import { refusalLines } from '../../text/refusal.ts';
import { uploadText } from '../../text/upload.ts';

/** What a retry did; the first line sums it up. */
export function retryText(
  { uploads, deliveries, endpoints, later }: RetryReport,
  paint: ChalkInstance,
  options: ConfigurationOptions,
): string[] {
  const sent = deliveries.filter(delivery => delivery.line !== undefined);
  const delivered = sent.filter(delivery => delivery.outcome === 'delivered').length;
  const finished = uploads.filter(isFinished).length;
  if (uploads.length === 0 && deliveries.length === 0) {
    return [
      'nothing to do: no unfinished upload, no webhook that is due',
      ...stopLines(endpoints, paint),
      ...(later > 0 ? [`${count(later, 'webhook')} not due or held; next: recordupload retry --list`] : []),
    ];
  }
  const summary = [
    ...(uploads.length > 0 ? [`${finished} of ${count(uploads.length, 'upload')} finished`] : []),
    ...(sent.length > 0 ? [`${delivered} of ${count(sent.length, 'webhook')} delivered`] : []),
  ];
  const failed = undelivered(deliveries);
  return [
    summary.join(', ') || `${count(deliveries.length, 'webhook')} not sent`,
    ...uploads.flatMap(upload => uploadLines(upload, paint, options)),
    ...failed.map(delivery => `${delivery.recordingId}: ${deliveryLine(delivery, paint)}`),
    ...stopLines(endpoints, paint),
    ...(failed.length > 0 ? [`next: ${nextForWebhook(failed, options)}`] : []),
  ];
}

function isFinished(upload: RetriedUpload): boolean {
  return upload.ok && upload.report.outcome !== 'partial' && upload.report.outcome !== 'failed';
}

function uploadLines(upload: RetriedUpload, paint: ChalkInstance, options: ConfigurationOptions): string[] {
  if (upload.ok) return uploadText(upload.report, [], paint, { options });
  return [`${paint.red('✘')} ${upload.recordingId}: ${errorText(upload.error)}`];
}

function stopLines(endpoints: DeliverReport['endpoints'], paint: ChalkInstance): string[] {
  return endpoints
    .filter(endpoint => endpoint.stopped && endpoint.left > 0)
    .map(({ detail, left }) => `${paint.yellow('!')} ${printable(detail)} (${count(left, 'webhook')} waiting)`);
}

/** `--list`: what there is to do. */
export function retryPlanText({ uploads, refused, deliveries }: RetryPlan, now: number): string[] {
  if (uploads.length + refused.length + deliveries.length === 0)
    return ['nothing to do: no unfinished upload, no webhook waiting'];
  const unfinished = table(
    uploads.map(({ id, dir, state, error }) => [`  ${id}`, state, printable(error ?? ''), printable(dir)]),
  );
  const waiting = table(
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
    ...(unfinished.length > 0 ? ['unfinished uploads:', ...unfinished] : []),
    ...(refused.length > 0 ? ['refused:', ...refused.flatMap(one => refusalLines(one, now))] : []),
    ...(waiting.length > 0 ? ['webhooks waiting:', ...waiting] : []),
    ...(unfinished.length > 0 || refused.length > 0 || isPending
      ? [`next: recordupload retry${isPending ? ' --now' : ''}`]
      : []),
    ...(isHeld ? ['next: recordupload status <id> shows why one is held; then recordupload retry --held'] : []),
  ];
}

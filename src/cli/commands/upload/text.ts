import type { ChalkInstance } from 'chalk';
import type { UploadPlan } from '../../../app/plan-upload.ts';
import type { DeliveryReport } from '../../../core/delivery/delivery-report.ts';
import { printable, printableJson } from '../../../core/text.ts';
import { formatBytes } from '../../../core/units.ts';
import { failuresOf, type UploadReport } from '../../../core/upload/upload-report.ts';
import { errorText } from '../../failure.ts';
import { count, table } from '../../terminal/format.ts';
import { nextForWebhook, SAME_COMMAND, undelivered } from '../../text/delivery.ts';
import { nextForUpload, skippedLine } from '../../text/upload.ts';

/** For `--quiet`: one line with what failed and the next command; undefined if nothing failed. */
export function failureLine(
  report: UploadReport,
  deliveries: readonly DeliveryReport[],
  given: { isKept: boolean; isSandbox: boolean },
): string | undefined {
  const { recordingId } = report;
  const [error] = failuresOf(report);
  if (error)
    return `recordupload: ${recordingId}: upload incomplete: ${errorText(error)}; next: ${nextForUpload(report, given)}`;
  const failed = undelivered(deliveries);
  const [first] = failed;
  if (!first) return undefined;
  return `recordupload: ${recordingId}: uploaded, webhook ${first.outcome}: ${printable(first.detail)}; next: ${given.isSandbox ? SAME_COMMAND : nextForWebhook(failed)}`;
}

/** What counts for the line about all folders. */
interface Counted {
  outcome: UploadReport['outcome'];
  sentBytes: number;
  webhooks: number;
  delivered: number;
}

/** Several folders in one line: what became of them, how much was sent, how many the server knows. */
export function totalText(folders: readonly Counted[]): string {
  const sum = (number: (folder: Counted) => number) => folders.reduce((all, one) => all + number(one), 0);
  const [sentBytes, webhooks] = [sum(one => one.sentBytes), sum(one => one.webhooks)];
  const part = (number: number, what: string) => (number === 0 ? [] : [`${number} ${what}`]);
  const of = (wanted: Counted['outcome']) => folders.filter(({ outcome }) => outcome === wanted).length;
  const parts = [
    ...part(of('uploaded'), 'uploaded'),
    ...part(of('unchanged'), 'unchanged'),
    ...part(of('partial'), 'incomplete'),
    ...part(of('failed'), 'not uploaded'),
    ...(sentBytes > 0 ? [`${formatBytes(sentBytes)} sent`] : []),
    ...(webhooks > 0 ? [`${sum(one => one.delivered)} of ${count(webhooks, 'webhook')} delivered`] : []),
  ];
  return `${count(folders.length, 'recording')}: ${parts.join(', ')}`;
}

/** `--dry-run`: what an upload would send. */
export function planText(plan: UploadPlan, paint: ChalkInstance): string[] {
  const rows = plan.objects.map(({ key, contentType, sizeBytes }) => [
    printable(key),
    contentType,
    sizeBytes === undefined ? '' : formatBytes(sizeBytes),
  ]);
  return [
    paint.bold(`${plan.recordingId}: would upload to ${printable(`${plan.endpoint}/${plan.bucket}`)}`),
    ...table(rows).map(line => `  ${line}`),
    ...skippedLine(plan),
    paint.bold('payload:'),
    printableJson(plan.payload, 2),
  ];
}

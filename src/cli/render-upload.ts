import type { ChalkInstance } from 'chalk';
import type { DeliveryReport } from '../core/delivery/delivery-report.ts';
import type { FileReport, UploadReport } from '../core/upload/upload-report.ts';
import { failuresOf } from '../core/upload/upload-report.ts';
import type { UploadPlan } from './commands/upload.ts';
import { errorText } from './failure.ts';
import type { FolderSummary } from './folder-result.ts';
import { count, formatBytes, formatDuration, printable, table } from './terminal/format.ts';

/** False where the state ended with the run, so that `retry` knows nothing of it. */
interface Kept {
  isKept?: boolean;
}

/** The summary of an upload: what is where, how fast, what the server said, what to do next. */
export function uploadText(
  report: UploadReport,
  deliveries: readonly DeliveryReport[],
  paint: ChalkInstance,
  { isKept = true }: Kept = {},
): string[] {
  return [
    headline(report, paint),
    ...objectLines(report, paint),
    ...deliveries.map(delivery => deliveryLine(delivery, paint)),
    ...adviceLines(report, deliveries, paint, isKept),
  ];
}

function headline(report: UploadReport, paint: ChalkInstance): string {
  const { recordingId, files, sentBytes, durationMs, outcome } = report;
  const total = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  const there = files.filter(file => file.outcome !== 'failed').length;
  switch (outcome) {
    case 'unchanged':
      return `${paint.green('✔')} ${recordingId}: nothing had to be uploaded: ${count(there, 'file')} (${formatBytes(total)}) already in the bucket, unchanged`;
    case 'uploaded': {
      if (sentBytes === 0)
        return `${paint.green('✔')} ${recordingId}: nothing had to be uploaded but metadata.json: ${count(there, 'file')} (${formatBytes(total)}) already in the bucket`;
      const rate = durationMs > 0 ? `, ${formatBytes((sentBytes / durationMs) * 1000)}/s` : '';
      const [part, whole] = [formatBytes(sentBytes), formatBytes(total)];
      const sent = part === whole ? whole : `${part} of ${whole} sent`;
      return `${paint.green('✔')} ${recordingId}: ${count(there, 'file')} uploaded and verified (${sent} in ${formatDuration(durationMs)}${rate})`;
    }
    case 'partial':
      return `${paint.yellow('!')} ${recordingId}: incomplete: ${there} of ${count(files.length, 'file')} in the bucket`;
    case 'failed':
      return `${paint.red('✘')} ${recordingId}: nothing could be uploaded`;
  }
}

function objectLines(report: UploadReport, paint: ChalkInstance): string[] {
  const line = (file: FileReport) => [
    printable(file.key),
    formatBytes(file.sizeBytes),
    file.outcome === 'failed' ? paint.red('failed') : file.outcome,
  ];
  const metadata = report.metadata.outcome === 'none' ? [] : [[report.metadata.key, '', report.metadata.outcome]];
  const skipped = report.skipped.length > 0 ? [`  skipped: ${report.skipped.map(printable).join(', ')}`] : [];
  return [...table([...report.files.map(line), ...metadata]).map(text => `  ${text}`), ...skipped];
}

/** One delivery in one line: `✔ webhook delivered (201, created)`. */
export function deliveryLine(delivery: DeliveryReport, paint: ChalkInstance): string {
  const name = delivery.endpoint === 'default' ? 'webhook' : `webhook ${delivery.endpoint}`;
  if (delivery.outcome === 'delivered') {
    const facts = [delivery.status, delivery.action].filter(fact => fact !== undefined).join(', ');
    return `${paint.green('✔')} ${name} ${delivery.detail || 'delivered'}${facts ? ` (${facts})` : ''}`;
  }
  const when = delivery.nextAt === undefined ? '' : `; next try ${new Date(delivery.nextAt).toLocaleString('sv-SE')}`;
  return `${paint.yellow('!')} ${name} ${delivery.outcome}: ${printable(delivery.detail)}${when}`;
}

/** What became of a recording's deliveries, and what to do next. */
export function sentText(deliveries: readonly DeliveryReport[], paint: ChalkInstance): string[] {
  if (deliveries.length === 0) return ['nothing was sent: no endpoint is configured'];
  const undelivered = deliveries.filter(({ outcome }) => outcome !== 'delivered');
  return [
    ...deliveries.map(delivery => deliveryLine(delivery, paint)),
    ...(undelivered.length > 0 ? [`next: ${nextForWebhook(undelivered)}`] : []),
  ];
}

function adviceLines(
  report: UploadReport,
  deliveries: readonly DeliveryReport[],
  paint: ChalkInstance,
  isKept: boolean,
): string[] {
  const lines: string[] = [];
  const failed = failuresOf(report);
  for (const error of failed) lines.push(`  ${paint.red('✘')} ${errorText(error)}`);
  const undelivered = deliveries.filter(delivery => delivery.outcome !== 'delivered');
  if (failed.length > 0) lines.push(`  next: ${nextForUpload(report, isKept)}`);
  if (undelivered.length > 0) lines.push(`  next: ${nextForWebhook(undelivered)}`);
  return lines;
}

function nextForUpload({ recordingId, dir }: UploadReport, isKept: boolean): string {
  return isKept ? `recordupload retry ${recordingId}` : `recordupload upload ${printable(dir)}`;
}

/** The command that sends again what was not delivered. */
export function nextForWebhook(undelivered: readonly DeliveryReport[]): string {
  const ids = [...new Set(undelivered.map(({ recordingId }) => recordingId))];
  const lost = undelivered.find(({ outcome }) => outcome === 'lost');
  if (lost) return `recordupload webhook send ${lost.recordingId}`;
  const isHeld = undelivered.some(({ outcome }) => outcome === 'held');
  return ['recordupload retry', isHeld ? '--held' : '--now', ...(ids.length === 1 ? ids : [])].join(' ');
}

/** For `--quiet`: one line that says what failed and names the next command; undefined where nothing did. */
export function failureLine(
  report: UploadReport,
  deliveries: readonly DeliveryReport[],
  { isKept = true }: Kept = {},
): string | undefined {
  const { recordingId } = report;
  const file = report.files.find(one => one.outcome === 'failed');
  const error = file?.outcome === 'failed' ? file.error : report.metadata.error;
  if (error)
    return `recordupload: ${recordingId}: upload incomplete: ${printable(error.message)}; next: ${nextForUpload(report, isKept)}`;
  const undelivered = deliveries.filter(delivery => delivery.outcome !== 'delivered');
  const [first] = undelivered;
  if (!first) return undefined;
  return `recordupload: ${recordingId}: uploaded, webhook ${first.outcome}: ${printable(first.detail)}; next: ${nextForWebhook(undelivered)}`;
}

/** Several folders in one line: what became of them, how much was sent, and of how many the server knows. */
export function totalText(summaries: readonly FolderSummary[]): string {
  const sum = (number: (summary: FolderSummary) => number) => summaries.reduce((all, one) => all + number(one), 0);
  const [sentBytes, webhooks] = [sum(one => one.sentBytes), sum(one => one.webhooks)];
  const part = (number: number, what: string) => (number === 0 ? [] : [`${number} ${what}`]);
  const of = (wanted: FolderSummary['outcome']) => summaries.filter(({ outcome }) => outcome === wanted).length;
  const parts = [
    ...part(of('uploaded'), 'uploaded'),
    ...part(of('unchanged'), 'unchanged'),
    ...part(of('partial'), 'incomplete'),
    ...part(of('failed'), 'not uploaded'),
    ...(sentBytes > 0 ? [`${formatBytes(sentBytes)} sent`] : []),
    ...(webhooks > 0 ? [`${sum(one => one.delivered)} of ${count(webhooks, 'webhook')} delivered`] : []),
  ];
  return `${count(summaries.length, 'recording')}: ${parts.join(', ')}`;
}

export function dryRunText(plan: UploadPlan, paint: ChalkInstance): string[] {
  const rows = plan.objects.map(({ key, contentType, sizeBytes }) => [
    printable(key),
    contentType,
    sizeBytes === undefined ? '' : formatBytes(sizeBytes),
  ]);
  return [
    paint.bold(`${plan.recordingId}: would upload to ${plan.endpoint}/${plan.bucket}`),
    ...table(rows).map(line => `  ${line}`),
    ...(plan.skipped.length > 0 ? [`  skipped: ${plan.skipped.map(printable).join(', ')}`] : []),
    paint.bold('payload:'),
    JSON.stringify(plan.payload, null, 2),
  ];
}

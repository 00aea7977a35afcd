import type { ChalkInstance } from 'chalk';
import type { FileReport, UploadReport } from '../core/upload-recording.ts';
import type { DeliveryReport } from '../core/webhook/delivery-report.ts';
import type { UploadPlan } from './commands/upload.ts';
import { errorText } from './failure.ts';
import { count, formatBytes, formatDuration, printable, table } from './format.ts';

/** The summary of an upload: what is where, how fast, what the server said, what to do next. */
export function uploadText(
  report: UploadReport,
  deliveries: readonly DeliveryReport[],
  paint: ChalkInstance,
): string[] {
  return [
    headline(report, paint),
    ...objectLines(report, paint),
    ...deliveries.map(delivery => deliveryLine(delivery, paint)),
    ...adviceLines(report, deliveries, paint),
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
      const sent = sentBytes === total ? formatBytes(total) : `${formatBytes(sentBytes)} of ${formatBytes(total)} sent`;
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

function adviceLines(report: UploadReport, deliveries: readonly DeliveryReport[], paint: ChalkInstance): string[] {
  const lines: string[] = [];
  const failed = report.files.flatMap(file => (file.outcome === 'failed' ? [file.error] : []));
  if (report.metadata.error) failed.push(report.metadata.error);
  for (const error of failed) lines.push(`  ${paint.red('✘')} ${errorText(error)}`);
  if (failed.length > 0) lines.push(`  next: recordupload retry ${report.recordingId}`);
  const undelivered = deliveries.filter(delivery => delivery.outcome !== 'delivered');
  if (undelivered.length === 0) return lines;
  const held = undelivered.some(delivery => delivery.outcome === 'held');
  lines.push(`  next: recordupload retry ${held ? '--held' : '--now'} ${report.recordingId}`);
  return lines;
}

/** For `--quiet`: one line that says what failed and names the next command; undefined where nothing did. */
export function failureLine(report: UploadReport, deliveries: readonly DeliveryReport[]): string | undefined {
  const file = report.files.find(one => one.outcome === 'failed');
  const error = file?.outcome === 'failed' ? file.error : report.metadata.error;
  if (error)
    return `recordupload: ${report.recordingId}: upload incomplete: ${printable(error.message)}; next: recordupload retry ${report.recordingId}`;
  const undelivered = deliveries.find(delivery => delivery.outcome !== 'delivered');
  if (!undelivered) return undefined;
  const how = undelivered.outcome === 'held' ? '--held' : '--now';
  return `recordupload: ${report.recordingId}: uploaded, webhook ${undelivered.outcome}: ${printable(undelivered.detail)}; next: recordupload retry ${how} ${report.recordingId}`;
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

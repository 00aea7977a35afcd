import type { ChalkInstance } from 'chalk';
import type { DeliveryReport } from '../../core/delivery/delivery-report.ts';
import { shellQuoted } from '../../core/shell-quoted.ts';
import { printable } from '../../core/text.ts';
import { formatBytes, formatDuration } from '../../core/units.ts';
import { type FileReport, failuresOf, neededFor, type UploadReport } from '../../core/upload/upload-report.ts';
import { errorText } from '../failure.ts';
import { count, table } from '../terminal/format.ts';
import { deliveryLine, nextForWebhook, SAME_COMMAND, undelivered } from './delivery.ts';

/** The report of an upload: what is where, how fast, what the server said, what to do next. */
export function uploadText(
  report: UploadReport,
  deliveries: readonly DeliveryReport[],
  paint: ChalkInstance,
  { isKept = true, isSandbox = false }: { isKept?: boolean; isSandbox?: boolean } = {},
): string[] {
  return [
    headline(report, paint),
    ...objectLines(report, paint),
    ...deliveries.map(delivery => deliveryLine(delivery, paint)),
    ...adviceLines(report, deliveries, paint, { isKept, isSandbox }),
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
  return [...table([...report.files.map(line), ...metadata]).map(text => `  ${text}`), ...skippedLine(report)];
}

/** The names in the folder that are not uploaded; no line if there are none. */
export function skippedLine({ skipped }: { skipped: readonly string[] }): string[] {
  if (skipped.length === 0) return [];
  const named = skipped.slice(0, MOST_SKIPPED).map(printable).join(', ');
  const more = skipped.length - MOST_SKIPPED;
  return [`  skipped: ${named}${more > 0 ? ` and ${more} more` : ''}`];
}

/** The JSON document has all of them. */
const MOST_SKIPPED = 10;

function adviceLines(
  report: UploadReport,
  deliveries: readonly DeliveryReport[],
  paint: ChalkInstance,
  given: { isKept: boolean; isSandbox: boolean },
): string[] {
  // One reason can fail every file: keys that have expired, for instance.
  const errors = [...new Set(failuresOf(report).map(errorText))];
  const failed = undelivered(deliveries);
  return [
    ...errors.map(text => `  ${paint.red('✘')} ${text}`),
    ...(errors.length > 0 ? [`  next: ${nextForUpload(report, given)}`] : []),
    ...(failed.length > 0 ? [`  next: ${given.isSandbox ? SAME_COMMAND : nextForWebhook(failed)}`] : []),
  ];
}

/**
 * What finishes an upload: a command, and what has to happen before it.
 * @param given.isKept false: there is no state, so `retry` does not know the upload
 */
export function nextForUpload(report: UploadReport, { isKept }: { isKept: boolean }): string {
  const { recordingId, dir } = report;
  const needed = neededFor(report);
  const isRetried = isKept && needed !== 'other-place';
  const command = `recordupload ${isRetried ? `retry ${recordingId}` : `upload ${shellQuoted(dir)}`}`;
  return needed === 'time' ? command : `${command}, once that is corrected`;
}

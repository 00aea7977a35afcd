import type { LocalForecast } from '../../../app/cleanup/local.ts';
import type { CleanupReport } from '../../../app/cleanup/uploads.ts';
import { printable } from '../../../core/text.ts';
import { formatBytes, formatDuration } from '../../../core/units.ts';
import { count, table } from '../../terminal/format.ts';

/**
 * What was found or deleted; the first line sums it up.
 * @param again the command line that deletes what was found
 */
export function cleanupText(
  { bucket, removed, uploads }: CleanupReport,
  { olderThanMs, again }: { olderThanMs: number; again: string },
): string[] {
  if (uploads.length === 0)
    return [`the bucket ${bucket} has no abandoned upload older than ${formatDuration(olderThanMs)}`];
  const bytes = uploads.reduce((sum, upload) => sum + (upload.bytes ?? 0), 0);
  const found = `${count(uploads.length, 'abandoned upload')} (${formatBytes(bytes)})`;
  const rows = uploads.map(upload => [
    `  ${printable(upload.key)}`,
    upload.bytes === undefined ? '' : formatBytes(upload.bytes),
    upload.parts === undefined ? 'parts cannot be listed' : count(upload.parts, 'part'),
    upload.initiated?.toISOString() ?? '',
    `begun ${upload.begun}`,
  ]);
  return [
    `${found} ${removed ? 'deleted from' : 'in'} the bucket ${bucket}:`,
    ...table(rows),
    ...(removed ? [] : [`next: ${again} deletes them`]),
  ];
}

/** What `cleanup local` would look at. */
export function forecastText({ ageMs, recordings, bytes }: LocalForecast): string[] {
  if (ageMs === undefined) return ['local files are never removed (deleteAfter is not set)'];
  if (recordings === 0) return ['no local files to remove'];
  return [
    `would compare the local files of ${count(recordings, 'recording')} (${formatBytes(bytes)}) with the bucket, and remove those that it has`,
    'next: recordupload cleanup local --dry-run compares them, and removes nothing',
  ];
}

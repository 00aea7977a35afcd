import type { CleanupReport } from '../../../app/cleanup.ts';
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

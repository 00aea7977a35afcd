import type { LocalReport, LocalResult } from '../../app/cleanup/local.ts';
import { printable } from '../../core/text.ts';
import { formatBytes, formatDuration } from '../../core/units.ts';
import { count } from '../terminal/format.ts';

/** More are counted. */
const MOST_LISTED = 100;

/** What was removed, in one line; undefined: nothing. */
export function removedLine({ recordings, dryRun }: LocalReport): string | undefined {
  const removed = recordings.filter(one => one.outcome === 'removed' || one.outcome === 'removable');
  if (removed.length === 0) return undefined;
  const bytes = removed.flatMap(filesOf).reduce((sum, file) => sum + file.sizeBytes, 0);
  return `${dryRun ? 'would remove' : 'removed'} the local files of ${count(removed.length, 'recording')} (${formatBytes(bytes)})`;
}

/** What was removed, what was kept and why. */
export function localText(report: LocalReport): string[] {
  const { ageMs, recordings, stopped } = report;
  if (ageMs === undefined) return [`local files are never removed: deleteAfter is not set, and --older-than not given`];
  const lines = recordings.filter(one => one.outcome !== 'gone').map(resultLine);
  const more = lines.length - MOST_LISTED;
  return [
    removedLine(report) ?? `no local files to remove that were uploaded more than ${formatDuration(ageMs)} ago`,
    ...lines.slice(0, MOST_LISTED),
    ...(more > 0 ? [`  … and ${more} more`] : []),
    ...(stopped === undefined ? [] : [`not all were looked at: ${printable(stopped)}`]),
  ];
}

function resultLine(result: LocalResult): string {
  const id = printable(result.recordingId);
  if (result.outcome === 'waiting') return `  ${id}: not yet: ${printable(result.reason)}`;
  if (result.outcome === 'kept') return `  ${id}: kept: ${printable(result.reason)}`;
  const files = filesOf(result);
  const bytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  const left = 'left' in result && result.left.length > 0 ? `; not uploaded, and kept: ${names(result.left)}` : '';
  return `  ${id}: ${count(files.length, 'file')}, ${formatBytes(bytes)}, ${printable(result.dir)}${left}`;
}

function names(all: readonly string[]): string {
  const shown = all.slice(0, 5).map(printable).join(', ');
  return all.length > 5 ? `${shown} and ${all.length - 5} more` : shown;
}

function filesOf(result: LocalResult): readonly { name: string; sizeBytes: number }[] {
  return 'files' in result ? result.files : [];
}

import { liveEndText } from '../../../app/observers/live-text.ts';
import type { CoreEvent, FinishedBy } from '../../../core/events.ts';
import { printable } from '../../../core/text.ts';
import { formatBytes, formatDuration } from '../../../core/units.ts';
import { errorText } from '../../failure.ts';
import { count } from '../../terminal/format.ts';
import type { Terminal } from '../../terminal/terminal.ts';

const BECAUSE = {
  enqueued: 'the recorder handed it over',
  sidecar: 'its notes say so',
  marker: 'its marker file is there',
  closed: 'nobody has it open for writing',
  quiet: 'nothing has changed for a while',
} as const satisfies Record<FinishedBy, string>;

/**
 * The worker's own line for an event; null: it gets none; undefined: the one that it has everywhere. One line sums up an
 * upload, so its files get none.
 */
export function watchLine(event: CoreEvent, { paint: { err: paint } }: Terminal): string | null | undefined {
  switch (event.type) {
    case 'watch-started':
      return event.roots.length > 0
        ? `watching ${event.roots.map(printable).join(', ')}`
        : 'watching the queue (no root is given: watch.roots)';
    case 'recording-finished':
      return `${printable(event.dir)} is finished: ${BECAUSE[event.by]}`;
    case 'recording-grew':
      return `${paint.yellow('!')} ${printable(event.dir)} has changed since it was uploaded (${event.names.map(printable).join(', ')}): it is uploaded again once it is finished`;
    case 'recording-started':
      return `${paint.cyan('↑')} ${printable(event.recordingId)}: uploading ${count(event.files.length, 'file')} (${formatBytes(event.files.reduce((sum, file) => sum + file.sizeBytes, 0))}) from ${printable(event.dir)}`;
    case 'upload-ended':
      return endLine(event, paint);
    case 'upload-waiting':
      return `${paint.yellow('…')} ${printable(event.dir)}: waits: ${errorText(event.error)}`;
    case 'upload-refused':
      return `${paint.red('✘')} ${printable(event.dir)}: ${errorText(event.error)}`;
    case 'upload-given-up':
      return `${paint.red('✘')} ${printable(event.recordingId)}: given up, because ${printable(event.reason)}`;
    case 'live-started':
      return `${paint.cyan('●')} ${printable(event.recordingId)}: ${printable(event.name)} goes up while it is recorded${event.resumedParts > 0 ? `; ${count(event.resumedParts, 'part')} of it are in the bucket already` : ''}`;
    case 'live-paused':
      return `${paint.yellow('…')} ${printable(event.recordingId)}: ${printable(event.name)} does not go up while it is recorded: ${printable(event.reason)}`;
    case 'live-given-up':
      return `${paint.yellow('!')} ${printable(event.recordingId)}: what was sent of ${printable(event.name)} while it was recorded is given up: ${printable(event.reason)}`;
    case 'live-ended':
      return `${paint.cyan('●')} ${printable(event.recordingId)}: ${liveEndText(event)}`;
    case 'live-parts':
      return null;
    case 'notice':
      return printable(event.message);
    case 'file-finished':
    case 'file-unchanged':
    case 'file-failed':
      return null;
    default:
      return undefined;
  }
}

function endLine(event: Extract<CoreEvent, { type: 'upload-ended' }>, paint: Terminal['paint']['err']): string {
  const { recordingId, outcome, files, sentBytes, durationMs, error, retryInMs } = event;
  const id = printable(recordingId);
  if (error) {
    const again = retryInMs === undefined ? '' : `; next try in ${formatDuration(retryInMs)}`;
    return `${paint.red('✘')} ${id}: ${outcome === 'partial' ? 'upload incomplete: ' : ''}${errorText(error)}${again}`;
  }
  if (outcome === 'unchanged') return `${paint.green('✔')} ${id}: all of it is in the bucket already`;
  return `${paint.green('✔')} ${id}: uploaded ${count(files, 'file')}, ${formatBytes(sentBytes)} in ${formatDuration(durationMs)}`;
}

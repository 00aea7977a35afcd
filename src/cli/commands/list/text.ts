import type { ListReport } from '../../../app/list.ts';
import type { RecentRecording } from '../../../core/status/overview.ts';
import { printable } from '../../../core/text.ts';
import { formatBytes } from '../../../core/units.ts';
import type { QueuedUpload } from '../../../core/upload/queue.ts';
import { count, table } from '../../terminal/format.ts';
import { formatMoment } from '../../terminal/moment.ts';

/**
 * One line for each recording: when, which, what became of it and of its webhooks, or why it waits.
 * @param limit at most so many lines
 */
export function listText(
  { hasState, stateDir, recordings, queue, fleet, damage }: ListReport,
  limit: number,
): string[] {
  if (!hasState && fleet) return ['nothing has been uploaded yet (no state in the database)'];
  if (!hasState) return [`nothing has been uploaded from this machine yet (no state in ${printable(stateDir)})`];
  const rows = [
    ...queue.map(one => ({ at: one.updatedAt, row: queuedRow(one), machine: one.machine })),
    ...recordings.map(one => ({ at: one.updatedAt, row: recordingRow(one), machine: one.machine })),
  ];
  if (rows.length === 0) return [damage ? 'no recording can be read' : 'no recording'];
  rows.sort((one, other) => other.at - one.at);
  const of = (machine: string | undefined) => (fleet ? [printable(machine ?? '')] : []);
  return table(
    rows
      .slice(0, limit)
      .map(({ at, machine, row: [id = '', ...rest] }) => [formatMoment(at), id, ...of(machine), ...rest]),
  );
}

function recordingRow({ id, title, state, files, storedBytes, localRemovedAt, webhooks }: RecentRecording): string[] {
  return [
    printable(id),
    localRemovedAt === null ? state : `${state}, removed here`,
    `${count(files, 'file')}, ${formatBytes(storedBytes)}`,
    webhooks
      .map(one => (one.endpoint === 'default' ? one.state : `${printable(one.endpoint)} ${one.state}`))
      .join(', ') || 'no webhook',
    printable(title),
  ];
}

function queuedRow({ recordingId, state, dir, reason }: QueuedUpload): string[] {
  return [printable(recordingId), state === 'waiting' ? 'queued' : state, '', '', printable(reason ?? dir)];
}

import type { ChalkInstance } from 'chalk';
import type { RecordingStatusReport } from '../../../app/recording-status.ts';
import type { RecordingStatus } from '../../../core/status/overview.ts';
import { printable } from '../../../core/text.ts';
import { formatBytes, formatDuration } from '../../../core/units.ts';
import { table } from '../../terminal/format.ts';
import { formatMoment } from '../../terminal/moment.ts';
import { historyText } from '../../text/history.ts';
import { queuedLines, refusalLines } from '../../text/queued.ts';
import { fileText } from './text.ts';

/** One recording: its files, its webhooks with every attempt, and the payload. */
export function recordingText(
  { recordingId, uploads, queue, webhooks, damage }: RecordingStatusReport,
  { now, paint }: { now: number; paint: ChalkInstance },
): string[] {
  const payload = webhooks.at(-1)?.delivery.payload ?? uploads.at(-1)?.metadata;
  const queued = queue.filter(one => one.state === 'waiting');
  const refused = queue.filter(one => one.state === 'refused');
  return [
    ...uploads.flatMap(one => uploadText(one, now, paint)),
    ...(queued.length > 0 ? [paint.yellow('queued'), ...queued.flatMap(one => queuedLines(one, now))] : []),
    ...(refused.length > 0 ? [paint.red('refused'), ...refused.flatMap(one => refusalLines(one, now))] : []),
    ...(uploads.length === 0
      ? [
          damage
            ? `no upload of recording ${recordingId} can be read`
            : `recording ${recordingId} was not uploaded from this machine`,
        ]
      : []),
    '',
    ...historyText(recordingId, webhooks, now, paint, { isDamaged: damage !== undefined }),
    ...(payload ? ['', 'payload:', ...payloadLines(payload)] : []),
  ];
}

function uploadText(recording: RecordingStatus, now: number, paint: ChalkInstance): string[] {
  const { id, target, dir, machine, state, pid, since, updatedAt, error, files, local } = recording;
  const color = { recording: paint.cyan, uploading: paint.cyan, partial: paint.yellow, done: paint.green }[state];
  const by = pid === null ? '' : `, by process ${pid}`;
  const how = {
    recording: `still being recorded, uploading meanwhile${by}`,
    uploading: `uploading${by}`,
    partial: 'partial; next: recordupload retry',
    done: `done ${formatMoment(updatedAt)}`,
  }[state];
  const rows = files.map(file => [`  ${fileText(file)}`, formatBytes(file.sizeBytes)]);
  return [
    `${paint.bold(printable(id))}  ${color(how)}${since === null ? '' : `, for ${formatDuration(Math.max(0, now - since))}`}`,
    `  ${printable(dir)}${machine === undefined ? '' : ` on ${printable(machine)}`}`,
    `  → ${printable(target)}/${printable(id)}/`,
    ...(local.removedAt === null
      ? []
      : [`  local files removed ${formatMoment(local.removedAt)}, verified in the bucket`]),
    ...(local.kept === null ? [] : [`  ${paint.yellow('local files kept:')} ${printable(local.kept)}`]),
    ...table(rows),
    ...(error ? error.split('\n').map(line => `  ${printable(line)}`) : []),
    ...files.flatMap(file =>
      file.error && file.error !== error ? [`  ${printable(`${file.name}: ${file.error}`)}`] : [],
    ),
  ];
}

function payloadLines(payload: string): string[] {
  try {
    return JSON.stringify(JSON.parse(payload), null, 2)
      .split('\n')
      .map(line => `  ${printable(line)}`);
  } catch {
    return [`  ${printable(payload)}`];
  }
}

import type { ChalkInstance } from 'chalk';
import type { DeliveryHistory, RecordingStatus } from '../state/sqlite/recording-status.ts';
import { fileText } from './render-status.ts';
import { historyText } from './render-webhook-history.ts';
import { formatBytes, formatDuration, printable, table } from './terminal/format.ts';
import { formatMoment } from './terminal/moment.ts';

/** One recording for people: its files, its webhooks with every try, and the payload. */
export function recordingText(
  id: string,
  { recordings, deliveries }: { recordings: readonly RecordingStatus[]; deliveries: readonly DeliveryHistory[] },
  { now, paint }: { now: number; paint: ChalkInstance },
): string[] {
  const payload = deliveries.at(-1)?.delivery.payload ?? recordings.at(-1)?.metadata;
  return [
    ...recordings.flatMap(one => uploadText(one, now, paint)),
    ...(recordings.length === 0 ? [`recording ${id} was not uploaded from this machine`] : []),
    '',
    ...historyText(id, deliveries, now, paint),
    ...(payload ? ['', 'payload:', ...payloadLines(payload)] : []),
  ];
}

function uploadText(recording: RecordingStatus, now: number, paint: ChalkInstance): string[] {
  const { id, target, dir, state, pid, since, updatedAt, error, files } = recording;
  const color = { uploading: paint.cyan, partial: paint.yellow, done: paint.green }[state];
  const how = {
    uploading: `uploading${pid === null ? '' : `, by process ${pid}`}`,
    partial: 'partial; next: recordupload retry',
    done: `done ${formatMoment(updatedAt)}`,
  }[state];
  const rows = files.map(file => [`  ${fileText(file)}`, formatBytes(file.sizeBytes)]);
  return [
    `${paint.bold(printable(id))}  ${color(how)}${since === null ? '' : `, for ${formatDuration(Math.max(0, now - since))}`}`,
    `  ${printable(dir)}`,
    `  → ${printable(target)}/${printable(id)}/`,
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

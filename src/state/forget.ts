import type { RecordingId } from '../core/recording/recording.ts';
import type { ForgottenUpload } from '../core/upload/forget.ts';
import { type Row, toRecording } from './rows.ts';

/*
 * What both databases do alike to forget a recording.
 */

/** What belongs to one recording in one bucket. */
export const TABLES_OF_RECORDING = ['parts', 'multipart_uploads', 'files'] as const;

/**
 * In which buckets a recording is forgotten. A mistyped bucket must not cost the recording in the right one its webhooks.
 * @param rows its rows of `recordings`
 * @param begun its rows of `begun_uploads`
 * @returns `kept`: where it is done, and stays
 */
export function whereToForget(rows: readonly Row[], begun: readonly Row[]): { targets: Set<string>; kept: string[] } {
  const done = rows.filter(row => row.state === 'done').map(row => String(row.target));
  const unfinished = [...rows, ...begun].map(row => String(row.target)).filter(target => !done.includes(target));
  return unfinished.length > 0 ? { targets: new Set(unfinished), kept: done } : { targets: new Set(done), kept: [] };
}

/** Rows that one recording has left in one bucket. */
export interface LeftRows {
  rows: readonly Row[];
  begun: readonly Row[];
  /** Of `multipart_uploads`, with an upload's id. */
  open: readonly Row[];
  /** Of `files`, those that were uploaded, by name. */
  stored: readonly Row[];
}

/** What is left of a recording in one bucket. */
export function toForgotten(
  { target, recordingId }: { target: string; recordingId: RecordingId },
  { rows, begun, open, stored }: LeftRows,
): ForgottenUpload {
  const row = rows.find(one => one.target === target);
  const recording = row && toRecording(row);
  const metadata = recording?.metadata == null ? [] : [`${recordingId}/metadata.json`];
  const multipart = new Map([
    ...begun.filter(one => one.target === target).map(one => [String(one.upload_id), String(one.key)] as const),
    ...open.map(one => [String(one.upload_id), `${recordingId}/${one.name}`] as const),
  ]);
  return {
    target,
    dir: recording?.dir,
    state: recording?.state,
    multipart: [...multipart].map(([uploadId, key]) => ({ key, uploadId })),
    stored: [...stored.map(({ name }) => `${recordingId}/${name}`), ...metadata],
  };
}

import { randomUUID } from 'node:crypto';
import type { FileRef, RecordingRef } from '../core/upload/parts-journal.ts';

/*
 * How statements name a recording in a bucket, and one of its files, in both databases.
 */

export const OF_RECORDING = 'target = $target AND id = $recordingId';
export const OF_FILE = 'target = $target AND recording_id = $recordingId AND name = $name';

/** The values of `OF_RECORDING`, and nothing else that the caller's object may have: SQLite refuses unknown names. */
export function valuesOfRecording({ target, recordingId }: RecordingRef) {
  return { target, recordingId };
}

/** The values of `OF_FILE`, and nothing else. */
export function valuesOfFile({ target, recordingId, name }: FileRef) {
  return { target, recordingId, name };
}

/** A recording's own token. Short: it is at the beginning of each object's token. */
export function newToken(): string {
  return randomUUID().slice(0, 13);
}

import type { QueuedUpload } from '../../core/upload/queue.ts';
import { iso } from './document.ts';
import { type OfMachineJson, ofMachineJson } from './machine.ts';

/** A folder whose upload was refused before anything of it was sent. */
export interface RefusalJson extends OfMachineJson {
  dir: string;
  /** The ID that was asked for, else the folder's name. */
  recordingId: string;
  error: string;
  hint: string | null;
  since: string;
  /** When it was looked at last. */
  updatedAt: string;
}

export function refusalJson(entry: QueuedUpload): RefusalJson {
  const { dir, recordingId, reason, hint, since, updatedAt } = entry;
  const times = { since: iso(since), updatedAt: iso(updatedAt) };
  return { dir, ...ofMachineJson(entry), recordingId, error: reason ?? '', hint, ...times };
}

/** A folder whose upload was asked for and begins by itself. */
export interface QueuedJson extends OfMachineJson {
  dir: string;
  /** The ID that was asked for, else the folder's name. */
  recordingId: string;
  /** Who asked for it: `upload`, a recorder (`enqueue`), or the worker, which found it. */
  origin: 'upload' | 'enqueued' | 'found';
  /** Why it has not begun; null: nobody has looked at the folder yet. */
  reason: string | null;
  hint: string | null;
  since: string;
  /** When it was asked for or looked at last. */
  updatedAt: string;
  /** When it is looked at again. */
  nextTry: string;
}

export function queuedJson(entry: QueuedUpload): QueuedJson {
  const { dir, recordingId, origin, reason, hint, since, updatedAt, nextAt } = entry;
  const times = { since: iso(since), updatedAt: iso(updatedAt), nextTry: iso(nextAt) };
  return { dir, ...ofMachineJson(entry), recordingId, origin, reason, hint, ...times };
}

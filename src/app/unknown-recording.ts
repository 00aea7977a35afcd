import { AppError } from '../core/errors.ts';
import type { Overview, StateDamage } from '../core/status/overview.ts';
import type { Bucket } from '../core/storage/bucket.ts';
import { StorageFailure } from '../core/storage/failure.ts';
import type { Runtime } from './runtime.ts';

/**
 * The error for an id that the state does not know: the same from every command.
 * @param options.bucket the name of the bucket that has nothing of it either; undefined if nobody asked the bucket
 */
export function unknownRecording(id: string, { bucket }: { bucket?: string } = {}): AppError {
  const inBucket =
    bucket === undefined
      ? `to check the bucket: recordupload verify ${id}`
      : `the bucket ${bucket} has nothing of it either`;
  return new AppError('USAGE', `recording ${id} is not known on this machine`, {
    hint: `${inBucket}; recordupload list shows what was uploaded from here`,
  });
}

/** The error for an id of which a damaged state has nothing that can be read: it may have known it. */
export function unreadableRecording(id: string, { file }: StateDamage): AppError {
  return new AppError('STATE', `the state file ${file} is damaged: nothing about recording ${id} can be read`, {
    hint: `to check the bucket: recordupload verify ${id}`,
  });
}

/**
 * For commands that read the bucket and have found nothing there.
 * @param found the error that says so
 * @param bucket with its retry layer
 * @returns the error for an unknown ID if the state does not know it and the bucket has no object of it; else `found`
 * @throws AppError `STATE`, `STORAGE`; the signal's reason
 */
export async function orUnknown(
  found: AppError,
  id: string,
  bucket: Bucket,
  { state, signal }: Pick<Runtime, 'state' | 'signal'>,
): Promise<AppError> {
  const { overview, isKept } = await state();
  // A state in memory is in the place of one that may know the recording.
  if (!isKept || (await isKnown(id, overview))) return found;
  try {
    if ((await bucket.list(`${id}/`, { atMost: 1 }, signal)).length > 0) return found;
  } catch (error) {
    // Keys that may read need not have the right to list.
    if (error instanceof StorageFailure && error.kind === 'refused') return found;
    throw error;
  }
  return unknownRecording(id, { bucket: bucket.name });
}

/** True if the state has anything of the recording: an upload, a folder in the queue, a webhook. */
export async function isKnown(id: string, overview: Pick<Overview, 'recording'>): Promise<boolean> {
  const { recordings, queue, deliveries } = await overview.recording(id);
  return recordings.length + queue.length + deliveries.length > 0;
}

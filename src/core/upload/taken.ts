import { StorageFailure } from '../storage/failure.ts';
import { findAlreadyThere } from './already-there.ts';
import { belongsToAnother } from './foreign-objects.ts';
import type { UploadedObject } from './journal.ts';
import { byContent } from './look-at-file.ts';
import { TOKEN_METADATA } from './object-metadata.ts';
import type { FileContext } from './session.ts';
import type { SourceFile } from './source-file.ts';
import { headIfAllowed } from './verify-object.ts';

/** True if the store refused a write because there is an object of that key already. */
export function isTaken(error: unknown): boolean {
  return error instanceof StorageFailure && error.status === 412;
}

/**
 * Finds out whose object is in the way of a write that must not replace anything.
 * @param mine the token of this write, and whether an earlier try may have succeeded without our seeing its response
 * @returns the object's ETag if it is this very write's, or the object if another machine stored the same bytes
 * @throws AppError `RECORDING` if it is another recording's
 */
export async function whoseIsIt(
  source: SourceFile,
  context: FileContext,
  mine: { token: string | null; mayBeOurs: boolean },
): Promise<string | UploadedObject> {
  const head = await headIfAllowed(context);
  // A key that may not look: a try of ours whose response was lost is the likely cause.
  if (head === 'forbidden' && mine.mayBeOurs) return '';
  if (!head || head === 'forbidden') {
    throw belongsToAnother(context.recordingId, [{ key: context.key, head: undefined }], { isSent: true });
  }
  if (mine.token !== null && head.metadata[TOKEN_METADATA] === mine.token) return head.etag;
  const there = await findAlreadyThere(source, head, undefined, context.hasher);
  if (there) return there;
  const look = await byContent(source, head, context);
  if (look.is === 'there') return look.object;
  throw belongsToAnother(context.recordingId, [{ key: context.key, head }], { isSent: true });
}

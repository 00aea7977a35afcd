import { objectKey } from '../recording/object-key.ts';
import type { OpenedFile } from '../recording/opened-folder.ts';
import type { RecordingId } from '../recording/recording.ts';
import type { Bucket } from '../storage/bucket.ts';
import { isForbidden, StorageFailure } from '../storage/failure.ts';
import type { Hasher } from '../storage/hasher.ts';
import { formatDuration } from '../units.ts';
import { hashParts } from './already-there.ts';
import type { LocalFile } from './local-files.ts';
import { RemovalStopped } from './local-removal.ts';
import { TOKEN_METADATA } from './object-metadata.ts';

/**
 * Asks the bucket whether it still has the very object that was uploaded. One request.
 * @param at when, and how long the object must have been in the bucket by the store's own time: this machine's clock
 * may have been wrong when the upload was done
 * @returns what is wrong, as a sentence; undefined: nothing
 * @throws RemovalStopped; the signal's reason once it aborts
 */
export async function flawOfObject(
  id: RecordingId,
  stored: LocalFile,
  { bucket, signal }: { bucket: Bucket; signal: AbortSignal },
  at: { now: number; ageMs: number },
): Promise<{ text: string; isWaiting: boolean } | undefined> {
  const key = objectKey(id, stored.name);
  const flaw = (what: string, isWaiting = false) => ({ text: `${key} ${what}`, isWaiting });
  const head = await bucket.head(key, signal).catch((error: unknown) => {
    if (!(error instanceof StorageFailure)) throw error;
    const isRefused: boolean = isForbidden(error);
    throw new RemovalStopped(isRefused ? `the access key may not look at ${key}` : error.brief);
  });
  if (!head) return flaw('is not in the bucket');
  // The state has no size of an object whose store says none; then nothing proves that it is whole.
  if (head.sizeBytes !== stored.sizeBytes)
    return flaw(`has ${head.sizeBytes ?? 'an unknown number of'} bytes in the bucket instead of ${stored.sizeBytes}`);
  if (!stored.etag || !stored.checksum || !stored.partSizeBytes)
    return flaw('cannot be verified: nothing proves its content');
  if (head.etag !== stored.etag)
    return flaw('was replaced in the bucket by another object; "recordupload upload --force" uploads the folder again');
  // Some stores give every object the same ETag; the token is this upload's own.
  if (stored.token !== null && head.metadata[TOKEN_METADATA] !== stored.token)
    return flaw('was replaced in the bucket by another upload; "recordupload upload --force" uploads the folder again');
  const storedMs = head.lastModified && at.now - head.lastModified.getTime();
  if (storedMs !== undefined && storedMs < at.ageMs)
    return flaw(
      storedMs < 0
        ? 'was stored in the future, by this clock'
        : `was stored ${formatDuration(storedMs)} ago, not ${formatDuration(at.ageMs)}`,
      true,
    );
  return undefined;
}

/**
 * Whether the file in the folder has the bytes that were uploaded; reads all of it.
 * @throws FileReplaced if it was written to meanwhile; Node's system errors; the signal's reason once it aborts
 */
export async function hasUploadedBytes(
  file: OpenedFile,
  { checksum, partSizeBytes }: LocalFile,
  { hasher, signal }: { hasher: Hasher; signal: AbortSignal },
): Promise<boolean> {
  const { sizeBytes } = file.pinned;
  const source = { fd: file.fd, file: { sizeBytes }, assertUnchanged: file.assertSame };
  const { checksum: own } = await hashParts(source, hasher, partSizeBytes ?? 0, { md5: false, signal }).catch(
    (error: unknown) => {
      // It became shorter, for example.
      file.assertSame();
      throw error;
    },
  );
  return checksum !== null && (checksum.includes('-') ? own.composite : own.whole) === checksum;
}

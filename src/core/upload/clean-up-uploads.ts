import { roleOf } from '../recording/file-roles.ts';
import { isRecordingId } from '../recording/recording.ts';
import type { Bucket } from '../storage/bucket.ts';
import { StorageFailure } from '../storage/failure.ts';
import type { BegunUploads } from './parts-journal.ts';

/** An unfinished multipart upload in the bucket that nobody will finish; its parts cost money. */
export interface AbandonedUpload {
  key: string;
  uploadId: string;
  initiated: Date | undefined;
  /** When its last part arrived; undefined if none did. */
  lastPart: Date | undefined;
  parts: number;
  bytes: number;
  /** `here`: begun by this machine, as its state knows. `elsewhere`: has a recording's key, but the state knows nothing of it. */
  begun: 'here' | 'elsewhere';
}

export interface CleanUpDeps {
  bucket: Bucket;
  journal: BegunUploads;
  now(): number;
  signal: AbortSignal;
}

/**
 * Finds abandoned uploads: no part has arrived for `olderThanMs`, and no recording of this machine will resume them.
 * Uploads of other programs are never among them: one that the state does not know counts only if its key is a
 * recording's and the caller asks for `elsewhere`.
 */
export async function findAbandonedUploads(
  { olderThanMs, elsewhere }: { olderThanMs: number; elsewhere: boolean },
  { bucket, journal, now, signal }: CleanUpDeps,
): Promise<AbandonedUpload[]> {
  const open = await journal.openUploadIds(bucket.target);
  const ours = await journal.begunUploadIds(bucket.target);
  const listed = await bucket.listUploads('', signal);
  const gone = [...ours].filter(id => !open.has(id) && !listed.some(upload => upload.uploadId === id));
  if (gone.length > 0) await journal.forgetUploads(bucket.target, gone);

  const abandoned: AbandonedUpload[] = [];
  for (const { key, uploadId, initiated } of listed) {
    const begun = ours.has(uploadId) ? 'here' : 'elsewhere';
    if (open.has(uploadId) || (begun === 'elsewhere' && !(elsewhere && isRecordingKey(key)))) continue;
    const { parts, serverTime } = await bucket.listParts(key, uploadId, signal).catch(noParts(now));
    const lastPart = parts.map(part => part.lastModified).reduce(latest, undefined);
    const newest = latest(initiated, lastPart);
    if (!newest || serverTime.getTime() - newest.getTime() < olderThanMs) continue;
    abandoned.push({
      key,
      uploadId,
      initiated,
      lastPart,
      parts: parts.length,
      bytes: parts.reduce((sum, part) => sum + part.sizeBytes, 0),
      begun,
    });
  }
  return abandoned;
}

/** Aborts the uploads that were found. One that is gone already is not a failure. */
export async function abortAbandonedUploads(
  uploads: readonly AbandonedUpload[],
  { bucket, journal, signal }: CleanUpDeps,
): Promise<void> {
  for (const { key, uploadId } of uploads) {
    await bucket.abortUpload(key, uploadId, signal).catch(error => {
      if (!(error instanceof StorageFailure) || error.kind !== 'missing') throw error;
    });
    await journal.forgetUploads(bucket.target, [uploadId]);
  }
}

/** `<recording id>/<name with a role>` */
function isRecordingKey(key: string): boolean {
  const [id = '', name = '', ...rest] = key.split('/');
  return rest.length === 0 && isRecordingId(id) && roleOf(name, []) !== undefined;
}

/** For an upload that ended in the meantime, or whose parts may not be listed: its age counts from its beginning. */
function noParts(now: () => number) {
  return (error: unknown) => {
    if (error instanceof StorageFailure && error.kind !== 'transient')
      return { parts: [], serverTime: new Date(now()) };
    throw error;
  };
}

function latest(a: Date | undefined, b: Date | undefined): Date | undefined {
  return a && b ? (a > b ? a : b) : (a ?? b);
}

import type { RecordingStore } from '../../state/sqlite/recording-store.ts';
import { roleOf } from '../recording/file-roles.ts';
import { isRecordingId } from '../recording/recording.ts';
import type { Bucket } from '../storage/bucket.ts';
import { StorageFailure } from '../storage/failure.ts';

/** An unfinished multipart upload in the bucket that nobody will go on with; its parts cost money. */
export interface AbandonedUpload {
  key: string;
  uploadId: string;
  initiated: Date | undefined;
  /** When a part last came in; undefined where none did. */
  lastPart: Date | undefined;
  parts: number;
  bytes: number;
  /** `here`: begun by this machine, as its state knows. `elsewhere`: has a recording's key, but the state knows nothing of it. */
  begun: 'here' | 'elsewhere';
}

export interface CleanUpDeps {
  bucket: Bucket;
  store: Pick<RecordingStore, 'openUploadIds' | 'begunUploadIds' | 'forgetUploads'>;
  now(): number;
  signal: AbortSignal;
}

/**
 * Finds abandoned uploads: nothing has come in for `olderThanMs`, and no recording of this machine is still going on
 * with it. Uploads of other programs are never among them: what the state does not know counts only where its key is a
 * recording's, and only if `elsewhere` is asked for.
 */
export async function findAbandonedUploads(
  { olderThanMs, elsewhere }: { olderThanMs: number; elsewhere: boolean },
  { bucket, store, now, signal }: CleanUpDeps,
): Promise<AbandonedUpload[]> {
  const open = store.openUploadIds(bucket.target);
  const ours = store.begunUploadIds(bucket.target);
  const listed = await bucket.listUploads('', signal);
  const gone = [...ours].filter(id => !open.has(id) && !listed.some(upload => upload.uploadId === id));
  store.forgetUploads(bucket.target, gone);

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

/** Removes what was found. One that is gone already is no failure. */
export async function abortAbandonedUploads(
  uploads: readonly AbandonedUpload[],
  { bucket, store, signal }: CleanUpDeps,
): Promise<void> {
  for (const { key, uploadId } of uploads) {
    await bucket.abortUpload(key, uploadId, signal).catch(error => {
      if (!(error instanceof StorageFailure) || error.kind !== 'missing') throw error;
    });
    store.forgetUploads(bucket.target, [uploadId]);
  }
}

/** `<recording id>/<name with a role>` */
function isRecordingKey(key: string): boolean {
  const [id = '', name = '', ...rest] = key.split('/');
  return rest.length === 0 && isRecordingId(id) && roleOf(name, []) !== undefined;
}

/** An upload that ended between the two looks, or whose parts may not be listed: its age is then that of its beginning. */
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

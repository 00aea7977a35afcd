import type { Observer } from '../events.ts';
import { inPool } from '../pool.ts';
import { roleOf } from '../recording/file-roles.ts';
import { isRecordingId } from '../recording/recording.ts';
import type { Bucket, ListedUpload } from '../storage/bucket.ts';
import { StorageFailure } from '../storage/failure.ts';
import { isGone } from './complete-upload.ts';
import type { BegunUpload, BegunUploads } from './parts-journal.ts';

/** An unfinished multipart upload in the bucket that nobody will finish; its parts cost money. */
export interface AbandonedUpload {
  key: string;
  uploadId: string;
  initiated: Date | undefined;
  /** When its last part arrived; undefined if none did. */
  lastPart: Date | undefined;
  /** Undefined where they cannot be listed. */
  parts: number | undefined;
  bytes: number | undefined;
  /** `here`: begun by this machine, as its state knows. `elsewhere`: has a recording's key, but the state knows nothing of it. */
  begun: 'here' | 'elsewhere';
}

export interface CleanUpDeps {
  bucket: Bucket;
  journal: BegunUploads;
  now(): number;
  /** Gets each upload that is deleted. */
  observer?: Observer;
  signal: AbortSignal;
}

/**
 * Finds abandoned uploads: no part has arrived for `olderThanMs`, and no recording of this machine will resume them.
 * Uploads of other programs are never among them: one that the state does not know counts only if its key is a
 * recording's and the caller asks for `elsewhere`.
 */
export async function findAbandonedUploads(
  { olderThanMs, elsewhere }: { olderThanMs: number; elsewhere: boolean },
  deps: CleanUpDeps,
): Promise<AbandonedUpload[]> {
  const { bucket, journal, now, signal } = deps;
  const open = await journal.openUploadIds(bucket.target);
  const begunHere = new Map((await journal.begunUploads(bucket.target)).map(upload => [upload.uploadId, upload]));
  const listed = new Map((await listOrNone('', bucket, signal)).map(upload => [upload.uploadId, upload]));
  const all = listed.size > 0;
  for (const begun of begunHere.values()) {
    if (open.has(begun.uploadId) || listed.has(begun.uploadId)) continue;
    const found = await findByKey(begun, deps);
    if (found) listed.set(found.uploadId, found);
  }
  if (elsewhere && !all) {
    const keys = (await journal.knownKeys(bucket.target)).filter(isRecordingKey);
    await inPool(keys, { atOnce: KEYS_AT_ONCE, signal }, async (key, signal) => {
      for (const upload of await listOrNone(key, bucket, signal)) listed.set(upload.uploadId, upload);
    });
  }

  const abandoned: AbandonedUpload[] = [];
  for (const { key, uploadId, initiated } of listed.values()) {
    const begun = begunHere.has(uploadId) ? 'here' : 'elsewhere';
    if (open.has(uploadId) || (begun === 'elsewhere' && !(elsewhere && isRecordingKey(key)))) continue;
    const { parts, serverTime } = await bucket.listParts(key, uploadId, signal).catch(noParts(now));
    const lastPart = parts?.map(part => part.lastModified).reduce(latest, undefined);
    const newest = latest(initiated, lastPart);
    // A server's `Date` has whole seconds: what has just arrived seems to be newer than now.
    if (!newest || Math.max(0, serverTime.getTime() - newest.getTime()) < olderThanMs) continue;
    abandoned.push({
      key,
      uploadId,
      initiated,
      lastPart,
      parts: parts?.length,
      bytes: parts?.reduce((sum, part) => sum + part.sizeBytes, 0),
      begun,
    });
  }
  return abandoned;
}

/** A store that lists uploads by their whole key alone gets a request for each key. */
const KEYS_AT_ONCE = 8;

/**
 * Asks the store for an upload of ours that is in no list. Some stores list uploads by their whole key alone, and some
 * lists are wrong: the upload is forgotten only if the store, asked for this key and for its parts, has it no more.
 */
async function findByKey(
  { uploadId, key, begunAt }: BegunUpload,
  { bucket, journal, signal }: CleanUpDeps,
): Promise<ListedUpload | undefined> {
  if (key === null) return undefined;
  const found = (await listOrNone(key, bucket, signal)).find(upload => upload.uploadId === uploadId);
  if (found) return found;
  try {
    await bucket.listParts(key, uploadId, signal);
    return { key, uploadId, initiated: new Date(begunAt) };
  } catch (error) {
    if (!(error instanceof StorageFailure) || error.kind === 'transient') throw error;
    if (isGone(error) && /^NoSuch/.test(error.reason)) await journal.forgetUploads(bucket.target, [uploadId]);
  }
  return undefined;
}

/** Not every store lists uploads, and not every key may. */
async function listOrNone(prefix: string, bucket: Bucket, signal: AbortSignal): Promise<ListedUpload[]> {
  try {
    return await bucket.listUploads(prefix, signal);
  } catch (error) {
    const cannot = error instanceof StorageFailure && [405, 501].includes(error.status ?? 0);
    if (!cannot) throw error;
    return [];
  }
}

/** Aborts the uploads that were found. One that is gone already is not a failure. */
export async function abortAbandonedUploads(
  uploads: readonly AbandonedUpload[],
  { bucket, journal, observer, signal }: CleanUpDeps,
): Promise<void> {
  for (const { key, uploadId } of uploads) {
    await bucket.abortUpload(key, uploadId, signal).catch(error => {
      if (!(error instanceof StorageFailure) || error.kind !== 'missing') throw error;
    });
    observer?.({ type: 'upload-aborted', key, uploadId });
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
      return { parts: undefined, serverTime: new Date(now()) };
    throw error;
  };
}

function latest(a: Date | undefined, b: Date | undefined): Date | undefined {
  return a && b ? (a > b ? a : b) : (a ?? b);
}

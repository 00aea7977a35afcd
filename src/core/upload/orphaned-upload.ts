import type { ListedPart } from '../storage/bucket.ts';
import { isMd5 } from '../storage/checksum.ts';
import { StorageFailure } from '../storage/failure.ts';
import { planParts } from '../storage/part-plan.ts';
import { formatBytes } from '../units.ts';
import type { StoredPart } from './parts-journal.ts';
import type { FileContext } from './session.ts';
import type { SourceFile } from './source-file.ts';

/** An unfinished upload of this very file that the state does not know. */
export interface OrphanedUpload {
  uploadId: string;
  partSizeBytes: number;
  parts: StoredPart[];
}

/** No other machine is sending an upload to which no part has been added for this long. */
const QUIET_MS = 60_000;
const LOOK_EVERY_MS = 5_000;

/**
 * Looks in the bucket for an upload of this file to resume: the MD5s of all its parts are those of the file's own, and no
 * other machine is sending it. If the key may not list, or the store's ETags are not MD5s, it finds none.
 */
export async function findOrphanedUpload(
  source: SourceFile,
  context: FileContext,
): Promise<OrphanedUpload | undefined> {
  const { bucket, key, signal } = context;
  const candidates: OrphanedUpload[] = [];
  const unusable: ListedPart[][] = [];
  try {
    const uploads = (await bucket.listUploads(key, signal)).filter(upload => upload.key === key);
    for (const { uploadId } of uploads) {
      const { parts } = await bucket.listParts(key, uploadId, signal);
      if (parts.length === 0) continue;
      const partSizeBytes = partSizeOf(parts, source.file.sizeBytes);
      const own = partSizeBytes && (await takeOverParts(source, context, partSizeBytes, parts));
      if (own && own.length === parts.length) candidates.push({ uploadId, partSizeBytes, parts: own });
      else unusable.push(parts);
    }
    for (const candidate of candidates.sort((a, b) => b.parts.length - a.parts.length)) {
      if (await isQuiet(candidate, context)) return candidate;
    }
  } catch (error) {
    if (!(error instanceof StorageFailure) || error.kind === 'transient') throw error;
  }
  if (unusable.length > 0) tellOfUnusable(unusable.flat(), context);
  return undefined;
}

/** Encrypted buckets have ETags that prove nothing, so that no other upload can be continued without its state. */
function tellOfUnusable(parts: readonly ListedPart[], { key, recordingId, observer }: FileContext): void {
  const bytes = parts.reduce((sum, part) => sum + part.sizeBytes, 0);
  const message = `${key}: the bucket has an unfinished upload of this key that cannot be continued, because nothing proves whose bytes it has; ${parts.length} ${parts.length === 1 ? 'part stays' : 'parts stay'} (${formatBytes(bytes)}) until recordupload cleanup --elsewhere removes them`;
  observer({ type: 'warning', recordingId, message });
}

/** The part size of an upload: all parts have it but the file's last. */
function partSizeOf(parts: readonly ListedPart[], fileBytes: number): number | undefined {
  const size = Math.max(0, ...parts.map(part => part.sizeBytes));
  const planned = size > 0 ? planParts(fileBytes, size) : [];
  return parts.length > 0 && parts.every(part => planned[part.number - 1]?.sizeBytes === part.sizeBytes)
    ? size
    : undefined;
}

/** Of the parts that the store lists, those that hold the file's own bytes; undefined if its ETags cannot prove it. */
export async function takeOverParts(
  source: SourceFile,
  { hasher, signal }: FileContext,
  partSizeBytes: number,
  listed: readonly ListedPart[],
): Promise<StoredPart[] | undefined> {
  if (!listed.every(part => isMd5(part.etag))) return undefined;
  const planned = planParts(source.file.sizeBytes, partSizeBytes);
  const own: StoredPart[] = [];
  for (const { number, etag, sizeBytes } of listed) {
    const part = planned[number - 1];
    if (part?.sizeBytes !== sizeBytes) continue;
    signal.throwIfAborted();
    const { sha256, md5 } = await hasher.hash(source.fd, part.offset, part.sizeBytes, { md5: true });
    if (md5?.toString('hex') === etag) own.push({ number, etag, sha256: sha256.toString('base64') });
  }
  return own;
}

/** The newest upload of this key that has no part yet; undefined if there is none, or the key may not list. */
export async function findEmptyUpload(context: FileContext): Promise<{ uploadId: string } | undefined> {
  try {
    return (await listEmptyUploads(context, 0))[0];
  } catch (error) {
    if (!(error instanceof StorageFailure) || error.kind === 'transient') throw error;
  }
  return undefined;
}

/** The store's times are whole seconds in some of its answers. */
const ROUNDING_MS = 2_000;

/**
 * The uploads of this key that have no part, the newest first.
 * @param since on this machine's clock, in milliseconds since 1970; those that are older are left out
 */
export async function listEmptyUploads(
  { bucket, key, clock, signal }: FileContext,
  since: number,
): Promise<{ uploadId: string }[]> {
  const uploads = (await bucket.listUploads(key, signal)).filter(upload => upload.key === key);
  const empty: { uploadId: string }[] = [];
  for (const { uploadId, initiated } of uploads.sort((a, b) => Number(b.initiated) - Number(a.initiated))) {
    if (since > 0 && !initiated) continue;
    const { parts, serverTime } = await bucket.listParts(key, uploadId, signal);
    const aheadMs = serverTime.getTime() - clock.now();
    const isNew = since === 0 || Number(initiated) >= since + aheadMs - ROUNDING_MS;
    if (parts.length === 0 && isNew) empty.push({ uploadId });
  }
  return empty;
}

/** Waits until the upload has been quiet for long enough; false as soon as another machine adds a part. */
async function isQuiet(
  { uploadId, parts }: OrphanedUpload,
  { bucket, key, clock, signal, observer, recordingId }: FileContext,
): Promise<boolean> {
  const before = fingerprint(parts);
  for (let announced = false; ; announced = true) {
    const listed = await bucket.listParts(key, uploadId, signal);
    if (fingerprint(listed.parts) !== before) return false;
    const newest = Math.max(0, ...listed.parts.map(part => part.lastModified?.getTime() ?? 0));
    const waitMs = QUIET_MS - (listed.serverTime.getTime() - newest);
    if (waitMs <= 0) return true;
    if (!announced) {
      const seconds = Math.ceil(waitMs / 1000);
      const message = `${key}: an unfinished upload of this file is in the bucket; waiting up to ${seconds} s to see that no other machine is sending it`;
      observer({ type: 'warning', recordingId, message });
    }
    await clock.sleep(Math.min(waitMs, LOOK_EVERY_MS), signal);
  }
}

function fingerprint(parts: readonly { number: number; etag: string }[]): string {
  return parts
    .map(part => `${part.number}:${part.etag}`)
    .sort()
    .join();
}

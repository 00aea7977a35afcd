import { inPool } from '../pool.ts';
import { sameFile } from '../recording/file-identity.ts';
import { fileBody } from '../storage/body.ts';
import type { WriteCondition } from '../storage/bucket.ts';
import { StorageFailure } from '../storage/failure.ts';
import { type Part, partSizeFor, planParts } from '../storage/part-plan.ts';
import { blamesKeys } from '../storage/refusal-hints.ts';
import { begin, endEmptyUploads, giveUp } from './begin-upload.ts';
import { complete, finished, isGone, isReallyGone, type UploadState } from './complete-upload.ts';
import { type HashedParts, hashAhead } from './hash-ahead.ts';
import type { UploadedObject } from './journal.ts';
import { TOKEN_METADATA } from './object-metadata.ts';
import { findOrphanedUpload, takeOverParts } from './orphaned-upload.ts';
import type { OpenUpload, StoredPart } from './parts-journal.ts';
import type { FileContext } from './session.ts';
import type { SourceFile } from './source-file.ts';
import { isTaken, whoseIsIt } from './taken.ts';
import { headIfAllowed } from './verify-object.ts';

/**
 * How a large file is uploaded. Each step is durable before the next:
 *
 *   (nothing) → open (upload id known) → parts, one by one → completed in the bucket → verified → uploaded
 *
 * A run that finds an open upload resumes it. If the store no longer knows the upload, it was either completed after all
 * (the object carries its token), or a new one is begun. Nothing here ever aborts an upload whose parts may still be
 * wanted.
 */
export interface PartsUpload {
  object: UploadedObject;
  sentBytes: number;
}

type KnownUpload = { upload: OpenUpload; parts: StoredPart[] };

/** How the object is made. */
export interface PartsCondition extends WriteCondition {
  /** The key may not look whether there is such an object. */
  isBlind: boolean;
}

/** How often one run starts over with an upload that the store has lost, or of which it has lost parts. */
const MAX_STARTS = 3;
/** Uploads a file in parts, or finishes an open upload. */
export async function uploadInParts(
  source: SourceFile,
  context: FileContext,
  { force, condition }: { force: boolean; condition: PartsCondition },
): Promise<PartsUpload> {
  const { journal, ref } = context;
  // A key that may not look at objects does not see whether a Complete of ours whose response was lost has succeeded.
  let mayBeOurs = false;
  if (force) await giveUp(context);
  // A new upload: its first parts are hashed while the store is asked for it.
  const isNew = (await journal.openUpload(ref)) === undefined;
  await using first = isNew ? hashAhead(planNew(source), source, context) : undefined;
  let sentBytes = 0;
  for (let starts = 1; ; starts++) {
    const before = await journal.openUpload(ref);
    const resumed = await resume(source, context, { force });
    mayBeOurs ||= condition.isBlind && !resumed && typeof before?.upload.uploadId === 'string';
    if (resumed?.completed) return { object: await finished(source, context, resumed), sentBytes };

    const state = resumed ?? (await begin(source, context));
    const hashed = starts === 1 && !resumed ? first : undefined;
    try {
      sentBytes += await sendMissingParts(source, context, state, hashed);
      source.assertUnchanged();
      await complete(context, state, { onlyIfAbsent: condition.onlyIfAbsent && !mayBeOurs });
      const object = await finished(source, context, state);
      await endEmptyUploads(context, state.upload);
      return { object, sentBytes };
    } catch (error) {
      if (isTaken(error)) return { object: await standAside(source, context, state), sentBytes };
      if (starts >= MAX_STARTS || !(error instanceof StorageFailure)) throw error;
      mayBeOurs ||= condition.isBlind;
      // Another program, or the store's own housekeeping, removed the upload: nothing is left to resume.
      if (await isReallyGone(context, state.upload.uploadId, error)) await journal.dropUpload(ref);
      // The store lost a part that it had acknowledged: `resume` finds out which from what the store lists.
      else if (error.reason !== 'InvalidPart') throw error;
    }
  }
}

/**
 * Another upload has made the object meanwhile. Nobody wants this one any more.
 * @returns the object, if it has the same bytes
 * @throws AppError `RECORDING` if it is another recording's
 */
async function standAside(source: SourceFile, context: FileContext, state: UploadState): Promise<UploadedObject> {
  const { token } = state.upload;
  try {
    const there = await whoseIsIt(source, context, { token, mayBeOurs: false });
    return typeof there === 'string' ? await finished(source, context, state) : there;
  } finally {
    await giveUp(context);
  }
}

/** The open upload of an earlier run, compared with what the store has of it. */
async function resume(
  source: SourceFile,
  context: FileContext,
  { force }: { force: boolean },
): Promise<UploadState | undefined> {
  const { journal, ref, bucket, recordingId, key, signal } = context;
  const known = await journal.openUpload(ref);
  if (!known) return force ? undefined : takeOver(source, context);
  const open = sameFile(known.upload, source.file) ? known : await keepEqualParts(known, source, context);
  if (!open) {
    // The file has other bytes now, so nobody can use those parts.
    await giveUp(context);
    return undefined;
  }
  const { uploadId } = open.upload;
  if (uploadId === null) return undefined;
  const upload = { ...open.upload, uploadId };
  const parts = new Map(open.parts.map(part => [part.number, part]));
  try {
    const listed = await bucket.listParts(key, uploadId, signal);
    const etags = new Map(listed.parts.map(part => [part.number, part]));
    const planned = planParts(source.file.sizeBytes, open.upload.partSizeBytes);
    const lost = open.parts.filter(({ number, etag }) => {
      const there = etags.get(number);
      // Some stores list parts without ETags: number and size count then.
      const isSame = there?.etag === etag || there?.etag === '';
      return !isSame || there?.sizeBytes !== planned[number - 1]?.sizeBytes;
    });
    if (lost.length > 0)
      await journal.removeParts(
        ref,
        lost.map(part => part.number),
      );
    for (const { number } of lost) parts.delete(number);
    // Parts that arrived and whose response did not: the store has them, the state does not know them.
    const unknown = listed.parts.filter(part => !parts.has(part.number));
    const found = (await takeOverParts(source, context, open.upload.partSizeBytes, unknown)) ?? [];
    if (found.length > 0) await journal.addParts(ref, found);
    for (const part of found) parts.set(part.number, part);
    return { upload, parts };
  } catch (error) {
    if (!(error instanceof StorageFailure)) throw error;
    // The key or the store cannot list parts, or the list is nonsense. The state knows them, and the object is verified in
    // the end.
    if (error.kind === 'refused' && !blamesKeys(error.reason)) return { upload, parts };
    if (!isGone(error)) throw error;
    if (!(await isReallyGone(context, uploadId, error))) return { upload, parts };
    const head = await headIfAllowed(context);
    const { token } = upload;
    if (token !== null && head && head !== 'forbidden' && head.metadata[TOKEN_METADATA] === token) {
      return { upload, parts, completed: true };
    }
    await journal.dropUpload(ref);
    context.observer({
      type: 'warning',
      recordingId,
      message: `${key}: the store no longer has the unfinished upload; starting over`,
    });
    return undefined;
  }
}

/**
 * The open upload of a file that has another inode or time stamp now: a copy, or a disk that was restored or mounted again.
 * Its parts are kept where the file still has their bytes.
 * @returns undefined if no part can be kept
 */
async function keepEqualParts(
  { upload, parts }: KnownUpload,
  source: SourceFile,
  { journal, ref, hasher, clock, signal }: FileContext,
): Promise<KnownUpload | undefined> {
  const { sizeBytes, mtimeNs, inode } = source.file;
  if (upload.sizeBytes !== sizeBytes) return undefined;
  const planned = planParts(sizeBytes, upload.partSizeBytes);
  const kept: StoredPart[] = [];
  for (const part of parts) {
    signal.throwIfAborted();
    const place = planned[part.number - 1];
    if (!place) continue;
    const { sha256 } = await hasher.hash(source.fd, place.offset, place.sizeBytes);
    if (sha256.toString('base64') === part.sha256) kept.push(part);
  }
  source.assertUnchanged();
  if (kept.length === 0 && parts.length > 0) return undefined;
  const moved = { ...upload, sizeBytes, mtimeNs, inode };
  await journal.beginUpload(ref, moved, kept, clock.now());
  return { upload: moved, parts: kept };
}

/** The state knows no upload, but the bucket may have one from before the state was lost. */
async function takeOver(source: SourceFile, context: FileContext): Promise<UploadState | undefined> {
  const { journal, ref, name, clock } = context;
  const orphan = await findOrphanedUpload(source, context);
  if (!orphan) return undefined;
  const { sizeBytes, mtimeNs, inode } = source.file;
  const upload = {
    name,
    uploadId: orphan.uploadId,
    token: null,
    askedAt: null,
    partSizeBytes: orphan.partSizeBytes,
    sizeBytes,
    mtimeNs,
    inode,
  };
  await journal.beginUpload(ref, upload, orphan.parts, clock.now());
  return { upload, parts: new Map(orphan.parts.map(part => [part.number, part])) };
}

/** The parts of an upload that is yet to be opened. */
function planNew({ file }: SourceFile): Part[] {
  return planParts(file.sizeBytes, partSizeFor(file.sizeBytes));
}

/**
 * Sends the missing parts, several at once.
 * @param ready the missing parts, where hashing them has begun
 * @returns bytes sent
 */
async function sendMissingParts(
  source: SourceFile,
  context: FileContext,
  state: UploadState,
  ready: HashedParts | undefined,
): Promise<number> {
  const { observer, recordingId, name, inFlight } = context;
  const { sizeBytes } = source.file;
  const planned = planParts(sizeBytes, state.upload.partSizeBytes);
  const missing = planned.filter(part => !state.parts.has(part.number));
  const missingBytes = missing.reduce((sum, part) => sum + part.sizeBytes, 0);
  observer({ type: 'file-started', recordingId, name, sizeBytes, resumedBytes: sizeBytes - missingBytes });

  // A part that fails for good stops the others: without it they never become an object. A place is taken once the part is
  // hashed, so that no place waits for the disk.
  await using hashed = ready ?? hashAhead(missing, source, context);
  await inPool(hashed, { atOnce: inFlight.acquire, signal: context.signal }, ({ part, sha256 }, signal) =>
    sendPart(source, { ...context, signal }, state, part, sha256),
  );
  context.signal.throwIfAborted();
  return missingBytes;
}

async function sendPart(
  source: SourceFile,
  context: FileContext,
  { upload, parts }: UploadState,
  part: Part,
  sha256: Buffer,
): Promise<void> {
  const { bucket, journal, ref, key, recordingId, name, inFlight, throttle, observer, signal } = context;
  const onBytes = (bytes: number) => {
    inFlight.moved(bytes);
    observer({ type: 'file-progress', recordingId, name, bytes });
  };
  const body = fileBody(source.fd, part, sha256, { throttle, onBytes, inFlight: inFlight.limit });
  const { etag } = await bucket.uploadPart(key, upload.uploadId, part.number, body, signal);
  const stored = { number: part.number, etag, sha256: sha256.toString('base64') };
  // Durable before it counts: a part that the state knows is never sent again.
  await journal.addParts(ref, [stored]);
  parts.set(part.number, stored);
}

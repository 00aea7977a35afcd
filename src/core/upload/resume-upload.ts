import { sameFile } from '../recording/file-identity.ts';
import { StorageFailure } from '../storage/failure.ts';
import { MAX_PARTS, type Part, planParts } from '../storage/part-plan.ts';
import { blamesKeys } from '../storage/refusal-hints.ts';
import { giveUp } from './begin-upload.ts';
import { isGone, isReallyGone, type UploadState } from './complete-upload.ts';
import { hashAhead } from './hash-ahead.ts';
import { TOKEN_METADATA } from './object-metadata.ts';
import { findOrphanedUpload, takeOverParts } from './orphaned-upload.ts';
import type { OpenUpload, StoredPart } from './parts-journal.ts';
import type { FileContext } from './session.ts';
import type { SourceFile } from './source-file.ts';
import { headIfAllowed } from './verify-object.ts';

type KnownUpload = { upload: OpenUpload; parts: StoredPart[] };

/** The open upload of an earlier run, compared with what the store has of it. */
export async function resume(
  source: SourceFile,
  context: FileContext,
  { force }: { force: boolean },
): Promise<UploadState | undefined> {
  const { journal, ref, bucket, recordingId, key, signal } = context;
  const known = await journal.openUpload(ref);
  if (!known) return force ? undefined : takeOver(source, context);
  const open = await ofThisFile(known, source, context);
  if (!open) {
    // The file has other bytes now, so nobody can use those parts.
    await giveUp(context);
    return undefined;
  }
  const { uploadId } = open.upload;
  if (uploadId === null) return undefined;
  const upload = { ...open.upload, uploadId };
  const knownParts = new Map(open.parts.map(part => [part.number, part]));
  const planned = planParts(source.file.sizeBytes, open.upload.partSizeBytes);
  try {
    const listed = await bucket.listParts(key, uploadId, signal);
    const etags = new Map(listed.parts.map(part => [part.number, part]));
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
    for (const { number } of lost) knownParts.delete(number);
    // Parts that arrived and whose response did not: the store has them, the state does not know them.
    const unknown = listed.parts.filter(part => !knownParts.has(part.number));
    const found = (await takeOverParts(source, context, open.upload.partSizeBytes, unknown)) ?? [];
    if (found.length > 0) await journal.addParts(ref, found);
    const state = stateOf(upload, knownParts);
    for (const part of found) state.parts.set(part.number, part);
    return state;
  } catch (error) {
    if (!(error instanceof StorageFailure)) throw error;
    // The key or the store cannot list parts, or the list is nonsense. The state knows them, and the object is verified in
    // the end.
    if (error.kind === 'refused' && !blamesKeys(error.reason)) return stateOf(upload, knownParts);
    if (!isGone(error)) throw error;
    if (!(await isReallyGone(context, uploadId, error))) return stateOf(upload, knownParts);
    const head = await headIfAllowed(context);
    const { token } = upload;
    const isOurs = token !== null && head && head !== 'forbidden' && head.metadata[TOKEN_METADATA] === token;
    // An object of other parts is that of the file as it was.
    if (isOurs && !upload.live && knownParts.size === planned.length)
      return { upload, parts: knownParts, completed: true };
    await journal.dropUpload(ref);
    context.observer({
      type: 'warning',
      recordingId,
      message: `${key}: the store no longer has the unfinished upload; starting over`,
    });
    return undefined;
  }
}

/** The parts of a live upload count once the file is found to have their bytes still. */
function stateOf(upload: UploadState['upload'], parts: Map<number, StoredPart>): UploadState {
  return upload.live ? { upload, parts: new Map(), unchecked: parts } : { upload, parts };
}

/**
 * The open upload, with the parts of it that may be the file's as it is now.
 * @returns undefined if no part can be kept
 */
async function ofThisFile(known: KnownUpload, source: SourceFile, context: FileContext) {
  const { upload, parts } = known;
  const planned = planParts(source.file.sizeBytes, upload.partSizeBytes);
  if (planned.length > MAX_PARTS) return undefined;
  if (!upload.live)
    return sameFile(upload, source.file) ? known : await keepEqualParts(known, planned, source, context);
  const { sizeBytes, mtimeNs, inode } = source.file;
  const moved = { ...upload, sizeBytes, mtimeNs, inode };
  return { upload: moved, parts: parts.filter(({ number }) => number <= planned.length) };
}

/**
 * The open upload of a file that has another inode, time stamp or length now: a copy, a disk that was restored or mounted
 * again, or a recorder that was not finished. Its parts are kept where the file still has their bytes.
 * @returns undefined if no part can be kept
 */
async function keepEqualParts(
  { upload, parts }: KnownUpload,
  planned: readonly Part[],
  source: SourceFile,
  context: FileContext,
): Promise<KnownUpload | undefined> {
  const { journal, ref, clock } = context;
  const { sizeBytes, mtimeNs, inode } = source.file;
  const known = new Map(parts.map(part => [part.number, part]));
  const kept: StoredPart[] = [];
  await using hashed = hashAhead(
    planned.filter(({ number }) => known.has(number)),
    source,
    context,
  );
  for await (const { part, sha256 } of hashed) {
    const stored = known.get(part.number);
    if (stored && sha256.toString('base64') === stored.sha256) kept.push(stored);
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
    live: false,
    sizeBytes,
    mtimeNs,
    inode,
  };
  await journal.beginUpload(ref, upload, orphan.parts, clock.now());
  return { upload, parts: new Map(orphan.parts.map(part => [part.number, part])) };
}

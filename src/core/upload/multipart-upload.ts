import type { UploadedObject } from '../../state/sqlite/recording-store.ts';
import { inPool } from '../pool.ts';
import { sameFile } from '../recording/file-identity.ts';
import { fileBody } from '../storage/body.ts';
import { StorageFailure } from '../storage/failure.ts';
import { type Part, partSizeFor, planParts } from '../storage/part-plan.ts';
import { complete, finished, isGone, type UploadState } from './complete-upload.ts';
import { findEmptyUpload, findOrphanedUpload, takeOverParts } from './orphaned-upload.ts';
import type { FileContext } from './session.ts';
import type { SourceFile } from './source-file.ts';
import { headIfAllowed, TOKEN_METADATA } from './verify-object.ts';

/**
 * How a large file travels. The state machine, each arrow durable before the next:
 *
 *   (nothing) → open (upload id known) → parts, one by one → completed in the bucket → verified → uploaded
 *
 * A run that finds an open upload goes on with it. An upload that the store no longer knows has either been completed
 * after all (the object carries its token) or is begun anew. Nothing here ever aborts an upload whose parts may still
 * be wanted.
 */
export interface PartsUpload {
  object: UploadedObject;
  sentBytes: number;
}

/** How often one run goes on with an upload that the store has lost, or lost parts of. */
const MAX_STARTS = 3;
/** Forbidden, not a method of this store, not implemented. */
const CANNOT_LIST = new Set([403, 405, 501]);
/** Parts hashed ahead of the one being sent. */
const HASH_AHEAD = 3;

/** Uploads a file in parts, or finishes an upload that was begun. */
export async function uploadInParts(
  source: SourceFile,
  context: FileContext,
  { force }: { force: boolean },
): Promise<PartsUpload> {
  const { store, bucket, recordingId, name } = context;
  if (force) await giveUp(context);
  let sentBytes = 0;
  for (let starts = 1; ; starts++) {
    const resumed = await resume(source, context, { force });
    if (resumed?.completed) return { object: await finished(source, context, resumed), sentBytes };

    const state = resumed ?? (await begin(source, context));
    try {
      sentBytes += await sendMissingParts(source, context, state);
      source.assertUnchanged();
      await complete(context, state);
      return { object: await finished(source, context, state), sentBytes };
    } catch (error) {
      if (starts >= MAX_STARTS || !(error instanceof StorageFailure)) throw error;
      // Somebody, or the store's own housekeeping, removed the upload: there is nothing left to resume.
      if (isGone(error)) store.dropUpload(bucket.target, recordingId, name);
      // The store lost a part that it had acknowledged: looking at what it lists finds out which.
      else if (error.reason !== 'InvalidPart') throw error;
    }
  }
}

/** The open upload of an earlier run, checked against what the store has of it. */
async function resume(
  source: SourceFile,
  context: FileContext,
  { force }: { force: boolean },
): Promise<UploadState | undefined> {
  const { store, bucket, recordingId, name, key, signal } = context;
  const open = store.openUpload(bucket.target, recordingId, name);
  if (!open) return force ? undefined : takeOver(source, context);
  if (!sameFile(open.upload, source.file)) {
    // The file is another one now, so those parts are of no use to anybody.
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
    for (const [number, part] of parts) {
      const there = etags.get(number);
      if (there?.etag === part.etag && there.sizeBytes === planned[number - 1]?.sizeBytes) continue;
      store.removePart(bucket.target, recordingId, name, number);
      parts.delete(number);
    }
    // Parts that arrived, but whose answer did not: the store has them, the state does not know.
    const unknown = listed.parts.filter(part => !parts.has(part.number));
    for (const part of (await takeOverParts(source, context, open.upload.partSizeBytes, unknown)) ?? []) {
      store.addPart(bucket.target, recordingId, name, part);
      parts.set(part.number, part);
    }
    return { upload, parts };
  } catch (error) {
    // A key or a store that lists no parts: the state knows them, and the object is verified in the end.
    if (error instanceof StorageFailure && CANNOT_LIST.has(error.status ?? 0)) return { upload, parts };
    if (!isGone(error)) throw error;
    const head = await headIfAllowed(context);
    const { token } = upload;
    if (token !== null && head && head !== 'forbidden' && head.metadata[TOKEN_METADATA] === token) {
      return { upload, parts, completed: true };
    }
    store.dropUpload(bucket.target, recordingId, name);
    context.observer({
      type: 'warning',
      recordingId,
      message: `${key}: the store no longer has the upload that was begun; it begins anew`,
    });
    return undefined;
  }
}

/** The state knows of no upload, but the bucket may: from before the state was lost. */
async function takeOver(source: SourceFile, context: FileContext): Promise<UploadState | undefined> {
  const { store, bucket, recordingId, name, clock } = context;
  const orphan = await findOrphanedUpload(source, context);
  if (!orphan) return undefined;
  const { sizeBytes, mtimeNs, inode } = source.file;
  const upload = {
    name,
    uploadId: orphan.uploadId,
    token: null,
    partSizeBytes: orphan.partSizeBytes,
    sizeBytes,
    mtimeNs,
    inode,
  };
  store.beginUpload(bucket.target, recordingId, upload, orphan.parts, clock.now());
  return { upload, parts: new Map(orphan.parts.map(part => [part.number, part])) };
}

/**
 * Opens a new upload. That it was asked for is durable before it is asked: a Create whose answer is lost, to the network
 * or to a crash, leaves an empty upload in the bucket, and that one is then used in place of a second.
 */
async function begin(source: SourceFile, context: FileContext): Promise<UploadState> {
  const { store, bucket, persistence, recordingId, name, key, signal, clock, onRetry } = context;
  const { sizeBytes, mtimeNs, inode, contentType } = source.file;
  const asked = store.openUpload(bucket.target, recordingId, name)?.upload;
  const token = asked?.token ?? context.newToken();
  const planned = { name, token, partSizeBytes: partSizeFor(sizeBytes), sizeBytes, mtimeNs, inode };
  if (!asked) store.beginUpload(bucket.target, recordingId, { ...planned, uploadId: null }, [], clock.now());

  let mayExist = asked !== undefined;
  const { uploadId } = await persistence.run(
    async () => {
      const empty = mayExist ? await findEmptyUpload(context) : undefined;
      mayExist = true;
      return empty ?? bucket.createUpload(key, { contentType, metadata: { [TOKEN_METADATA]: token } }, signal);
    },
    { signal, onRetry },
  );
  const upload = { ...planned, uploadId };
  store.beginUpload(bucket.target, recordingId, upload, [], clock.now());
  return { upload, parts: new Map() };
}

/** Sends what is missing, several parts at once. @returns bytes sent */
async function sendMissingParts(source: SourceFile, context: FileContext, state: UploadState): Promise<number> {
  const { observer, recordingId, name, inFlight } = context;
  const { sizeBytes } = source.file;
  const planned = planParts(sizeBytes, state.upload.partSizeBytes);
  const missing = planned.filter(part => !state.parts.has(part.number));
  const missingBytes = missing.reduce((sum, part) => sum + part.sizeBytes, 0);
  observer({ type: 'file-started', recordingId, name, sizeBytes, resumedBytes: sizeBytes - missingBytes });

  // One part that fails for good stops its siblings: their bytes would not make an object. A place is taken once the
  // part is hashed, so that no place waits for the disk.
  const hashed = hashedAhead(missing, source, context);
  await inPool(hashed, { atOnce: inFlight.acquire, signal: context.signal }, ({ part, sha256 }, signal) =>
    sendPart(source, { ...context, signal }, state, part, sha256),
  );
  context.signal.throwIfAborted();
  return missingBytes;
}

/** Hashes parts in order, a few ahead of the one asked for. */
async function* hashedAhead(parts: readonly Part[], source: SourceFile, { hasher, signal }: FileContext) {
  const hash = async (part: Part) => ({
    part,
    sha256: (await hasher.hash(source.fd, part.offset, part.sizeBytes)).sha256,
  });
  const queue: ReturnType<typeof hash>[] = [];
  let next = 0;
  try {
    while (next < parts.length || queue.length > 0) {
      signal.throwIfAborted();
      while (next < parts.length && queue.length <= HASH_AHEAD) queue.push(hash(parts[next++] as Part));
      yield await (queue.shift() as ReturnType<typeof hash>);
    }
  } finally {
    // The file must not be closed under a hash that is still being made.
    await Promise.allSettled(queue);
  }
}

async function sendPart(
  source: SourceFile,
  context: FileContext,
  { upload, parts }: UploadState,
  part: Part,
  sha256: Buffer,
): Promise<void> {
  const { bucket, store, key, recordingId, name, inFlight, throttle, observer, signal } = context;
  const onBytes = (bytes: number) => {
    inFlight.moved(bytes);
    observer({ type: 'file-progress', recordingId, name, bytes });
  };
  const body = fileBody(source.fd, part, sha256, { throttle, onBytes });
  const { etag } = await bucket.uploadPart(key, upload.uploadId, part.number, body, signal);
  const stored = { number: part.number, etag, sha256: sha256.toString('base64') };
  // Durable before it counts: what the state knows is never sent again.
  await store.together(() => store.addPart(bucket.target, recordingId, name, stored));
  parts.set(part.number, stored);
}

/** Aborts an upload of ours that will not be gone on with, in the bucket and in the state. */
export async function giveUp(context: FileContext): Promise<void> {
  const { bucket, store, recordingId, name, key, signal } = context;
  const open = store.openUpload(bucket.target, recordingId, name);
  if (!open) return;
  try {
    const uploadId = open.upload.uploadId ?? (await findEmptyUpload(context))?.uploadId;
    if (uploadId) await bucket.abortUpload(key, uploadId, signal);
  } catch (error) {
    // Gone, or not allowed: then `cleanup` finds it, with a key that may.
    if (!(error instanceof StorageFailure) || error.kind === 'transient') throw error;
  }
  store.dropUpload(bucket.target, recordingId, name);
}

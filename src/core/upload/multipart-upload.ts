import { inPool } from '../pool.ts';
import { fileBody } from '../storage/body.ts';
import type { WriteCondition } from '../storage/bucket.ts';
import { StorageFailure } from '../storage/failure.ts';
import { type Part, partSizeFor, planNewParts, planParts } from '../storage/part-plan.ts';
import { begin, endEmptyUploads, giveUp } from './begin-upload.ts';
import { checkLiveParts } from './check-live-parts.ts';
import { complete, finished, isReallyGone, type UploadState } from './complete-upload.ts';
import { type HashedParts, hashAhead } from './hash-ahead.ts';
import type { UploadedObject } from './journal.ts';
import { resume } from './resume-upload.ts';
import type { FileContext } from './session.ts';
import type { SourceFile } from './source-file.ts';
import { isTaken, whoseIsIt } from './taken.ts';

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

/** How the object is made. */
export interface PartsCondition extends WriteCondition {
  /** The key may not look whether there is such an object. */
  isBlind: boolean;
}

/** How often one run starts over with an upload that the store has lost, or of which it has lost parts. */
const MAX_STARTS = 3;
/**
 * Uploads a file in parts, or finishes an open upload.
 * @param options.ahead the parts of a new upload, where hashing them has begun; this function disposes of them
 */
export async function uploadInParts(
  source: SourceFile,
  context: FileContext,
  { force, condition, ahead }: { force: boolean; condition: PartsCondition; ahead?: HashedParts | undefined },
): Promise<PartsUpload> {
  const { journal, ref } = context;
  await using begun = ahead;
  // A key that may not look at objects does not see whether a Complete of ours whose response was lost has succeeded.
  let mayBeOurs = false;
  if (force) await giveUp(context);
  // A new upload: its first parts are hashed while the store is asked for it.
  const isNew = (await journal.openUpload(ref)) === undefined;
  await using first = isNew ? (begun ?? hashAhead(planNewParts(source.file.sizeBytes), source, context)) : undefined;
  let sentBytes = 0;
  for (let starts = 1; ; starts++) {
    const before = await journal.openUpload(ref);
    const resumed = await resume(source, context, { force });
    mayBeOurs ||= condition.isBlind && !resumed && typeof before?.upload.uploadId === 'string';
    if (resumed?.completed) return { object: await finished(source, context, resumed), sentBytes };

    const plan = { partSizeBytes: partSizeFor(source.file.sizeBytes), live: false };
    const state = resumed ?? (await begin(source.file, context, plan));
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

/**
 * Sends the missing parts, several at once. Parts that were sent while the file was being written are hashed meanwhile, and
 * those that have other bytes now are sent again.
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
  const missing = planned.filter(({ number }) => !state.parts.has(number) && !state.unchecked?.has(number));
  const missingBytes = bytesOf(missing);
  observer({ type: 'file-started', recordingId, name, sizeBytes, resumedBytes: sizeBytes - missingBytes });

  // A part that fails for good stops the others: without it they never become an object. A place is taken once the part is
  // hashed, so that no place waits for the disk.
  await using hashed = ready ?? hashAhead(missing, source, context);
  await using checks = state.unchecked && checkLiveParts(source, context, state);
  const parts = checks ? oneAfterTheOther(hashed, checks.changed) : hashed;
  await inPool(parts, { atOnce: inFlight.acquire, signal: context.signal }, ({ part, sha256 }, signal) =>
    sendPart(source, { ...context, signal }, state, part, sha256),
  );
  context.signal.throwIfAborted();
  return missingBytes + bytesOf(checks ? await checks.finish() : []);
}

function bytesOf(parts: readonly Part[]): number {
  return parts.reduce((sum, part) => sum + part.sizeBytes, 0);
}

async function* oneAfterTheOther<T>(...lists: AsyncIterable<T>[]): AsyncIterable<T> {
  for (const list of lists) yield* list;
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

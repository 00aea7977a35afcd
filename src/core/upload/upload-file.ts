import { isNativeError } from 'node:util/types';
import { AppError } from '../errors.ts';
import { objectKey } from '../recording/object-key.ts';
import type { RecordingFile, RecordingId } from '../recording/recording.ts';
import { fileBody } from '../storage/body.ts';
import type { WriteCondition } from '../storage/bucket.ts';
import { StorageFailure } from '../storage/failure.ts';
import { SINGLE_PUT_LIMIT_BYTES } from '../storage/part-plan.ts';
import { giveUp } from './begin-upload.ts';
import type { EarlyParts } from './early-parts.ts';
import { belongsToAnother } from './foreign-objects.ts';
import type { HashedParts } from './hash-ahead.ts';
import type { UploadedObject } from './journal.ts';
import { type Look, type LookOptions, lookAtFile } from './look-at-file.ts';
import { type PartsCondition, uploadInParts } from './multipart-upload.ts';
import { objectMetadata } from './object-metadata.ts';
import { type FileContext, fileContext, type UploadSession } from './session.ts';
import { openSource, type SourceFile } from './source-file.ts';
import { isTaken, whoseIsIt } from './taken.ts';
import { verifyObject } from './verify-object.ts';

export interface FileUpload {
  outcome: 'uploaded' | 'unchanged';
  object: UploadedObject;
  /** Bytes of it that this run sent. */
  sentBytes: number;
}

export interface FileUploadOptions extends LookOptions {
  /** What an earlier look at the bucket found; looks by itself unless given. */
  look?: Look | undefined;
  /** What was hashed meanwhile. */
  early?: EarlyParts | undefined;
}

/**
 * Uploads one file, verifies the object and records that; sends nothing that the bucket has already.
 * @throws AppError `STORAGE`, `SOURCE_CHANGED` or `VERIFICATION`; `RECORDING` if another machine's object is there; the
 * signal's reason once it aborts
 */
export async function uploadFile(
  file: RecordingFile,
  recordingId: RecordingId,
  session: UploadSession,
  options: FileUploadOptions,
): Promise<FileUpload> {
  const context = fileContext(session, recordingId, file.name, objectKey(recordingId, file.name));
  const { journal, ref, clock } = context;
  const look = options.look ?? (await looking(file, session, () => lookAtFile(file, context, options)));
  if (look.is === 'foreign') throw belongsToAnother(recordingId, [{ key: context.key, head: look.head }]);
  if (look.is === 'unchanged') {
    await dropLeftover(context);
    return { outcome: 'unchanged', object: look.object, sentBytes: 0 };
  }
  if (look.is === 'there') {
    await dropLeftover(context);
    await journal.fileUploaded(ref, file, look.object, { now: clock.now(), sentBytes: 0 });
    return { outcome: 'unchanged', object: look.object, sentBytes: 0 };
  }

  const early = options.early?.take(file);
  const source = early?.source ?? openSource(file);
  return await looking(
    file,
    session,
    async () => {
      const sending = fileContext(session, recordingId, file.name, context.key, source.assertUnchanged);
      const condition = { onlyIfAbsent: look.is !== 'replaceable', isBlind: look.is === 'unknown' };
      const { object, sentBytes } = await send(source, sending, {
        force: options.force,
        condition,
        ahead: early?.parts,
      });
      if (file.sizeBytes <= SINGLE_PUT_LIMIT_BYTES) await dropLeftover(context);
      await journal.fileUploaded(ref, file, object, { now: clock.now(), sentBytes });
      return { outcome: 'uploaded', object, sentBytes };
    },
    source,
  );
}

/** Looks at what `uploadFile` will find; for looking at all files of a recording before any is sent. */
export async function lookAhead(
  file: RecordingFile,
  recordingId: RecordingId,
  session: UploadSession,
  options: LookOptions,
): Promise<Look> {
  const context = fileContext(session, recordingId, file.name, objectKey(recordingId, file.name));
  return await looking(file, session, () => lookAtFile(file, context, options));
}

/** Reads a file; a failure that comes from the file itself is reported as that. */
async function looking<T>(
  file: RecordingFile,
  { signal }: UploadSession,
  read: () => Promise<T>,
  source?: SourceFile,
): Promise<T> {
  try {
    return await read();
  } catch (error) {
    // The store refuses bytes that do not match their hash. A source that changed is the likely cause: report that.
    if (source && (error instanceof StorageFailure || !(error instanceof AppError)) && !signal.aborted)
      source.assertUnchanged();
    throw isReadError(error) ? unreadable(file, error) : error;
  } finally {
    source?.close();
  }
}

/**
 * Gives up an open upload in parts that is not needed any more, because the object is complete without it. It may fail;
 * `cleanup` finds what is left.
 */
async function dropLeftover(context: FileContext): Promise<void> {
  if (!(await context.journal.openUpload(context.ref))) return;
  try {
    await giveUp(context);
  } catch (error) {
    if (!(error instanceof StorageFailure)) throw error;
    // Not the upload of this file any more: `cleanup` asks the store for it.
    await context.journal.dropUpload(context.ref);
  }
}

/** A disk that fails. A connection's own `read` errors come as a `StorageFailure`. */
function isReadError(error: unknown): error is NodeJS.ErrnoException {
  return isNativeError(error) && !(error instanceof AppError) && (error as NodeJS.ErrnoException).syscall === 'read';
}

function unreadable({ path }: RecordingFile, cause: Error): AppError {
  return new AppError('SOURCE_CHANGED', `${path}: it cannot be read any more (${cause.message})`, {
    hint: 'check its disk, then run the command again',
    cause,
  });
}

function send(
  source: SourceFile,
  context: FileContext,
  options: { force: boolean; condition: PartsCondition; ahead: HashedParts | undefined },
) {
  return source.file.sizeBytes <= SINGLE_PUT_LIMIT_BYTES
    ? putWhole(source, context, options.condition)
    : uploadInParts(source, context, options);
}

/** A small file, sent as one object. */
async function putWhole(
  source: SourceFile,
  context: FileContext,
  condition: WriteCondition,
): Promise<{ object: UploadedObject; sentBytes: number }> {
  const { file } = source;
  const { bucket, key, name, recordingId, observer, inFlight, hasher, throttle, signal } = context;
  const token = context.newToken();

  const release = await inFlight.acquire(signal);
  try {
    // Hash only now: the bytes are then still in the system's cache when they are read again to be sent.
    const { sha256 } = await hasher.hash(source.fd, 0, file.sizeBytes);
    source.assertUnchanged();
    observer({ type: 'file-started', recordingId, name, sizeBytes: file.sizeBytes, resumedBytes: 0 });
    let isAgain = false;
    const onBytes = (count: number) => {
      isAgain ||= count < 0;
      inFlight.moved(count);
      observer({ type: 'file-progress', recordingId, name, bytes: count });
    };
    const body = fileBody(source.fd, { offset: 0, sizeBytes: file.sizeBytes }, sha256, {
      throttle,
      inFlight: inFlight.limit,
      onBytes,
    });
    const { onlyIfAbsent } = condition;
    const settings = { contentType: file.contentType, metadata: objectMetadata(context, token), onlyIfAbsent };
    const put = async () => {
      try {
        return (await bucket.put(key, body, settings, signal)).etag;
      } catch (error) {
        if (!isTaken(error)) throw error;
        return await whoseIsIt(source, context, { token, mayBeOurs: isAgain });
      }
    };
    const etag = await put();
    if (typeof etag === 'object') return { object: etag, sentBytes: file.sizeBytes };
    source.assertUnchanged();
    // The store has checked the signed digest. What is left to prove: the object in the bucket is this one.
    const object = {
      partSizeBytes: Math.max(1, file.sizeBytes),
      checksum: sha256.toString('base64'),
      etag: await verifyObject(context, { sizeBytes: file.sizeBytes, etag, token }),
      token,
    };
    return { object, sentBytes: file.sizeBytes };
  } finally {
    release();
  }
}

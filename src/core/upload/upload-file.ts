import { isNativeError } from 'node:util/types';
import { AppError } from '../errors.ts';
import { sameFile } from '../recording/file-identity.ts';
import { objectKey } from '../recording/object-key.ts';
import type { RecordingFile, RecordingId } from '../recording/recording.ts';
import { fileBody } from '../storage/body.ts';
import type { FileChecksum } from '../storage/checksum.ts';
import { StorageFailure } from '../storage/failure.ts';
import { SINGLE_PUT_LIMIT_BYTES } from '../storage/part-plan.ts';
import { findAlreadyThere } from './already-there.ts';
import type { UploadedObject } from './journal.ts';
import { giveUp, uploadInParts } from './multipart-upload.ts';
import { type FileContext, fileContext, type UploadSession } from './session.ts';
import { openSource, type SourceFile } from './source-file.ts';
import { headIfAllowed, TOKEN_METADATA, verifyObject } from './verify-object.ts';

export interface FileUpload {
  outcome: 'uploaded' | 'unchanged';
  object: UploadedObject;
  /** Bytes of it that this run sent. */
  sentBytes: number;
}

export interface FileUploadOptions {
  /** Send it even if the bucket has it. */
  force: boolean;
  /** False: the bucket has no such object, so HEAD is not needed. */
  mayBeThere(): Promise<boolean>;
  /** What the bucket's `metadata.json` says of the object; called if the state says nothing. */
  known(): Promise<FileChecksum | undefined>;
}

/**
 * Uploads one file, verifies the object and records that; sends nothing that the bucket has already.
 * @throws AppError `STORAGE`, `SOURCE_CHANGED` or `VERIFICATION`; the signal's reason once it aborts
 */
export async function uploadFile(
  file: RecordingFile,
  recordingId: RecordingId,
  session: UploadSession,
  { force, mayBeThere, known }: FileUploadOptions,
): Promise<FileUpload> {
  const context = fileContext(session, recordingId, file.name, objectKey(recordingId, file.name));
  const { journal, ref, clock } = context;
  const stored = await journal.file(ref);

  const isNew = force || (stored?.state !== 'uploaded' && !(await mayBeThere()));
  const head = isNew ? undefined : await headIfAllowed(context);
  if (stored?.state === 'uploaded' && sameFile(stored, file) && head) {
    // If the key may not HEAD, trust the state: it recorded that the store accepted the object.
    if (head === 'forbidden' || (head.sizeBytes === file.sizeBytes && head.etag === stored.etag)) {
      await dropLeftover(context);
      return { outcome: 'unchanged', object: toObject(stored), sentBytes: 0 };
    }
  }

  const source = openSource(file);
  try {
    const there =
      head && head !== 'forbidden'
        ? await findAlreadyThere(source, head, stored?.checksum ? stored : await known(), session.hasher)
        : undefined;
    const sending = fileContext(session, recordingId, file.name, context.key, source.assertUnchanged);
    const sent = there ? undefined : await send(source, sending, { force });
    const object = there ?? sent?.object;
    if (!object) throw new TypeError('neither there nor sent');
    if (there || file.sizeBytes <= SINGLE_PUT_LIMIT_BYTES) await dropLeftover(context);
    await journal.fileUploaded(ref, file, object, clock.now());
    return { outcome: sent ? 'uploaded' : 'unchanged', object, sentBytes: sent?.sentBytes ?? 0 };
  } catch (error) {
    // The store refuses bytes that do not match their hash. A source that changed is the likely cause: report that.
    if (error instanceof StorageFailure || !(error instanceof AppError)) {
      if (!session.signal.aborted) source.assertUnchanged();
    }
    throw isReadError(error) ? unreadable(file, error) : error;
  } finally {
    source.close();
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

function send(source: SourceFile, context: FileContext, options: { force: boolean }) {
  return source.file.sizeBytes <= SINGLE_PUT_LIMIT_BYTES
    ? putWhole(source, context)
    : uploadInParts(source, context, options);
}

/** A small file, sent as one object. */
async function putWhole(
  source: SourceFile,
  context: FileContext,
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
    const onBytes = (count: number) => {
      inFlight.moved(count);
      observer({ type: 'file-progress', recordingId, name, bytes: count });
    };
    const settings = { throttle, onBytes, inFlight: inFlight.limit };
    const body = fileBody(source.fd, { offset: 0, sizeBytes: file.sizeBytes }, sha256, settings);
    const { etag } = await bucket.put(
      key,
      body,
      { contentType: file.contentType, metadata: { [TOKEN_METADATA]: token } },
      signal,
    );
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

function toObject(stored: {
  partSizeBytes: number | null;
  checksum: string | null;
  etag: string | null;
  token: string | null;
}): UploadedObject {
  return {
    partSizeBytes: stored.partSizeBytes ?? 1,
    checksum: stored.checksum ?? '',
    etag: stored.etag ?? '',
    token: stored.token,
  };
}

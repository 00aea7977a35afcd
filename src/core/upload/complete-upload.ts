import { AppError } from '../errors.ts';
import type { WriteCondition } from '../storage/bucket.ts';
import { compositeChecksum, compositeEtag, isComposite, isMd5 } from '../storage/checksum.ts';
import { StorageFailure } from '../storage/failure.ts';
import { planParts } from '../storage/part-plan.ts';
import type { UploadedObject } from './journal.ts';
import { TOKEN_METADATA } from './object-metadata.ts';
import type { OpenUpload, StoredPart } from './parts-journal.ts';
import type { FileContext } from './session.ts';
import type { SourceFile } from './source-file.ts';
import { isTaken } from './taken.ts';
import { headIfAllowed, verifyObject } from './verify-object.ts';

/** An open upload in parts. */
export interface UploadState {
  upload: OpenUpload & { uploadId: string };
  parts: Map<number, StoredPart>;
  /** Parts that were sent while the file was being written: it may have other bytes there now. */
  unchecked?: ReadonlyMap<number, StoredPart>;
  /** Complete succeeded in an earlier run, which ended before it saw the response. */
  completed?: boolean;
}

/**
 * Completes the upload. A Complete that fails, or whose response is lost, may have succeeded all the same: ask the bucket
 * before each new try, and never abort.
 */
export async function complete(context: FileContext, state: UploadState, condition: WriteCondition): Promise<void> {
  const { bucket, persistence, key, signal, onRetry } = context;
  const { uploadId, token } = state.upload;
  const parts = inOrder(state);
  const expectedEtag = compositeEtag(parts.map(part => part.etag));
  let tries = 0;
  const succeededAfterAll = async (error: StorageFailure, gone: StorageFailure | undefined) => {
    const head = await headIfAllowed(context);
    // Nobody may look: an earlier try whose response was lost has most likely made the object that is in the way.
    if (head === 'forbidden') return isTaken(error) && tries > 1;
    if (!head) return false;
    if (token !== null) return head.metadata[TOKEN_METADATA] === token;
    if (isComposite(head.etag)) return head.etag === expectedEtag;
    // A store whose ETags say nothing about the parts: an upload that is gone, and an object of its size in its place.
    return gone !== undefined && head.sizeBytes === state.upload.sizeBytes;
  };
  await persistence.run(
    async () => {
      try {
        tries++;
        await bucket.completeUpload(key, uploadId, parts, condition, signal);
      } catch (error) {
        if (!(error instanceof StorageFailure) || signal.aborted) throw error;
        // Ask ListParts first, HEAD second. If our Complete lands between the two calls, HEAD still sees the object; the
        // other way round we would take a success for a lost upload.
        const gone = await whyGone(context, uploadId);
        if (await succeededAfterAll(error, gone)) return;
        throw gone ?? error;
      }
    },
    { signal, onRetry },
  );
}

/** The parts by number: the order in which the object has them. */
function inOrder({ parts }: UploadState): StoredPart[] {
  return [...parts.values()].sort((a, b) => a.number - b.number);
}

/** The store's own error if it has no such upload any more; some answer a Complete of one that is gone with 500. */
async function whyGone(context: FileContext, uploadId: string): Promise<StorageFailure | undefined> {
  const { bucket, key, signal } = context;
  try {
    await bucket.listParts(key, uploadId, signal);
  } catch (error) {
    if (!(error instanceof StorageFailure)) throw error;
    if (await isReallyGone(context, uploadId, error)) return error;
  }
  return undefined;
}

/** Proves that the object in the bucket is the one that was uploaded. */
export async function finished(source: SourceFile, context: FileContext, state: UploadState): Promise<UploadedObject> {
  const { upload } = state;
  const parts = inOrder(state);
  const etag = compositeEtag(parts.map(part => part.etag));
  const expected = { sizeBytes: upload.sizeBytes, token: upload.token };
  let found: string;
  try {
    found = await verifyObject(context, { ...expected, etag });
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'VERIFICATION' || !etag) throw error;
    // A store that encrypts has ETags that look like MD5s and are none. Compare one part's real MD5.
    if (await etagsAreMd5s(source, context, upload.partSizeBytes, parts)) throw error;
    found = await verifyObject(context, { ...expected, etag: undefined });
  }
  const checksum = compositeChecksum(parts.map(part => Buffer.from(part.sha256, 'base64')));
  return { partSizeBytes: upload.partSizeBytes, checksum, etag: found, token: upload.token };
}

async function etagsAreMd5s(
  source: SourceFile,
  { hasher }: FileContext,
  partSizeBytes: number,
  parts: readonly StoredPart[],
): Promise<boolean> {
  const last = planParts(source.file.sizeBytes, partSizeBytes).at(-1);
  const stored = parts.at(-1);
  if (!last || !stored || !isMd5(stored.etag)) return false;
  const { md5 } = await hasher.hash(source.fd, last.offset, last.sizeBytes, { md5: true });
  return md5?.toString('hex') === stored.etag;
}

/**
 * True if the upload is gone. One list alone is not believed: while the store lists the upload among those of its key, a
 * ListParts that does not find it is wrong.
 */
export async function isReallyGone(
  { bucket, key, signal }: Pick<FileContext, 'bucket' | 'key' | 'signal'>,
  uploadId: string,
  error: unknown,
): Promise<boolean> {
  if (!isGone(error)) return false;
  try {
    const listed = await bucket.listUploads(key, signal);
    return !listed.some(upload => upload.key === key && upload.uploadId === uploadId);
  } catch (failure) {
    if (!(failure instanceof StorageFailure) || failure.kind === 'transient') throw failure;
    // Nobody may list uploads: a store that says so in its own words is believed.
    return /^NoSuch(?:Upload|Key)$/.test((error as StorageFailure).reason);
  }
}

/** True if the store says that the upload is gone. Stores say `NoSuchUpload`, and after an abort some say `NoSuchKey`. */
export function isGone(error: unknown): boolean {
  return (
    error instanceof StorageFailure &&
    (error.reason === 'NoSuchUpload' || error.reason === 'NoSuchKey' || error.kind === 'missing')
  );
}

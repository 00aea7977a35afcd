import type { OpenUpload, StoredPart } from '../../state/sqlite/parts-store.ts';
import type { UploadedObject } from '../../state/sqlite/recording-store.ts';
import { AppError } from '../errors.ts';
import { compositeChecksum, compositeEtag, isMd5 } from '../storage/checksum.ts';
import { StorageFailure } from '../storage/failure.ts';
import { planParts } from '../storage/part-plan.ts';
import type { FileContext } from './session.ts';
import type { SourceFile } from './source-file.ts';
import { headIfAllowed, TOKEN_METADATA, verifyObject } from './verify-object.ts';

/** An upload in parts, as it stands. */
export interface UploadState {
  upload: OpenUpload & { uploadId: string };
  parts: Map<number, StoredPart>;
  /** Complete had succeeded in an earlier run that did not live to see it. */
  completed?: boolean;
}

/**
 * Completes the upload. A Complete that fails or is not answered may have succeeded all the same, so before each new
 * try the bucket is asked; and it never leads to an abort.
 */
export async function complete(context: FileContext, state: UploadState): Promise<void> {
  const { bucket, persistence, key, signal, onRetry } = context;
  const { uploadId, token } = state.upload;
  const parts = inOrder(state);
  const expectedEtag = compositeEtag(parts.map(part => part.etag));
  const succeededAfterAll = async () => {
    const head = await headIfAllowed(context);
    if (!head || head === 'forbidden') return false;
    return token === null ? head.etag === expectedEtag : head.metadata[TOKEN_METADATA] === token;
  };
  await persistence.run(
    async () => {
      try {
        await bucket.completeUpload(key, uploadId, parts, signal);
      } catch (error) {
        if (!(error instanceof StorageFailure) || signal.aborted) throw error;
        // In this order: an upload that is gone may have been completed a moment ago.
        const gone = await whyGone(context, uploadId);
        if (await succeededAfterAll()) return;
        throw gone ?? error;
      }
    },
    { signal, onRetry },
  );
}

/** The parts by number, as the object has them. */
function inOrder({ parts }: UploadState): StoredPart[] {
  return [...parts.values()].sort((a, b) => a.number - b.number);
}

/** The store's word that there is no such upload; some answer a Complete of one that is gone with 500. */
async function whyGone({ bucket, key, signal }: FileContext, uploadId: string): Promise<StorageFailure | undefined> {
  try {
    await bucket.listParts(key, uploadId, signal);
  } catch (error) {
    if (!(error instanceof StorageFailure)) throw error;
    if (isGone(error)) return error;
  }
  return undefined;
}

/** The object is in the bucket; proves that it is the right one. */
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
    // An encrypting store's ETags look like MD5s and are none. One part's real MD5 tells.
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

/** The upload is not there any more. Stores say `NoSuchUpload`, and after an abort some say `NoSuchKey`. */
export function isGone(error: unknown): boolean {
  return (
    error instanceof StorageFailure &&
    (error.reason === 'NoSuchUpload' || error.reason === 'NoSuchKey' || error.kind === 'missing')
  );
}

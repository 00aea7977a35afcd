import { AppError } from '../errors.ts';
import type { ObjectHead } from '../storage/bucket.ts';
import { bareEtag, isComposite } from '../storage/checksum.ts';
import { isForbidden } from '../storage/failure.ts';
import { TOKEN_METADATA } from './object-metadata.ts';
import type { FileContext } from './session.ts';

/** What the object must be for the upload to count. */
export interface ExpectedObject {
  sizeBytes: number;
  /** The ETag that proves the content; undefined if the store's ETags prove nothing. */
  etag: string | undefined;
  token: string | null;
}

/**
 * Asks the bucket whether the object is the one that was just uploaded.
 * @returns its ETag
 * @throws AppError `VERIFICATION` if it is another one
 */
export async function verifyObject(context: FileContext, expected: ExpectedObject): Promise<string> {
  const head = await headIfAllowed(context);
  if (head === 'forbidden') {
    const message = `${context.key}: the access key may not read objects, so only the store's response to the upload proves that it is there`;
    context.observer({ type: 'warning', recordingId: context.recordingId, message });
    return expected.etag ?? '';
  }
  if (!head) throw verification(context.key, 'is not in the bucket although its upload was accepted');
  if (head.sizeBytes !== undefined && head.sizeBytes !== expected.sizeBytes) {
    throw verification(context.key, `has ${head.sizeBytes} bytes in the bucket instead of ${expected.sizeBytes}`);
  }
  const etag = isComparable(head.etag, expected.etag) ? expected.etag : undefined;
  const sameContent = etag !== undefined && head.etag === bareEtag(etag);
  if (etag !== undefined && !sameContent) {
    throw verification(context.key, `has the ETag ${head.etag} in the bucket instead of ${expected.etag}`);
  }
  // Another machine may have uploaded the same bytes in the meantime; that does no harm.
  if (expected.token !== null && head.metadata[TOKEN_METADATA] !== expected.token && !sameContent) {
    throw verification(context.key, 'was replaced by another upload');
  }
  return head.etag;
}

/**
 * The ETag of an object that was made of parts is not the same everywhere: AWS makes it of the parts' MD5s, some stores of
 * the whole content, others of nothing. Only two of AWS's kind can be compared.
 */
function isComparable(found: string, expected: string | undefined): boolean {
  return expected !== undefined && (!isComposite(expected) || isComposite(found));
}

/** HEAD; "upload only" keys may not send it. */
export async function headIfAllowed({
  bucket,
  key,
  signal,
}: FileContext): Promise<ObjectHead | undefined | 'forbidden'> {
  try {
    return await bucket.head(key, signal);
  } catch (error) {
    if (isForbidden(error)) return 'forbidden';
    throw error;
  }
}

function verification(key: string, what: string): AppError {
  return new AppError('VERIFICATION', `${key} ${what}`, { hint: 'run the command again to upload it again' });
}

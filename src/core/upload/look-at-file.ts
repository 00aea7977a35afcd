import { sameFile } from '../recording/file-identity.ts';
import type { RecordingFile } from '../recording/recording.ts';
import type { ObjectHead } from '../storage/bucket.ts';
import { type FileChecksum, PartHasher } from '../storage/checksum.ts';
import { StorageFailure } from '../storage/failure.ts';
import { readObject } from '../storage/read-object.ts';
import { findAlreadyThere, hashParts } from './already-there.ts';
import { isOurs } from './foreign-objects.ts';
import type { StoredFile, UploadedObject } from './journal.ts';
import { TOKEN_METADATA } from './object-metadata.ts';
import type { FileContext } from './session.ts';
import { openSource, type SourceFile } from './source-file.ts';
import { headIfAllowed } from './verify-object.ts';

/** How the bucket's object of a file compares with it. */
export type Look =
  /** The bucket has no such object. */
  | { is: 'absent' }
  /** This key may not look, and the state knows of none. */
  | { is: 'unknown' }
  /** The state uploaded it, and it is unchanged on both sides, as far as this key may look. */
  | { is: 'unchanged'; object: UploadedObject }
  /** The object has the file's bytes, whoever uploaded it. */
  | { is: 'there'; object: UploadedObject }
  /** This state uploaded it, and the file has other bytes now; or it is to be replaced whatever it is. */
  | { is: 'replaceable' }
  /** Another machine or program put it there, and it has other bytes. */
  | { is: 'foreign'; head: ObjectHead };

export interface LookOptions {
  /** Replace it whatever it is. */
  force: boolean;
  /** False: the bucket has no such object, so HEAD is not needed. */
  mayBeThere(): Promise<boolean>;
  /** What the bucket's `metadata.json` says of the object; called if the state says nothing. */
  known(): Promise<FileChecksum | undefined>;
}

/**
 * Compares a file with the bucket's object. Sends nothing.
 * @throws AppError `STORAGE`, `SOURCE_CHANGED`; the signal's reason once it aborts
 */
export async function lookAtFile(
  file: RecordingFile,
  context: FileContext,
  { force, mayBeThere, known }: LookOptions,
): Promise<Look> {
  if (force) return { is: 'replaceable' };
  const { journal, ref } = context;
  const stored = await journal.file(ref);
  const isUploaded = stored?.state === 'uploaded';
  if (!isUploaded && !(await mayBeThere())) return { is: 'absent' };
  const head = await headIfAllowed(context);
  if (!head) return { is: 'absent' };
  const isSame = isUploaded && sameFile(stored, file);
  if (head === 'forbidden') {
    // The state recorded that the store accepted the object.
    if (isUploaded) return isSame ? { is: 'unchanged', object: toObject(stored) } : { is: 'replaceable' };
    return { is: 'unknown' };
  }
  const hasSize = head.sizeBytes === undefined || head.sizeBytes === file.sizeBytes;
  if (isSame && hasSize && head.etag === stored.etag) return { is: 'unchanged', object: toObject(stored) };
  return await compare(file, head, stored, context, known);
}

async function compare(
  file: RecordingFile,
  head: ObjectHead,
  stored: StoredFile | undefined,
  context: FileContext,
  known: LookOptions['known'],
): Promise<Look> {
  const source = openSource(file);
  try {
    const there = await findAlreadyThere(source, head, stored?.checksum ? stored : await known(), context.hasher);
    if (there) return { is: 'there', object: there };
    const open = await context.journal.openUpload(context.ref);
    if (open && open.upload.token === head.metadata[TOKEN_METADATA]) return { is: 'replaceable' };
    if (isOurs(head, stored, context)) return { is: 'replaceable' };
    // A web page in place of a store answers 200 to everything; no object is without an ETag.
    if (head.etag === '') return { is: 'replaceable' };
    return await byContent(source, head, context);
  } finally {
    source.close();
  }
}

/**
 * Another machine's object. If it has the same size and an ETag that proves nothing, only its content can tell: read it.
 * One that cannot be read counts as the same recording's, as it has its size.
 */
export async function byContent(
  source: SourceFile,
  head: ObjectHead,
  { bucket, key, hasher, signal }: FileContext,
): Promise<Extract<Look, { is: 'there' | 'replaceable' | 'foreign' }>> {
  const { sizeBytes } = source.file;
  if (head.sizeBytes !== undefined && head.sizeBytes !== sizeBytes) return { is: 'foreign', head };
  const partSizeBytes = Math.max(1, sizeBytes);
  const content = new PartHasher(partSizeBytes);
  try {
    const object = await bucket.get(key, signal);
    if (object) for await (const chunk of readObject(object, key, sizeBytes)) content.update(chunk);
  } catch (error) {
    if (!(error instanceof StorageFailure)) throw error;
  }
  if (content.sizeBytes > sizeBytes) return { is: 'foreign', head };
  if (content.sizeBytes < sizeBytes) return { is: 'replaceable' };
  const checksum = content.finish({ composite: false });
  const own = await hashParts(source, hasher, partSizeBytes, { md5: false });
  if (own.checksum.whole !== checksum) return { is: 'foreign', head };
  return { is: 'there', object: { partSizeBytes, checksum, etag: head.etag, token: null } };
}

function toObject({ partSizeBytes, checksum, etag, token }: StoredFile): UploadedObject {
  return { partSizeBytes: partSizeBytes ?? 1, checksum: checksum ?? '', etag: etag ?? '', token };
}

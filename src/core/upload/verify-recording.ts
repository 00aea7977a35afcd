import { AppError } from '../errors.ts';
import { METADATA_NAME } from '../payload/payload.ts';
import { sameName } from '../recording/name-form.ts';
import { objectKey } from '../recording/object-key.ts';
import type { RecordingFile, RecordingId } from '../recording/recording.ts';
import type { Bucket, ObjectHead } from '../storage/bucket.ts';
import { type FileChecksum, isMd5, PartHasher } from '../storage/checksum.ts';
import type { Hasher } from '../storage/hasher.ts';
import { readObject } from '../storage/read-object.ts';
import { findAlreadyThere, hashParts } from './already-there.ts';
import { readChecksums } from './remote-recording.ts';
import { openSource } from './source-file.ts';

/*
 * Compares a recording in the bucket with what was uploaded and with its folder, if the caller has one. Works from any
 * machine, by the checksums that the metadata of `metadata.json` carries.
 */

export type FileVerdict = 'same' | 'differs' | 'missing' | 'unproven';

export interface VerifiedFile {
  name: string;
  key: string;
  verdict: FileVerdict;
  /** What was compared, or what is wrong. */
  detail: string;
  sizeBytes: number | undefined;
}

export interface VerifyReport {
  recordingId: string;
  /** Undefined if only the bucket was examined. */
  dir: string | undefined;
  ok: boolean;
  files: VerifiedFile[];
}

export interface VerifyRequest {
  id: RecordingId;
  /** The folder to compare with. */
  local: { dir: string; files: readonly RecordingFile[] } | undefined;
  /** Read the objects back and recompute their checksums. */
  full: boolean;
}

export interface VerifyDeps {
  /** With its retry layer. */
  bucket: Bucket;
  hasher: Hasher;
  signal: AbortSignal;
}

/**
 * Verifies a recording.
 * @throws AppError `VERIFICATION` if nothing of it is in the bucket, `STORAGE`, `SOURCE_CHANGED`
 */
export async function verifyRecording({ id, local, full }: VerifyRequest, deps: VerifyDeps): Promise<VerifyReport> {
  const { bucket, signal } = deps;
  const metadata = await bucket.head(objectKey(id, METADATA_NAME), signal);
  const kept = readChecksums(metadata);
  const named = [...kept.keys()];
  // Earlier versions stored a name in the Unicode form that its folder had.
  const localFiles = new Map((local?.files ?? []).map(file => [sameName(file.name, named) ?? file.name, file]));
  const names = new Set([...named, ...localFiles.keys()]);
  if (names.size === 0) {
    throw new AppError(
      'VERIFICATION',
      `recording ${id}: ${metadata ? 'its metadata.json has no checksums' : `no ${METADATA_NAME} in the bucket ${bucket.name}`}`,
      {
        hint: 'compare it with its folder: recordupload verify <dir>',
      },
    );
  }
  const files: VerifiedFile[] = [];
  for (const name of names) {
    signal.throwIfAborted();
    files.push(await verifyFile(id, name, kept.get(name), localFiles.get(name), full, deps));
  }
  return { recordingId: id, dir: local?.dir, ok: files.every(file => file.verdict === 'same'), files };
}

async function verifyFile(
  id: RecordingId,
  name: string,
  kept: FileChecksum | undefined,
  file: RecordingFile | undefined,
  full: boolean,
  deps: VerifyDeps,
): Promise<VerifiedFile> {
  const key = objectKey(id, name);
  const verdict = (verdict: FileVerdict, detail: string): VerifiedFile => ({
    name,
    key,
    verdict,
    detail,
    sizeBytes: file?.sizeBytes ?? kept?.sizeBytes,
  });
  const head = await deps.bucket.head(key, deps.signal);
  if (!head) return verdict('missing', 'not in the bucket');
  const expectedSize = file?.sizeBytes ?? kept?.sizeBytes;
  if (head.sizeBytes !== undefined && head.sizeBytes !== expectedSize)
    return verdict('differs', `${head.sizeBytes} bytes in the bucket instead of ${expectedSize}`);
  if (kept && kept.sizeBytes === (head.sizeBytes ?? kept.sizeBytes) && kept.etag !== head.etag && !full) {
    return verdict('differs', `the object was replaced since (its ETag is ${head.etag} instead of ${kept.etag})`);
  }
  const proofs: string[] = [];
  if (full) {
    const flaw = await compareContent(key, head, kept, file, deps);
    if (flaw) return verdict('differs', flaw);
    proofs.push('the content was read back');
  }
  if (file) {
    const compared = await compareFolder(file, head, kept, deps);
    if (compared === 'differs') return verdict('differs', 'the file in the folder has other bytes than the object');
    if (compared === 'unproven' && !full)
      return verdict('unproven', 'sizes are equal, but no checksum of the object is known; use --full');
    if (compared === 'same') proofs.push('the folder’s file has its checksum');
  } else if (!full) proofs.push('size and ETag are as they were when it was uploaded');
  return verdict('same', proofs.join(', '));
}

/** Compares the object's stored checksum with the file's. */
async function compareFolder(
  file: RecordingFile,
  head: ObjectHead,
  kept: FileChecksum | undefined,
  { hasher }: VerifyDeps,
): Promise<'same' | 'differs' | 'unproven'> {
  const source = openSource(file);
  try {
    if (await findAlreadyThere(source, head, kept, hasher)) return 'same';
    const isKnown = kept?.etag === head.etag || isMd5(head.etag);
    return isKnown ? 'differs' : 'unproven';
  } finally {
    source.close();
  }
}

/** Reads the object back. @returns what is wrong with it */
async function compareContent(
  key: string,
  head: ObjectHead,
  kept: FileChecksum | undefined,
  file: RecordingFile | undefined,
  { bucket, hasher, signal }: VerifyDeps,
): Promise<string | undefined> {
  const expected = head.sizeBytes ?? file?.sizeBytes ?? kept?.sizeBytes ?? 0;
  const partSizeBytes = kept?.partSizeBytes ?? Math.max(1, expected);
  const object = await bucket.get(key, signal);
  if (!object) return 'not in the bucket';
  const content = new PartHasher(partSizeBytes);
  for await (const chunk of readObject(object, key, expected)) {
    signal.throwIfAborted();
    content.update(chunk);
  }
  if (content.sizeBytes > expected) return `more than its ${expected} bytes came back`;
  const checksum = content.finish({ composite: kept?.checksum.includes('-') ?? false });
  if (content.sizeBytes !== expected) return `only ${content.sizeBytes} of ${expected} bytes came back`;
  if (kept && checksum !== kept.checksum) return `its content has the checksum ${checksum} instead of ${kept.checksum}`;
  if (kept || !file) return undefined;
  const source = openSource(file);
  try {
    const own = await hashParts(source, hasher, partSizeBytes, { md5: false });
    return own.checksum.whole === checksum ? undefined : 'the file in the folder has other bytes than the object';
  } finally {
    source.close();
  }
}

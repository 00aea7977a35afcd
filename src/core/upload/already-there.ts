import type { ObjectHead } from '../storage/bucket.ts';
import { compositeChecksum, compositeEtag, type FileChecksum, isMd5 } from '../storage/checksum.ts';
import type { Hasher } from '../storage/hasher.ts';
import { type Part, partSizeFor, planParts } from '../storage/part-plan.ts';
import type { StoredFile, UploadedObject } from './journal.ts';
import { TOKEN_METADATA } from './object-metadata.ts';
import type { SourceFile } from './source-file.ts';

const MIB = 1024 * 1024;
/** Part sizes that other programs upload with: boto3 and the AWS command line 8 MiB, rclone 5, s3cmd 15, … */
const COMMON_PART_SIZES = [8, 5, 15, 16, 32, 64].map(mib => mib * MIB);

/**
 * Finds out whether the object in the bucket has the file's bytes although this machine's state does not say so: another
 * machine or program uploaded it, the state was lost, or the file was only touched or moved. Reads the file, sends
 * nothing.
 * @param known the object's checksum as the state or the metadata of `metadata.json` has it
 */
export async function findAlreadyThere(
  source: SourceFile,
  head: ObjectHead,
  known: StoredFile | FileChecksum | undefined,
  hasher: Hasher,
): Promise<UploadedObject | undefined> {
  const { sizeBytes } = source.file;
  if (head.sizeBytes !== undefined && head.sizeBytes !== sizeBytes) return undefined;
  const token = head.metadata[TOKEN_METADATA] ?? null;

  if (known?.checksum && known.partSizeBytes && known.etag === head.etag) {
    const { checksum } = await hashParts(source, hasher, known.partSizeBytes, { md5: false });
    const composite = known.checksum.includes('-');
    const own = composite ? checksum.composite : checksum.whole;
    if (own !== known.checksum) return undefined;
    return { partSizeBytes: known.partSizeBytes, checksum: known.checksum, etag: head.etag, token };
  }
  for (const partSizeBytes of candidatePartSizes(sizeBytes, head.etag)) {
    const { checksum, etag } = await hashParts(source, hasher, partSizeBytes, { md5: true });
    if (etag.composite === head.etag) return { partSizeBytes, checksum: checksum.composite, etag: head.etag, token };
    if (etag.whole === head.etag) return { partSizeBytes, checksum: checksum.whole ?? '', etag: head.etag, token };
  }
  return undefined;
}

/** Part sizes that an ETag can come from; none if it is not made of MD5s. */
function candidatePartSizes(sizeBytes: number, etag: string): number[] {
  if (isMd5(etag)) return [Math.max(1, sizeBytes)];
  const parts = Number(/^[0-9a-f]{32}-(\d+)$/.exec(etag)?.[1] ?? 0);
  return [...new Set([partSizeFor(sizeBytes), ...COMMON_PART_SIZES])].filter(
    size => Math.ceil(sizeBytes / size) === parts,
  );
}

/** Hashes a whole file part by part; `whole` values exist only if it is one part. */
export async function hashParts(
  source: Pick<SourceFile, 'fd' | 'assertUnchanged'> & { file: { sizeBytes: number } },
  hasher: Hasher,
  partSizeBytes: number,
  { md5, signal }: { md5: boolean; signal?: AbortSignal },
) {
  const parts: Part[] =
    source.file.sizeBytes === 0
      ? [{ number: 1, offset: 0, sizeBytes: 0 }]
      : planParts(source.file.sizeBytes, partSizeBytes);
  const digests: { sha256: Buffer; md5: Buffer | undefined }[] = [];
  for (const part of parts) {
    signal?.throwIfAborted();
    digests.push(await hasher.hash(source.fd, part.offset, part.sizeBytes, { md5 }));
  }
  source.assertUnchanged();
  const only = digests.length === 1 ? digests[0] : undefined;
  return {
    checksum: {
      composite: compositeChecksum(digests.map(digest => digest.sha256)),
      whole: only?.sha256.toString('base64'),
    },
    etag: {
      composite: md5 ? compositeEtag(digests.map(digest => digest.md5?.toString('hex') ?? '')) : undefined,
      whole: only?.md5?.toString('hex'),
    },
  };
}

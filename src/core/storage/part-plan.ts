const MIB = 1024 * 1024;

/** Files up to this size travel as one PUT. */
export const SINGLE_PUT_LIMIT_BYTES = 8 * MIB;

/** S3's limit on the number of parts. https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
export const MAX_PARTS = 10_000;
/** S3's limit on a part. */
const MAX_PART_BYTES = 5 * 1024 * MIB;

/**
 * Part sizes by file size. Small enough that a middling file has parts for many connections (a far line needs 32 and
 * more in flight), large enough that a big one does not spend its time on requests. Up to 62.5 GiB they are 1,000 at most:
 * Scaleway takes no more (https://www.scaleway.com/en/docs/object-storage/api-cli/multipart-uploads/). None is larger than
 * 64 MiB, unless 10,000 are too few: proxies before a store limit the size of requests, Cloudflare to 100 MB.
 */
const PART_SIZES: readonly { upToBytes: number; partSizeBytes: number }[] = [
  { upToBytes: 1024 * MIB, partSizeBytes: 8 * MIB },
  { upToBytes: 4096 * MIB, partSizeBytes: 16 * MIB },
  { upToBytes: 32_000 * MIB, partSizeBytes: 32 * MIB },
  { upToBytes: Number.POSITIVE_INFINITY, partSizeBytes: 64 * MIB },
];

/** One part of a file: `number` counts from 1, as S3 does. */
export interface Part {
  number: number;
  offset: number;
  sizeBytes: number;
}

/**
 * The part size for a file: whole MiB, at most 10,000 parts.
 * @throws RangeError for a file larger than S3 can hold in 10,000 parts of 5 GiB
 */
export function partSizeFor(sizeBytes: number): number {
  const tier = PART_SIZES.find(({ upToBytes }) => sizeBytes <= upToBytes)!.partSizeBytes;
  const needed = Math.ceil(sizeBytes / MAX_PARTS / MIB) * MIB;
  if (needed > MAX_PART_BYTES) throw new RangeError(`no multipart upload holds ${sizeBytes} bytes`);
  return Math.max(tier, needed);
}

/** The parts of a file of `sizeBytes`; the last one may be shorter. */
export function planParts(sizeBytes: number, partSizeBytes: number): Part[] {
  return Array.from({ length: Math.ceil(sizeBytes / partSizeBytes) }, (_, index) => {
    const offset = index * partSizeBytes;
    return { number: index + 1, offset, sizeBytes: Math.min(partSizeBytes, sizeBytes - offset) };
  });
}

/** The parts of a file whose upload is yet to be opened. @throws as `partSizeFor` */
export function planNewParts(sizeBytes: number): Part[] {
  return planParts(sizeBytes, partSizeFor(sizeBytes));
}

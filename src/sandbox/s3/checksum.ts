import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { S3Error } from './errors.ts';

/** Something that takes bytes and ends in a digest. */
export interface Digest {
  update(bytes: Buffer): void;
  digest(): Buffer;
}

/** A checksum in S3's terms: `crc32`, and the digest in base64. */
export interface Checksum {
  algorithm: string;
  value: string;
}

const ALGORITHMS: Record<string, () => Digest> = {
  crc32: crc32Digest,
  sha1: () => hashDigest('sha1'),
  sha256: () => hashDigest('sha256'),
};
const PREFIX = 'x-amz-checksum-';
/** These headers begin alike and are no checksums. */
const NOT_CHECKSUMS = new Set(['algorithm', 'mode', 'type']);

/** A digest of node:crypto. */
export function hashDigest(algorithm: 'md5' | 'sha1' | 'sha256'): Digest {
  const hash = createHash(algorithm);
  return { update: bytes => void hash.update(bytes), digest: () => hash.digest() };
}

function crc32Digest(): Digest {
  let value = 0;
  return {
    update: bytes => {
      value = crc32(bytes, value);
    },
    digest: () => {
      const digest = Buffer.alloc(4);
      digest.writeUInt32BE(value);
      return digest;
    },
  };
}

/** The algorithm of the request's `x-amz-checksum-…` header or announced trailer, if it has one. */
export function announcedChecksum(headers: NodeJS.Dict<string[]>): string | undefined {
  const trailers = (headers['x-amz-trailer'] ?? []).flatMap(value => value.toLowerCase().split(','));
  return [...Object.keys(headers), ...trailers.map(name => name.trim())]
    .filter(name => name.startsWith(PREFIX))
    .map(name => name.slice(PREFIX.length))
    .find(name => !NOT_CHECKSUMS.has(name));
}

/**
 * A digest for the algorithm.
 * @throws S3Error `NotImplemented` for those that Node cannot compute: better refused than stored unchecked
 */
export function checksumDigest(algorithm: string): Digest {
  const create = ALGORITHMS[algorithm];
  if (create) return create();
  throw new S3Error(
    'NotImplemented',
    `This server cannot verify x-amz-checksum-${algorithm}; use crc32, sha1 or sha256.`,
  );
}

/** The header that carries the checksum. */
export function checksumHeader(algorithm: string): string {
  return PREFIX + algorithm;
}

/** The XML element that carries the checksum: `ChecksumCRC32`. */
export function checksumElement({ algorithm, value }: Checksum): Record<string, string> {
  return { [`Checksum${algorithm.toUpperCase()}`]: value };
}

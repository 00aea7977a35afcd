import { createHash } from 'node:crypto';
import { readSync } from 'node:fs';

/** Read size: large enough to cost few system calls, small enough to stay in the processor's cache. */
const CHUNK_BYTES = 512 * 1024;
let chunk: Buffer | undefined;

/** What was hashed; `md5` only where it was asked for. */
export interface RangeDigest {
  sha256: Buffer;
  md5: Buffer | undefined;
}

/**
 * Hashes a range of an open file, reading it once, synchronously.
 * @throws Error where the file ends before the range does
 */
export function hashRange(fd: number, offset: number, sizeBytes: number, { md5 }: { md5: boolean }): RangeDigest {
  chunk ??= Buffer.allocUnsafeSlow(CHUNK_BYTES);
  const sha256 = createHash('sha256');
  const md5Hash = md5 ? createHash('md5') : undefined;
  let done = 0;
  while (done < sizeBytes) {
    const read = readSync(fd, chunk, 0, Math.min(CHUNK_BYTES, sizeBytes - done), offset + done);
    if (read === 0) throw new Error('the file became shorter');
    const bytes = chunk.subarray(0, read);
    sha256.update(bytes);
    md5Hash?.update(bytes);
    done += read;
  }
  return { sha256: sha256.digest(), md5: md5Hash?.digest() };
}

import { createHash } from 'node:crypto';
import { readSync } from 'node:fs';

/** Read size: large enough to cost few system calls, small enough to stay in the processor's cache. */
const CHUNK_BYTES = 512 * 1024;
let chunk: Buffer | undefined;

/** The digests of a range; `md5` only where the caller asked for it. */
export interface RangeDigest {
  sha256: Buffer;
  md5: Buffer | undefined;
}

/**
 * Hashes a range of an open file, reading it once, synchronously.
 * @throws Error of `node:fs` with `code` and `syscall`, or without them where the file ends before the range does
 */
export function hashRange(fd: number, offset: number, sizeBytes: number, options: { md5: boolean }): RangeDigest {
  const steps = hashInSteps(fd, offset, sizeBytes, options);
  let step = steps.next();
  while (!step.done) step = steps.next();
  return step.value;
}

/**
 * The same in steps of 512 KiB, so that a caller can let other work run between two of them. Several ranges may be in
 * progress at once: no step leaves bytes in the shared buffer for the next one.
 * @throws as `hashRange`
 */
export function* hashInSteps(
  fd: number,
  offset: number,
  sizeBytes: number,
  { md5 }: { md5: boolean },
): Generator<void, RangeDigest, void> {
  chunk ??= Buffer.allocUnsafeSlow(CHUNK_BYTES);
  const sha256 = createHash('sha256');
  const md5Hash = md5 ? createHash('md5') : undefined;
  for (let done = 0; done < sizeBytes; ) {
    const read = readSync(fd, chunk, 0, Math.min(CHUNK_BYTES, sizeBytes - done), offset + done);
    if (read === 0) throw new Error('the file became shorter');
    const bytes = chunk.subarray(0, read);
    sha256.update(bytes);
    md5Hash?.update(bytes);
    done += read;
    yield;
  }
  return { sha256: sha256.digest(), md5: md5Hash?.digest() };
}

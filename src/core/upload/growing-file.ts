import { createHash } from 'node:crypto';
import { closeSync, fstatSync, read } from 'node:fs';
import { stat } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import { hasErrorCode } from '../errors.ts';
import { type FileIdentity, identityOf } from '../recording/file-identity.ts';
import { openFound } from '../recording/open-file.ts';
import type { Part } from '../storage/part-plan.ts';

/** One look at a file that somebody may be writing. Close it soon: an open file keeps its drive from being unmounted. */
export interface GrowingFile extends Disposable {
  identity: FileIdentity;
  /**
   * True if the end of the stretch is nothing but zeros: a recorder that reserved room for the file has not written that far.
   * Video that is compressed has no such stretch; where a file has one, it is uploaded when the file is finished.
   */
  isUnwritten(stretch: Part): Promise<boolean>;
  /** Reads a stretch into memory. @returns false if the file has become shorter than that */
  read(stretch: Part, into: Uint8Array): Promise<boolean>;
}

/** How much of a stretch's end is looked at. */
const TAIL_BYTES = 64 * 1024;
const HASHED_AT_ONCE_BYTES = 512 * 1024;
const readAt = promisify(read);

/**
 * Opens a file for one look. What may wait for a dead drive runs beside the main thread, unlike the reading of finished files.
 * @param path absolute, with no symbolic link in it
 * @returns undefined if there is no such file
 * @throws FileReplaced if it is exchanged at this moment; Node's system errors
 */
export async function openGrowing(path: string): Promise<GrowingFile | undefined> {
  let fd: number;
  try {
    const found = await stat(path, { bigint: true });
    fd = openFound({ path, device: String(found.dev), inode: String(found.ino) });
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
  const readAll = async (into: Uint8Array, offset: number) => {
    for (let at = 0; at < into.length; ) {
      const { bytesRead } = await readAt(fd, into, at, into.length - at, offset + at);
      if (bytesRead === 0) return false;
      at += bytesRead;
    }
    return true;
  };
  return {
    identity: identityOf(fstatSync(fd, { bigint: true })),
    async isUnwritten({ offset, sizeBytes }) {
      const tail = Buffer.alloc(Math.min(TAIL_BYTES, sizeBytes));
      await readAll(tail, offset + sizeBytes - tail.length);
      return tail.every(byte => byte === 0);
    },
    read: ({ offset, sizeBytes }, into) => readAll(into.subarray(0, sizeBytes), offset),
    [Symbol.dispose]: () => closeSync(fd),
  };
}

/** SHA-256 of bytes in memory, in steps, so that the sockets have their turn between two of them. */
export async function hashBytes(bytes: Uint8Array): Promise<Buffer> {
  const hash = createHash('sha256');
  for (let at = 0; at < bytes.length; at += HASHED_AT_ONCE_BYTES) {
    hash.update(bytes.subarray(at, at + HASHED_AT_ONCE_BYTES));
    await setImmediate();
  }
  return hash.digest();
}

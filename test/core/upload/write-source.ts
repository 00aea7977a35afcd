import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';

const BLOCK_BYTES = 1024 * 1024;

/** A file in which no two places look alike, the same for the same size and salt. */
export function writeSource(path: string, sizeBytes: number, salt = 0): void {
  const fd = openSync(path, 'w');
  const block = Buffer.alloc(Math.min(BLOCK_BYTES, sizeBytes));
  for (let offset = 0; offset < sizeBytes; offset += block.length) {
    for (let at = 0; at + 8 <= block.length; at += 4096) {
      block.writeUInt32LE(((offset + at) / 8 + salt) >>> 0, at);
      block.writeUInt32LE(Math.imul(offset + at + salt + 1, 2654435761) >>> 0, at + 4);
    }
    writeSync(fd, block, 0, Math.min(block.length, sizeBytes - offset));
  }
  ftruncateSync(fd, sizeBytes);
  closeSync(fd);
}

import { closeSync, readSync } from 'node:fs';
import { encodingOf } from '../file-text.ts';
import { type FoundFile, openFound } from './open-file.ts';

/** A transcript is smaller; of a larger text the beginning decides. */
const LOOKED_AT_BYTES = 8 * 1024 * 1024;

/**
 * The character encoding of a text file, by its bytes, as the WHATWG Encoding Standard names it.
 * @returns undefined if its bytes do not say, or the standard has no name for it
 * @throws FileReplaced, Node's system errors
 */
export function charsetOf(file: FoundFile): string | undefined {
  const fd = openFound(file);
  try {
    const chunks: Buffer[] = [];
    let length = 0;
    for (;;) {
      const chunk = Buffer.allocUnsafe(Math.min(64 * 1024, LOOKED_AT_BYTES - length));
      const bytesRead = chunk.length === 0 ? 0 : readSync(fd, chunk, 0, chunk.length, length);
      if (bytesRead === 0) break;
      chunks.push(chunk.subarray(0, bytesRead));
      length += bytesRead;
    }
    const encoding = encodingOf(Buffer.concat(chunks), { isCut: length === LOOKED_AT_BYTES });
    return encoding === 'utf-32' ? undefined : encoding;
  } finally {
    closeSync(fd);
  }
}

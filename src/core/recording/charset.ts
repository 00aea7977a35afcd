import { isUtf8 } from 'node:buffer';
import { closeSync, readSync } from 'node:fs';
import { type FoundFile, openFound } from './open-file.ts';

/** A transcript is smaller; of a larger text the beginning decides. */
const LOOKED_AT_BYTES = 8 * 1024 * 1024;

/**
 * The character encoding of a text file, by its bytes: its byte order mark, else whether it is UTF-8 or looks like UTF-16.
 * @returns a name of the WHATWG Encoding Standard; undefined if it is none of these, because nothing in a file of one of the
 * many one-byte encodings says which it is
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
      if (bytesRead === 0) return charsetOfBytes(Buffer.concat(chunks), { isCut: length === LOOKED_AT_BYTES });
      chunks.push(chunk.subarray(0, bytesRead));
      length += bytesRead;
    }
  } finally {
    closeSync(fd);
  }
}

/** @param options.isCut the bytes may end within a character */
export function charsetOfBytes(bytes: Buffer, { isCut = false } = {}): string | undefined {
  const mark = bytes.toString('hex', 0, 4);
  // UTF-32, which the standard has no name for: its mark begins like that of UTF-16.
  if (mark === 'fffe0000' || mark === '0000feff') return undefined;
  if (mark.startsWith('fffe')) return 'utf-16le';
  if (mark.startsWith('feff')) return 'utf-16be';
  const zeros = zerosIn(bytes);
  if (zeros) return zeros;
  return isUtf8(isCut ? withoutCutCharacter(bytes) : bytes) ? 'utf-8' : undefined;
}

/** Every other byte of UTF-16 is zero where the text is in a Western language; a text in UTF-8 has no zeros. */
function zerosIn(bytes: Buffer): 'utf-16le' | 'utf-16be' | undefined {
  const looked = bytes.subarray(0, 4096);
  const counts = { even: 0, odd: 0 };
  for (const [at, byte] of looked.entries()) if (byte === 0) counts[at % 2 === 0 ? 'even' : 'odd']++;
  const half = looked.length / 2;
  if (counts.odd > half * 0.4 && counts.even < half * 0.1) return 'utf-16le';
  if (counts.even > half * 0.4 && counts.odd < half * 0.1) return 'utf-16be';
  return undefined;
}

/** The bytes up to the beginning of their last character, which may be incomplete. */
function withoutCutCharacter(bytes: Buffer): Buffer {
  for (let length = bytes.length - 1; length >= bytes.length - 4 && length >= 0; length--) {
    // Bytes 10xxxxxx continue a character.
    if (((bytes[length] ?? 0) & 0xc0) !== 0x80) return bytes.subarray(0, length);
  }
  return bytes;
}

import { isUtf8 } from 'node:buffer';

/** The text of a file, or what keeps it from being one. `flaw` continues a sentence that begins with the path. */
export type FileText = { ok: true; text: string } | { ok: false; flaw: string };

/** What to do about a text that is not UTF-8. */
export const SAVE_AS_UTF8 = 'save it as UTF-8';

/**
 * Decodes a text file as people save it: UTF-8, with or without a byte order mark. Windows' editors and PowerShell write
 * UTF-16 unless they are told otherwise; read as UTF-8, it would be gibberish.
 */
export function decodeText(bytes: Buffer): FileText {
  const encoding = encodingOf(bytes);
  if (encoding === 'utf-8') return { ok: true, text: bytes.toString('utf8').replace(/^\ufeff/, '') };
  return { ok: false, flaw: encoding === undefined ? 'is not UTF-8 text' : `is ${encoding.toUpperCase().slice(0, 6)}` };
}

/** The text in one line with what to do: `is UTF-16; save it as UTF-8`. */
export function decodeTextOrAdvise(bytes: Buffer): FileText {
  const text = decodeText(bytes);
  return text.ok ? text : { ok: false, flaw: `${text.flaw}; ${SAVE_AS_UTF8}` };
}

/** The encodings that bytes can tell. */
export type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be' | 'utf-32';

/**
 * The encoding of a text, by its bytes: its byte order mark, else whether it is UTF-8 or looks like UTF-16.
 * @param options.isCut the bytes may end within a character
 * @returns undefined if it is none of these: nothing says which of the many one-byte encodings it is
 */
export function encodingOf(bytes: Buffer, { isCut = false } = {}): Encoding | undefined {
  const mark = bytes.toString('hex', 0, 4);
  // The mark of UTF-32 begins like that of UTF-16.
  if (mark === 'fffe0000' || mark === '0000feff') return 'utf-32';
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

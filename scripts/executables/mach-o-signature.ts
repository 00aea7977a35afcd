import { createHash } from 'node:crypto';

/*
 * The ad hoc signature of a program for macOS: hashes of its pages, without anybody's key. Apple silicon starts no program
 * without one. This is what the linkers of LLVM and Go write; Apple's own words about it are in the headers of its kernel:
 * `mach-o/loader.h` and `kern/cs_blobs.h`.
 */

const MACH_O_64 = 0xfeedfacf;
const HEADER_BYTES = 32;
const [LC_SEGMENT_64, LC_CODE_SIGNATURE] = [0x19, 0x1d];
const SIGNATURE_COMMAND_BYTES = 16;

const [SUPER_BLOB, CODE_DIRECTORY] = [0xfade0cc0, 0xfade0c02];
/** With four more, so that the directory behind it starts at a multiple of eight. */
const SUPER_BLOB_BYTES = 24;
const CODE_DIRECTORY_BYTES = 88;
const HEAD_BYTES = SUPER_BLOB_BYTES + CODE_DIRECTORY_BYTES;
const VERSION_WITH_SEGMENT = 0x20400;
/** Ad hoc, and by a linker: `codesign` may replace it without `--force`. */
const FLAGS = 0x2 | 0x20000;
const MAIN_BINARY = 1n;
const SHA256 = 2;
const HASH_BYTES = 32;
const PAGE_BITS = 12;
const PAGE_BYTES = 1 << PAGE_BITS;
/** The memory pages of Apple silicon, which the last segment fills up. */
const MEMORY_PAGE_BYTES = 0x4000;

interface Segment {
  /** Where its load command is. */
  command: number;
  offset: number;
  sizeBytes: number;
}

/**
 * Signs an unsigned program.
 * @param program Mach-O for one architecture of 64 bits
 * @param identifier what macOS calls the program
 * @throws Error where it is another file, is signed already, or has no room for the load command
 */
export function signAdHoc(program: Buffer, identifier: string): Buffer {
  const { commandsEnd, commandCount, text, linkedit } = readLoadCommands(program);
  const codeBytes = roundUp(program.length, 16);
  const pages = Math.ceil(codeBytes / PAGE_BYTES);
  // Ends with a zero, and fills up to where the hashes start.
  const name = Buffer.alloc(roundUp(HEAD_BYTES + identifier.length + 1, 16) - HEAD_BYTES);
  name.write(identifier);
  const directoryBytes = CODE_DIRECTORY_BYTES + name.length + pages * HASH_BYTES;
  const signatureBytes = SUPER_BLOB_BYTES + directoryBytes;

  const signed = Buffer.alloc(codeBytes + signatureBytes);
  program.copy(signed);
  signed.writeUInt32LE(commandCount + 1, 16);
  signed.writeUInt32LE(commandsEnd - HEADER_BYTES + SIGNATURE_COMMAND_BYTES, 20);
  for (const [index, value] of [LC_CODE_SIGNATURE, SIGNATURE_COMMAND_BYTES, codeBytes, signatureBytes].entries())
    signed.writeUInt32LE(value, commandsEnd + index * 4);
  const linkeditBytes = signed.length - linkedit.offset;
  signed.writeBigUInt64LE(BigInt(roundUp(linkeditBytes, MEMORY_PAGE_BYTES)), linkedit.command + 32);
  signed.writeBigUInt64LE(BigInt(linkeditBytes), linkedit.command + 48);

  const head = Buffer.alloc(HEAD_BYTES);
  const nameAt = CODE_DIRECTORY_BYTES;
  const words = [
    ...[SUPER_BLOB, signatureBytes, 1, 0, SUPER_BLOB_BYTES, 0],
    ...[CODE_DIRECTORY, directoryBytes, VERSION_WITH_SEGMENT, FLAGS, nameAt + name.length, nameAt, 0, pages, codeBytes],
  ];
  for (const [index, word] of words.entries()) head.writeUInt32BE(word, index * 4);
  head.set([HASH_BYTES, SHA256, 0, PAGE_BITS], words.length * 4);
  // The last three numbers of the directory; before them are fields that only signatures of other kinds use.
  head.writeBigUInt64BE(BigInt(text.offset), head.length - 24);
  head.writeBigUInt64BE(BigInt(text.sizeBytes), head.length - 16);
  head.writeBigUInt64BE(MAIN_BINARY, head.length - 8);
  Buffer.concat([head, name, ...pageHashes(signed.subarray(0, codeBytes))]).copy(signed, codeBytes);
  return signed;
}

function pageHashes(code: Buffer): Buffer[] {
  const hashes: Buffer[] = [];
  for (let at = 0; at < code.length; at += PAGE_BYTES)
    hashes.push(
      createHash('sha256')
        .update(code.subarray(at, at + PAGE_BYTES))
        .digest(),
    );
  return hashes;
}

function readLoadCommands(program: Buffer) {
  if (program.readUInt32LE(0) !== MACH_O_64) throw new Error('not a Mach-O file for one architecture of 64 bits');
  const commandCount = program.readUInt32LE(16);
  const segments = new Map<string, Segment>();
  let at = HEADER_BYTES;
  let contentStart = program.length;
  for (let index = 0; index < commandCount; index++) {
    const kind = program.readUInt32LE(at);
    if (kind === LC_CODE_SIGNATURE) throw new Error('the program is signed already');
    if (kind === LC_SEGMENT_64) {
      const name = program.toString('latin1', at + 8, at + 24).replace(/\0+$/, '');
      const [offset, sizeBytes] = [40, 48].map(field => Number(program.readBigUInt64LE(at + field)));
      segments.set(name, { command: at, offset: offset ?? 0, sizeBytes: sizeBytes ?? 0 });
      contentStart = Math.min(contentStart, ...sectionOffsets(program, at));
    }
    at += program.readUInt32LE(at + 4);
  }
  const [text, linkedit] = [segments.get('__TEXT'), segments.get('__LINKEDIT')];
  if (!text || !linkedit || linkedit.offset + linkedit.sizeBytes !== program.length)
    throw new Error('the program does not end with its segment __LINKEDIT');
  if (at + SIGNATURE_COMMAND_BYTES > contentStart) throw new Error('no room for the load command of a signature');
  return { commandsEnd: at, commandCount, text, linkedit };
}

/** Where in the file a segment's sections start; those that only exist in memory have 0 there. */
function sectionOffsets(program: Buffer, segment: number): number[] {
  const count = program.readUInt32LE(segment + 64);
  const offsets = Array.from({ length: count }, (_, index) => program.readUInt32LE(segment + 72 + index * 80 + 48));
  return offsets.filter(offset => offset > 0);
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}

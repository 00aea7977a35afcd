const OFFSET_OF_HEADER = 0x3c;
const PE_64 = 0x20b;
/** From the header: its signature, the file header, then the optional header with the table of directories. */
const OPTIONAL_HEADER = 24;
const CERTIFICATES = OPTIONAL_HEADER + 112 + 4 * 8;

/**
 * Removes the publisher's signature of a program for Windows. It no longer fits once the program is changed, and Windows
 * warns of one that does not fit. https://learn.microsoft.com/windows/win32/debug/pe-format
 * @param program for 64 bits
 * @throws Error where it is another file, or something follows the signature
 */
export function withoutCertificate(program: Buffer): Buffer {
  const header = program.readUInt32LE(OFFSET_OF_HEADER);
  if (program.toString('latin1', header, header + 4) !== 'PE\0\0' || program.readUInt16LE(header + 24) !== PE_64)
    throw new Error('not a Windows program for 64 bits');
  const [offset, sizeBytes] = [0, 4].map(field => program.readUInt32LE(header + CERTIFICATES + field));
  if (!offset || !sizeBytes) return program;
  if (offset + sizeBytes !== program.length) throw new Error('the signature is not the end of the program');
  const unsigned = Buffer.from(program.subarray(0, offset));
  unsigned.fill(0, header + CERTIFICATES, header + CERTIFICATES + 8);
  return unsigned;
}

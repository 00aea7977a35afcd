import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { signAdHoc } from '../../scripts/executables/mach-o-signature.ts';
import { withoutCertificate } from '../../scripts/executables/pe-certificate.ts';

/*
 * The program that LLVM's linker made and signed:
 *   clang --target=arm64-apple-macos13 -c a.c -o a.o        (a.c: int main(void) { return 0; })
 *   ld64.lld -arch arm64 -platform_version macos 13.0 13.0 -e _main -undefined dynamic_lookup a.o -o signed
 */
const byLld = gunzipSync(readFileSync(join(resolve(import.meta.dirname, '../..'), 'fixtures/signed-by-lld.macho.gz')));
const PAGE_BYTES = 4096;

/** Finds the load commands that a signature changes. */
function commandsOf(program: Buffer) {
  let at = 32;
  const found = { linkedit: 0, signature: 0 };
  for (let left = program.readUInt32LE(16); left > 0; left--) {
    if (program.toString('latin1', at + 8, at + 18) === '__LINKEDIT') found.linkedit = at;
    if (program.readUInt32LE(at) === 0x1d) found.signature = at;
    at += program.readUInt32LE(at + 4);
  }
  return found;
}

/** The program as it was before it was signed. */
function unsigned(program: Buffer): Buffer {
  const { linkedit, signature } = commandsOf(program);
  const codeBytes = program.readUInt32LE(signature + 8);
  const copy = Buffer.from(program.subarray(0, codeBytes));
  copy.writeUInt32LE(copy.readUInt32LE(16) - 1, 16);
  copy.writeUInt32LE(copy.readUInt32LE(20) - 16, 20);
  copy.fill(0, signature, signature + 16);
  copy.writeBigUInt64LE(BigInt(codeBytes) - copy.readBigUInt64LE(linkedit + 40), linkedit + 48);
  return copy;
}

describe('the ad hoc signature for macOS', () => {
  const ours = signAdHoc(unsigned(byLld), 'signed');
  const { linkedit, signature } = commandsOf(ours);
  const codeBytes = ours.readUInt32LE(signature + 8);
  const firstHash = ours.length - Math.ceil(codeBytes / PAGE_BYTES) * 32;

  test('is the one of LLVM’s linker, but that the last segment fills its page of memory, as Apple’s linker has it', () => {
    const [mine, theirs] = [ours, byLld].map(program => {
      const copy = Buffer.from(program);
      copy.fill(0, linkedit + 32, linkedit + 40);
      // The first page has that number, so its hash differs.
      return copy.fill(0, firstHash, firstHash + 32);
    });
    expect(mine?.equals(theirs ?? Buffer.alloc(0))).toBe(true);
    expect(ours.readBigUInt64LE(linkedit + 32)).toBe(0x4000n);
  });

  test('has the hash of the first page as it is at the end', () => {
    const hash = createHash('sha256').update(ours.subarray(0, PAGE_BYTES)).digest();
    expect(ours.subarray(firstHash, firstHash + 32)).toEqual(hash);
  });

  test.each<[string, Buffer, string]>([
    ['a signed program', byLld, 'signed already'],
    ['a program for another system', readFileSync(process.execPath).subarray(0, 4096), 'not a Mach-O file'],
    [
      'a program with something behind it',
      Buffer.concat([unsigned(byLld), Buffer.alloc(16)]),
      'does not end with its segment',
    ],
  ])('is refused to %s', (_, program, why) => {
    expect(() => signAdHoc(program, 'recordupload')).toThrow(why);
  });
});

describe('the publisher’s signature for Windows', () => {
  /** As much of a program as is read: the headers, some code, and 16 bytes of a signature. */
  function program({ certificateAt = 0x200 } = {}): Buffer {
    const bytes = Buffer.alloc(0x210, 0xcc);
    bytes.writeUInt32LE(0x80, 0x3c);
    bytes.write('PE\0\0', 0x80, 'latin1');
    bytes.writeUInt16LE(0x20b, 0x98);
    bytes.writeUInt32LE(certificateAt, 0x128);
    bytes.writeUInt32LE(certificateAt && 16, 0x12c);
    return bytes;
  }

  test('is removed, with what names it', () => {
    const result = withoutCertificate(program());
    const expected = program({ certificateAt: 0 }).subarray(0, 0x200);
    expect(result.equals(expected)).toBe(true);
  });

  test('need not be there', () => {
    const without = program({ certificateAt: 0 });
    expect(withoutCertificate(without).equals(without)).toBe(true);
  });

  test.each<[string, Buffer, string]>([
    ['another file', Buffer.alloc(4096), 'not a Windows program'],
    ['a program that goes on behind it', program({ certificateAt: 0x1f0 }), 'not the end of the program'],
  ])('%s is refused', (_, bytes, why) => {
    expect(() => withoutCertificate(bytes)).toThrow(why);
  });
});

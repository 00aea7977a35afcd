import { closeSync, openSync, readSync, writeSync } from 'node:fs';

/** What the header of our files says, by offset. https://www.sqlite.org/fileformat2.html#the_database_header */
const FIXED: readonly [number, Buffer][] = [
  [0, Buffer.from('SQLite format 3\0', 'latin1')],
  [16, Buffer.from([0x10, 0x00])], // pages of 4096 bytes
  [18, Buffer.from([2, 2])], // WAL
  [20, Buffer.from([0, 64, 32, 32])],
  [28, Buffer.from([0, 0, 0, 0])], // number of pages: the file's size says it
  [44, Buffer.from([0, 0, 0, 4])], // format of the schema
  [56, Buffer.from([0, 0, 0, 1])], // UTF-8
];

/** Makes SQLite read a copy of a state file whose header is damaged. */
export function mendHeader(copy: string): void {
  const file = openSync(copy, 'r+');
  try {
    const header = Buffer.alloc(100);
    if (readSync(file, header, 0, header.length, 0) < header.length) return;
    for (const [offset, bytes] of FIXED) writeSync(file, bytes, 0, bytes.length, offset);
  } finally {
    closeSync(file);
  }
}

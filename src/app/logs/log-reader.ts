import { closeSync, existsSync, fstatSync, readSync, statSync } from 'node:fs';
import { hasErrorCode } from '../../core/errors.ts';
import { ROTATION } from '../observers/log-file.ts';
import { openLogForReading } from '../observers/own-log.ts';

/** If another program made the log enormous, only this much of its end is read. */
const MAX_READ_BYTES = 64 * 1024 * 1024;

/** The newest lines that `isWanted` accepts, the oldest first, from the log and its older files. */
export function readLastLines(file: string, limit: number, isWanted: (line: string) => boolean): string[] {
  const found: string[] = [];
  for (const name of newestFirst(file)) {
    if (found.length >= limit) break;
    const lines = (unlessGone(() => readEnd(name)) ?? '').split('\n');
    for (let index = lines.length - 1; index >= 0 && found.length < limit; index--) {
      const line = lines[index];
      if (line && isWanted(line)) found.push(line);
    }
  }
  return found.reverse();
}

function newestFirst(file: string): string[] {
  const aside = Array.from({ length: ROTATION.kept }, (_, index) => `${file}.${index + 1}`);
  return [file, ...aside].filter(name => existsSync(name));
}

/** Undefined if a rotation has renamed the file meanwhile. */
function unlessGone<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function readEnd(file: string): string {
  const fd = openLogForReading(file);
  try {
    const { size } = fstatSync(fd);
    const from = Math.max(0, size - MAX_READ_BYTES);
    const buffer = Buffer.alloc(size - from);
    return buffer.toString('utf8', 0, readSync(fd, buffer, 0, buffer.length, from));
  } finally {
    closeSync(fd);
  }
}

/** Reads what is appended from now on, also over rotations, as `tail -F` does. */
export interface Follower {
  /** The complete lines that were written since the last call. */
  next(): string[];
  close(): void;
}

interface OpenFile {
  fd: number;
  ino: number;
  offset: number;
  /** The start of a line whose end is not written yet. */
  rest: Buffer;
}

/** Follows a log from its current end; a log that does not exist yet, from its start. */
export function followLog(file: string): Follower {
  let current = existsSync(file) ? open(file) : undefined;
  if (current) current.offset = fstatSync(current.fd).size;
  /** The file that was renamed before the last call: a process may have written to it since. */
  let previous: OpenFile | undefined;

  return {
    next() {
      const lines = previous ? readOn(previous) : [];
      if (previous) closeSync(previous.fd);
      previous = undefined;
      if (current) lines.push(...readOn(current));
      const present = statSync(file, { throwIfNoEntry: false });
      if (!present || present.ino === current?.ino) return lines;
      const next = unlessGone(() => open(file));
      // It is being renamed right now; the next call finds the new file.
      if (!next) return lines;
      for (const name of current ? between(file, current.ino) : []) {
        const passed = unlessGone(() => open(name));
        if (!passed) continue;
        lines.push(...readOn(passed));
        closeSync(passed.fd);
      }
      previous = current;
      current = next;
      lines.push(...readOn(current));
      return lines;
    },
    close() {
      for (const one of [previous, current]) if (one) closeSync(one.fd);
    },
  };
}

/** The files that came after the one with this inode and are renamed by now as well, the oldest first. */
function between(file: string, ino: number): string[] {
  const aside = newestFirst(file).slice(1);
  const own = aside.findIndex(name => statSync(name, { throwIfNoEntry: false })?.ino === ino);
  return own === -1 ? [] : aside.slice(0, own).reverse();
}

function open(file: string): OpenFile {
  const fd = openLogForReading(file);
  return { fd, ino: fstatSync(fd).ino, offset: 0, rest: Buffer.alloc(0) };
}

function readOn(from: OpenFile): string[] {
  const { size } = fstatSync(from.fd);
  if (size < from.offset) {
    from.offset = 0;
    from.rest = Buffer.alloc(0);
  }
  const buffer = Buffer.alloc(Math.min(size - from.offset, MAX_READ_BYTES));
  const count = buffer.length === 0 ? 0 : readSync(from.fd, buffer, 0, buffer.length, from.offset);
  from.offset += count;
  const all = Buffer.concat([from.rest, buffer.subarray(0, count)]);
  const end = all.lastIndexOf(0x0a) + 1;
  from.rest = all.subarray(end);
  return all
    .toString('utf8', 0, end)
    .split('\n')
    .filter(line => line !== '');
}

import { closeSync, fstatSync, mkdirSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { hasErrorCode } from '../../core/errors.ts';

/** When a log is put aside, and how many of those that were are kept: `app.log.1`, the newest, to `app.log.5`. */
export const ROTATION = { maxBytes: 5_000_000, kept: 5 } as const;

export interface LogFile {
  /** Appends a line, its line feed included. Never throws. */
  write(line: string): void;
  close(): void;
}

/**
 * A log that several processes append to. Each line is one append, so that lines never mix; whoever finds the file too
 * long renames it under a lock, and the others notice by its inode and follow. A line that was on its way meanwhile ends
 * up in the file that was put aside: none is lost.
 * @param onFailure told once of what keeps lines from being written
 */
export function openLogFile(
  file: string,
  onFailure: (error: Error) => void,
  { maxBytes, kept }: { maxBytes: number; kept: number } = ROTATION,
): LogFile {
  let fd: number | undefined;
  let failed = false;
  /** A full disk took a part of a line: the next one begins a line of its own. */
  let isBroken = false;
  const close = () => {
    if (fd !== undefined) closeSync(fd);
    fd = undefined;
  };
  const reopen = (): number => {
    close();
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    fd = openSync(file, 'a', 0o600);
    return fd;
  };
  const current = (moreBytes: number): number => {
    const own = fd === undefined ? undefined : fstatSync(fd);
    const there = statSync(file, { throwIfNoEntry: false });
    if (there && there.size > 0 && there.size + moreBytes > maxBytes && rotate(file, { maxBytes, kept, moreBytes })) {
      return reopen();
    }
    const isSame = own && there && own.ino === there.ino && own.dev === there.dev;
    return isSame && fd !== undefined ? fd : reopen();
  };
  return {
    write(line) {
      try {
        const bytes = Buffer.from(isBroken ? `\n${line}` : line);
        const written = writeSync(current(bytes.length), bytes);
        isBroken = written < bytes.length;
        if (isBroken) throw new Error('the disk is full');
      } catch (error) {
        if (!failed) onFailure(error as Error);
        failed = true;
      }
    },
    close() {
      try {
        close();
      } catch {
        // What was written is in the file; nothing else is lost.
      }
    },
  };
}

/**
 * Puts a log aside that is still too long. The lock is SQLite's, on a file beside the log: the system drops it with the
 * process, so that none is left behind by one that was killed.
 * @returns false where another process is at it, or it cannot be done: the log goes on in the file that is there
 */
function rotate(
  file: string,
  { maxBytes, kept, moreBytes }: { maxBytes: number; kept: number; moreBytes: number },
): boolean {
  let lock: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(`${file}.lock`, { timeout: 0 });
    lock.exec('BEGIN EXCLUSIVE');
    const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    // Another process was faster.
    if (size + moreBytes <= maxBytes) return true;
    rmSync(`${file}.${kept}`, { force: true });
    for (let number = kept - 1; number >= 1; number--) renameIfThere(`${file}.${number}`, `${file}.${number + 1}`);
    renameIfThere(file, `${file}.1`);
    return true;
  } catch {
    return false;
  } finally {
    lock?.close();
  }
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!hasErrorCode(error, 'ENOENT')) throw error;
  }
}

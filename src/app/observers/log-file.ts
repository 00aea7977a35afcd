import { closeSync, fstatSync, mkdirSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { hasErrorCode } from '../../core/errors.ts';

/** The size at which the log is renamed to `app.log.1`, and how many older files are kept: up to `app.log.5`. */
export const ROTATION = { maxBytes: 5_000_000, kept: 5 } as const;

export interface LogFile {
  /** Appends a line, which includes its line feed. Never throws. */
  write(line: string): void;
  close(): void;
}

/**
 * A log that several processes append to. Each line is one append, so lines never mix. A process that finds the file too
 * long renames it under a lock; the others see the new inode and reopen the file. A line that is written at that moment
 * ends up in the renamed file: none is lost.
 * @param onFailure called once, if lines cannot be written
 */
export function openLogFile(
  file: string,
  onFailure: (error: Error) => void,
  { maxBytes, kept }: { maxBytes: number; kept: number } = ROTATION,
): LogFile {
  let fd: number | undefined;
  let failed = false;
  /** The disk became full in the middle of a line, so the next line starts with a line feed. */
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
        // Every written line is in the file already, so nothing is lost.
      }
    },
  };
}

/**
 * Renames a log that is still too long. The lock is SQLite's, on a file beside the log: the system drops it when the process
 * ends, so a killed process leaves no lock behind.
 * @returns false if another process is renaming it, or it cannot be renamed: then the log continues in the same file
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
    // Another process has renamed it meanwhile.
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

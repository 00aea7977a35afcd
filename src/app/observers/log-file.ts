import { closeSync, fstatSync, lstatSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { hasErrorCode } from '../../core/errors.ts';
import { makeFolder } from '../../core/make-folder.ts';
import { ForeignLog, isOwnLog, NO_LOG, openOwnLog, prepareLock, StuckLog } from './own-log.ts';

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
 * ends up in the renamed file: none is lost. A file that is not our log is never written, renamed or removed.
 * @param onFailure called once, if lines cannot be written
 */
export function openLogFile(
  file: string,
  onFailure: (error: Error) => void,
  { maxBytes, kept }: { maxBytes: number; kept: number } = ROTATION,
): LogFile {
  if (file === NO_LOG) return { write: () => {}, close: () => {} };
  let fd: number | undefined;
  let failed = false;
  /** A file that is not ours has the name of an older log, so the log only grows. */
  let isStuck = false;
  /** The disk became full in the middle of a line, so the next line starts with a line feed. */
  let isBroken = false;
  const close = () => {
    if (fd !== undefined) closeSync(fd);
    fd = undefined;
  };
  const reopen = (): number => {
    close();
    makeFolder(dirname(file), 0o700);
    fd = openOwnLog(file);
    return fd;
  };
  const current = (moreBytes: number): number => {
    const own = fd === undefined ? undefined : fstatSync(fd);
    const there = lstatSync(file, { throwIfNoEntry: false });
    if (there && there.size > 0 && there.size + moreBytes > maxBytes && !isStuck) {
      const rotated = rotate(file, { maxBytes, kept, moreBytes });
      if (rotated === 'done') return reopen();
      if (rotated instanceof StuckLog) {
        isStuck = true;
        onFailure(rotated);
      }
    }
    const isSame = own && there && own.ino === there.ino && own.dev === there.dev;
    return isSame && fd !== undefined ? fd : reopen();
  };
  return {
    write(line) {
      try {
        const bytes = Buffer.from(isBroken ? `\n${line}` : line);
        const log = current(bytes.length);
        isBroken = writeSync(log, bytes) < bytes.length;
        if (!isBroken) return;
        // The system says why it took only a part, a full disk or a limit, once there is no room at all.
        writeSync(log, '\n');
        isBroken = false;
        throw new Error('its disk is full');
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
 * @returns `later` if another process is renaming it, or it cannot be renamed now: then the log continues in the same
 *   file; StuckLog if that would touch a file that is not ours
 */
function rotate(
  file: string,
  { maxBytes, kept, moreBytes }: { maxBytes: number; kept: number; moreBytes: number },
): 'done' | 'later' | StuckLog {
  let lock: DatabaseSync | undefined;
  try {
    prepareLock(`${file}.lock`);
    lock = new DatabaseSync(`${file}.lock`, { timeout: 0 });
    lock.exec('BEGIN EXCLUSIVE');
    const size = lstatSync(file, { throwIfNoEntry: false })?.size ?? 0;
    // Another process has renamed it meanwhile.
    if (size + moreBytes <= maxBytes) return 'done';
    const names = [file, ...Array.from({ length: kept }, (_, index) => `${file}.${index + 1}`)];
    const foreign = names.find(name => !isOwnLog(name));
    if (foreign !== undefined) {
      return new StuckLog(`${foreign} is not a log of recordupload`);
    }
    rmSync(`${file}.${kept}`, { force: true });
    for (let number = kept - 1; number >= 1; number--) renameIfThere(`${file}.${number}`, `${file}.${number + 1}`);
    renameIfThere(file, `${file}.1`);
    return 'done';
  } catch (error) {
    return error instanceof ForeignLog ? new StuckLog(`${file}.lock ${error.message.replace(/^it /, '')}`) : 'later';
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

import { closeSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { hasErrorCode } from '../../core/errors.ts';
import { canOpenMore, softLimit } from '../../core/machine-limits.ts';

/** SQLite opens the database, its log, their shared memory and the lock of this process; each may be the one too many. */
const FILES_OF_A_STATE = 5;
/** The most that SQLite lets a file grow in one step: its shared memory, by 32 KiB. */
const STEP_BYTES = 32 * 1024;
const TRIED_BYTES = 4096;

/**
 * Finds out why SQLite could not write, open or extend a file in the state folder: it keeps the system's word to itself.
 * @returns the system's code (`EMFILE`, `EFBIG`, `ENOSPC`, …); undefined where a small file can be written at this moment
 */
export function whyNotStored(stateDir: string): string | undefined {
  if (!canOpenMore(FILES_OF_A_STATE)) return 'EMFILE';
  if (isAtSizeLimit(stateDir)) return 'EFBIG';
  const file = join(stateDir, `state.db-try-${process.pid}`);
  try {
    const fd = openSync(file, 'wx', 0o600);
    try {
      writeSync(fd, Buffer.alloc(TRIED_BYTES));
    } finally {
      closeSync(fd);
      rmSync(file, { force: true });
    }
    return undefined;
  } catch (error) {
    // Another cause has other words already, and is not what kept SQLite from writing.
    if (hasErrorCode(error, 'ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EACCES')) return error.code;
    return undefined;
  }
}

/** Whether one of its files cannot grow any more (`ulimit -f`). */
function isAtSizeLimit(stateDir: string): boolean {
  const limit = softLimit('Max file size');
  if (limit === undefined) return false;
  return ['', '-wal', '-shm'].some(suffix => {
    const sizeBytes = statSync(join(stateDir, `state.db${suffix}`), { throwIfNoEntry: false })?.size ?? 0;
    return sizeBytes + STEP_BYTES > limit;
  });
}

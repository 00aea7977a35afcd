import { isNativeError } from 'node:util/types';
import { AppError, hasErrorCode, OPEN_FILES_HINT } from '../../core/errors.ts';
import { isOutOfInodes } from '../../core/machine-limits.ts';
import { whyNotStored } from './why-not-stored.ts';

/** SQLite's result codes (https://www.sqlite.org/rescode.html); the low byte of an extended code. */
const SQLITE = {
  ERROR: 1,
  BUSY: 5,
  READONLY: 8,
  IOERR: 10,
  CORRUPT: 11,
  FULL: 13,
  CANTOPEN: 14,
  PROTOCOL: 15,
  NOTADB: 26,
} as const;
/** The shared-memory file could not grow: a full disk, which SQLite reports as an I/O error. */
const IOERR_SHMSIZE = 4874;

/** The file system has refused a lock, or the memory that SQLite shares by it: RDLOCK, UNLOCK, LOCK, SHMLOCK, SHMMAP. */
const IOERR_LOCKS = [2314, 2058, 3850, 5130, 5386];

interface Words {
  message(stateDir: string): string;
  hint: string;
}

const NOT_WRITABLE: Words = {
  message: dir => `the state folder ${dir} is not writable`,
  hint: 'set stateDir (RECORDUPLOAD_STATE_DIR) to a folder that is writable',
};
const READ_ONLY: Words = {
  message: dir => `the state folder ${dir} is on a read-only disk`,
  hint: NOT_WRITABLE.hint,
};
// The folder above exists then: `/proc` and its like take no folders.
const NOT_CREATED: Words = {
  message: dir => `the state folder ${dir} cannot be created: its file system takes no new folders`,
  hint: NOT_WRITABLE.hint,
};
const FULL: Words = {
  message: dir => `the disk of the state folder ${dir} is full`,
  hint: 'free some space and run the command again',
};
const OVER_QUOTA: Words = {
  message: dir => `the quota on the disk of the state folder ${dir} is used up`,
  hint: 'free some space or ask for a larger quota, then run the command again',
};
const OUT_OF_FILES: Words = {
  message: dir => `too many open files: the state in ${dir} cannot be opened`,
  hint: OPEN_FILES_HINT,
};
const FILE_TOO_LARGE: Words = {
  message: dir => `the state in ${dir} has reached the limit on the size of a file`,
  hint: 'raise the limit (ulimit -f unlimited), then run the command again',
};
const NOT_A_FOLDER: Words = {
  message: dir => `the state folder ${dir} cannot be created: it, or a folder above it, is a file`,
  hint: 'set stateDir (RECORDUPLOAD_STATE_DIR) to a folder',
};
const DAMAGED: Words = {
  message: dir => `the state file ${dir}/state.db is damaged`,
  hint: 'recordupload retry sets the file aside and begins a new one',
};
const BROKEN: Words = {
  message: dir => `the state in ${dir} can be neither read nor written (disk I/O error)`,
  hint: 'check that its disk is neither full nor failing',
};

const NO_LOCKS: Words = {
  message: dir => `the state in ${dir} cannot be locked, as on network drives`,
  hint: 'set stateDir (RECORDUPLOAD_STATE_DIR) to a folder on a disk of this machine',
};

/** ENOSPC on a disk that may have space left. */
const NO_INODE = 'ENOSPC-inodes';

const BY_SYSTEM_CODE: Readonly<Record<string, Words>> = {
  EACCES: NOT_WRITABLE,
  EPERM: NOT_WRITABLE,
  EROFS: READ_ONLY,
  ENOENT: NOT_CREATED,
  ENOSPC: FULL,
  [NO_INODE]: {
    message: dir => `the disk of the state folder ${dir} takes no more files (no free inode)`,
    hint: 'remove files that nobody needs (df -i counts them), then run the command again',
  },
  EDQUOT: OVER_QUOTA,
  ENOTDIR: NOT_A_FOLDER,
  EEXIST: NOT_A_FOLDER,
  EIO: BROKEN,
  EMFILE: OUT_OF_FILES,
  ENFILE: OUT_OF_FILES,
  EFBIG: FILE_TOO_LARGE,
  ELOOP: {
    message: dir => `the state folder ${dir} cannot be used: a symbolic link on its way leads in a circle`,
    hint: 'fix or remove the link, or set stateDir (RECORDUPLOAD_STATE_DIR) to another folder',
  },
  ENAMETOOLONG: {
    message: dir => `the state folder ${dir} cannot be created: its name is too long`,
    hint: 'set stateDir (RECORDUPLOAD_STATE_DIR) to a folder with a shorter name',
  },
};

const BY_SQLITE_CODE: Readonly<Record<number, Words>> = {
  [SQLITE.BUSY]: {
    message: dir => `another process has kept the state in ${dir} locked for 30 s`,
    hint: 'wait until it has ended, then run the command again',
  },
  [SQLITE.READONLY]: NOT_WRITABLE,
  [SQLITE.IOERR]: BROKEN,
  [SQLITE.CORRUPT]: DAMAGED,
  [SQLITE.FULL]: FULL,
  [SQLITE.CANTOPEN]: {
    message: dir => `the state in ${dir} cannot be opened`,
    hint: 'check that it is a folder with room on its disk, and that you may write in it',
  },
  [SQLITE.PROTOCOL]: NO_LOCKS,
  [SQLITE.NOTADB]: DAMAGED,
  [IOERR_SHMSIZE]: FULL,
  ...Object.fromEntries(IOERR_LOCKS.map(code => [code, NO_LOCKS])),
};

/**
 * Says in the user's words why the state cannot be used.
 * @returns an AppError `STATE`, or the error itself if neither the disk nor SQLite caused it
 */
export function stateError(error: unknown, stateDir: string): unknown {
  if (error instanceof AppError || !isNativeError(error)) return error;
  const words = isSqliteError(error)
    ? sqliteWords(error, stateDir)
    : systemWords((error as NodeJS.ErrnoException).code ?? '', stateDir);
  if (words) return new AppError('STATE', words.message(stateDir), { hint: words.hint, cause: error });
  if (!isSqliteError(error)) return error;
  return new AppError('STATE', `the state in ${stateDir} cannot be used: ${error.message}`, {
    hint: 'check its disk, or point stateDir (RECORDUPLOAD_STATE_DIR) at another folder',
    cause: error,
  });
}

function systemWords(code: string, stateDir: string): Words | undefined {
  return BY_SYSTEM_CODE[code === 'ENOSPC' && isOutOfInodes(stateDir) ? NO_INODE : code];
}

/** SQLite does not pass on what the system said, so the same is tried once more. */
function sqliteWords(error: { errcode: number; message: string }, stateDir: string): Words | undefined {
  const { errcode } = error;
  if (isDamagedSchema(error)) return DAMAGED;
  const code = errcode & 0xff;
  const isVague = code === SQLITE.IOERR || code === SQLITE.FULL || code === SQLITE.CANTOPEN;
  const cause = (isVague && whyNotStored(stateDir)) || '';
  return systemWords(cause, stateDir) ?? BY_SQLITE_CODE[errcode] ?? BY_SQLITE_CODE[code];
}

/** True if another connection has the lock that is needed. */
export function isBusy(error: unknown): boolean {
  return isSqliteError(error) && (error.errcode & 0xff) === SQLITE.BUSY;
}

/** True if the file does not exist or cannot be opened. */
export function isNotThere(error: unknown): boolean {
  return isSqliteError(error) && (error.errcode & 0xff) === SQLITE.CANTOPEN;
}

/** True if the file's content is not a database, or not one any more. */
export function isDamage(error: unknown): boolean {
  const cause = error instanceof AppError ? error.cause : error;
  if (!isSqliteError(cause)) return false;
  const code = cause.errcode & 0xff;
  return code === SQLITE.CORRUPT || code === SQLITE.NOTADB || isDamagedSchema(cause);
}

/** The tables are those of our statements: only a flipped bit gives them other names, or the file another format. */
function isDamagedSchema({ errcode, message }: { errcode: number; message: string }): boolean {
  return (
    (errcode & 0xff) === SQLITE.ERROR &&
    /^(?:no such (?:column|table|index)|table \S+ has no column|unsupported file format)/.test(message)
  );
}

/** True for what SQLite throws. */
export function isSqliteError(error: unknown): error is Error & { errcode: number } {
  return hasErrorCode(error, 'ERR_SQLITE_ERROR') && typeof (error as { errcode?: unknown }).errcode === 'number';
}

import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, type Stats } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { AppError, hasErrorCode } from '../../core/errors.ts';
import { kindOf } from '../../core/file-kind.ts';
import { type ForeignFlaw, foreignFile } from '../../core/own-files.ts';
import { printable } from '../../core/text.ts';

/** People name it to have no log. */
export const NO_LOG = '/dev/null';

const { O_RDONLY, O_RDWR, O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;
/** Links are not followed, and nothing is waited for. */
const SAFELY = O_NOFOLLOW | O_NONBLOCK;

/** How a line of our log begins; see `log.ts`. */
const BEGINNINGS = ['debug', 'info', 'warn', 'error'].map(level => `{"level":"${level}","time":"`);
/** Longer than any of these; a disk that was full may have left line feeds before it. */
const BEGIN_BYTES = 64;

/** An existing file is not our log: nothing is written to it. */
export class ForeignLog extends Error {
  readonly fix: string | undefined;
  readonly isDevice: boolean;

  constructor({ flaw, fix }: ForeignFlaw, options: { isDevice?: boolean } = {}) {
    super(`it ${flaw}`);
    this.fix = fix;
    this.isDevice = options.isDevice ?? false;
  }
}

/** A file of another's has the name that an older log would get: the log only grows. */
export class StuckLog extends Error {}

const NOT_A_LOG: ForeignFlaw = { flaw: 'is another file, not a log of recordupload', fix: undefined };

/**
 * Opens the log for appending, and creates it if needed. A file counts as our log if it is this user's, nobody else can
 * change it, and it is empty or begins as our log does: `logFile: ~/.profile` must not add lines to what a shell runs.
 * @returns the descriptor; the caller closes it
 * @throws ForeignLog; Node's system errors
 */
export function openOwnLog(file: string): number {
  for (;;) {
    try {
      return openExisting(file, O_RDWR | O_APPEND);
    } catch (error) {
      if (!hasErrorCode(error, 'ENOENT')) throw error;
    }
    try {
      return openSync(file, O_RDWR | O_APPEND | O_CREAT | O_EXCL | SAFELY, 0o600);
    } catch (error) {
      // Another process has just created it, so look again.
      if (!hasErrorCode(error, 'EEXIST')) throw error;
    }
  }
}

/** Makes sure that the log can be renamed and removed: true for one of ours, and where there is none. */
export function isOwnLog(file: string): boolean {
  try {
    closeSync(openExisting(file, O_RDONLY));
    return true;
  } catch (error) {
    return hasErrorCode(error, 'ENOENT');
  }
}

/** Makes sure that SQLite, which follows links, opens a lock file of ours. @throws ForeignLog; Node's system errors */
export function prepareLock(file: string): void {
  const there = lstatSync(file, { throwIfNoEntry: false });
  if (there && !there.isFile()) throw notAFile(there);
  const fd = openSync(file, O_RDWR | O_CREAT | SAFELY, 0o600);
  try {
    const foreign = foreignFile(file, fstatSync(fd));
    if (foreign) throw new ForeignLog(foreign);
  } finally {
    closeSync(fd);
  }
}

/** Opens a log for reading, whoever wrote it. @throws ForeignLog if it is a pipe or the like; Node's system errors */
export function openLogForReading(file: string): number {
  // The system itself says that a folder cannot be read.
  const isReadable = (stats: Stats) => stats.isFile() || stats.isDirectory();
  const before = lstatSync(file);
  if (!isReadable(before)) throw notAFile(before);
  const fd = openSync(file, O_RDONLY | SAFELY);
  const stats = fstatSync(fd);
  if (isReadable(stats)) return fd;
  closeSync(fd);
  throw notAFile(stats);
}

function notAFile(stats: Stats): ForeignLog {
  const isDevice = stats.isCharacterDevice() || stats.isBlockDevice();
  return new ForeignLog({ flaw: `is ${kindOf(stats)}, not a file`, fix: undefined }, { isDevice });
}

/**
 * Looks at the configured log before anything else happens. The first look does not block the thread: on a dead network
 * drive it would never end, and Ctrl-C could not be heard.
 * @throws AppError `CONFIG` if there is a file that is not our log
 */
export async function refuseForeignLog(file: string): Promise<void> {
  if (file === NO_LOG) return;
  try {
    await lstat(file);
    closeSync(openExisting(file, O_RDONLY));
  } catch (error) {
    // What else keeps it from being written is no reason to stop: the work continues without a log, with a warning. A
    // device belongs to nobody, and no lines are written to it.
    if (!(error instanceof ForeignLog) || error.isDevice) return;
    throw new AppError('CONFIG', `the log ${printable(file)} is not used: ${error.message}`, {
      hint: error.fix ?? hintFor(file),
      cause: error,
    });
  }
}

function hintFor(file: string): string {
  if (/^\/(?:dev\/(?:std(?:err|out|in)|fd\/\d+|tty)|proc\/)/.test(file)) {
    return 'for a log on stderr use --progress json; logFile (RECORDUPLOAD_LOG_FILE) names a file, or /dev/null for none';
  }
  return 'set logFile (RECORDUPLOAD_LOG_FILE) to a file of its own, or to /dev/null for no log';
}

function openExisting(file: string, access: number): number {
  refuseKind(file);
  const fd = openSync(file, access | SAFELY);
  try {
    const foreign = foreignFile(file, fstatSync(fd)) ?? (beginsAsOurs(fd) ? undefined : NOT_A_LOG);
    if (foreign) throw new ForeignLog(foreign);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** Before it is opened: some devices act when they are opened. */
function refuseKind(file: string): void {
  const stats = lstatSync(file);
  if (!stats.isFile()) throw notAFile(stats);
}

function beginsAsOurs(fd: number): boolean {
  const buffer = Buffer.alloc(BEGIN_BYTES);
  const text = buffer.toString('latin1', 0, readSync(fd, buffer, 0, BEGIN_BYTES, 0)).replace(/^\n+/, '');
  const [line = ''] = text.split('\n');
  // A full disk cuts a line anywhere.
  return BEGINNINGS.some(beginning => line.startsWith(beginning) || beginning.startsWith(line));
}

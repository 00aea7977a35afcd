import { types } from 'node:util';
import { AppError, isOutOfFiles, OPEN_FILES_HINT } from '../errors.ts';
import { printable } from '../text.ts';

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  EACCES: 'may not be read by this user',
  EPERM: 'may not be read by this user',
  ENOTDIR: 'lies below a file, not a folder',
  ELOOP: 'is a symbolic link that leads in a circle',
  ENAMETOOLONG: 'has too long a name',
  ESTALE: 'has vanished from its network drive',
  EIO: 'cannot be read: the disk reports an error',
};
const HINTS: Readonly<Record<string, string>> = {
  ENOENT: 'check the path',
  EACCES: 'check its permissions and those of the folders above',
  EPERM: 'check its permissions and those of the folders above',
  ENOTDIR: 'check the path',
  ELOOP: 'fix or remove it',
  ENAMETOOLONG: 'shorten the name',
  ESTALE: 'mount the drive again',
  EIO: 'check the disk',
};

/** An unusable folder or file: `<path> <what is wrong>`. */
export function problem(path: string, what: string, options: { hint?: string; cause?: unknown } = {}): AppError {
  return new AppError('RECORDING', `${printable(path)} ${what}`, options);
}

/** The same for an error of the operating system. Any other error (an `AppError`, a bug) is returned as it is. */
export function systemProblem(path: string, error: unknown): unknown {
  const code = systemCode(error);
  if (code === undefined) return error;
  if (isOutOfFiles(error)) {
    // Nothing is wrong with the recording.
    return new AppError('STORAGE', `${printable(path)} cannot be read: too many open files`, {
      hint: OPEN_FILES_HINT,
      cause: error,
    });
  }
  const hint = (code === 'ENOENT' ? unexpanded(path) : undefined) ?? HINTS[code];
  return problem(path, REASONS[code] ?? `cannot be read (${code})`, { cause: error, ...(hint && { hint }) });
}

/** What to do about a path with something that only a shell replaces: systemd and cron's variables leave it as it is. */
function unexpanded(path: string): string | undefined {
  const [, word] = /(?:^|\/)(~|\$\w+|\$\{\w+\})(?:\/|$)/.exec(path) ?? [];
  if (word !== undefined) return `write the whole path: no shell has replaced ${printable(word)}`;
  return /[*?]/.test(path) ? 'check the pattern: it matches nothing, or no shell has replaced it' : undefined;
}

/** A path that no recording can come to: a file, or the folder above the recordings. Whoever named it meant another one. */
export class MisnamedError extends AppError {
  constructor(path: string, what: string, hint: string) {
    super('RECORDING', `${printable(path)} ${what}`, { hint });
  }
}

/** A file that another one has replaced since the folder was read. */
export function replaced(path: string, cause: unknown): AppError {
  return problem(path, 'was replaced by another file while it was being read', {
    hint: 'run the command again when no other program changes the folder; if none should, find out which does',
    cause,
  });
}

/** A system error's code (`ENOENT`, …). `instanceof` does not work: errors of the file system may come from another realm. */
export function systemCode(error: unknown): string | undefined {
  if (error instanceof AppError || !types.isNativeError(error)) return undefined;
  return 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

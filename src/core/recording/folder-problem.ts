import { types } from 'node:util';
import { AppError } from '../errors.ts';

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
  ELOOP: 'mend or remove it',
  ENAMETOOLONG: 'give it a shorter one',
  ESTALE: 'mount the drive again',
  EIO: 'check the disk',
};

/** An unusable folder or file: `<path> <what is wrong>`. */
export function problem(path: string, what: string, options: { hint?: string; cause?: unknown } = {}): AppError {
  return new AppError('RECORDING', `${showPath(path)} ${what}`, options);
}

/** The same for what the operating system says. Other errors (an `AppError`, a bug) come back as they are. */
export function systemProblem(path: string, error: unknown): unknown {
  const code = systemCode(error);
  if (code === undefined) return error;
  const hint = HINTS[code];
  return problem(path, REASONS[code] ?? `cannot be read (${code})`, { cause: error, ...(hint && { hint }) });
}

/** A file that was exchanged for another one between two looks at it. */
export function replaced(path: string, cause: unknown): AppError {
  return problem(path, 'was replaced by another file while it was being read', {
    hint: 'run the command again once nothing changes the folder any more; if nobody should, find out who does',
    cause,
  });
}

/** A system error's code (`ENOENT`, …). Not by `instanceof`: the file system's errors may be another realm's. */
export function systemCode(error: unknown): string | undefined {
  if (error instanceof AppError || !types.isNativeError(error)) return undefined;
  return 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** A path as a message shows it: control characters in it must not reach a terminal. */
export function showPath(path: string): string {
  return /[\u0000-\u001f\u007f-\u009f]/.test(path) ? JSON.stringify(path) : path;
}

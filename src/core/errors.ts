import { isNativeError } from 'node:util/types';

/** What kind of failure it is; `cli/exit-codes.ts` gives each its exit code. */
export type ErrorCode =
  | 'USAGE' // the command line is wrong
  | 'CONFIG' // the configuration is wrong, incomplete or unsafe
  | 'RECORDING' // the folder is no usable recording, or the bucket has another one with its id
  | 'STORAGE' // the bucket could not be reached, read or written
  | 'WEBHOOK' // a webhook was not delivered
  | 'BUSY' // another process is at work on this recording
  | 'SOURCE_CHANGED' // a file changed while it was being uploaded
  | 'VERIFICATION' // what is in the bucket is not what was sent
  | 'STATE' // the state folder cannot be read or written
  | 'INTERRUPTED'; // the user or the system asked to stop

/**
 * A failure that a user can do something about: what, where, and (as `hint`) what next. Anything else that is thrown
 * is a bug. Neither text may contain a secret.
 */
export class AppError extends Error {
  readonly code: ErrorCode;
  /** What to do next, without a full stop; printed behind the message. */
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, options: { hint?: string | undefined; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.hint = options.hint;
  }
}

/** A signal that asks the program to stop. */
export type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

/** Somebody asked the program to stop before it was done. */
export class InterruptedError extends AppError {
  readonly signal: StopSignal;

  /** @param hint what the user finds now, and what to do next */
  constructor(signal: StopSignal, hint = 'progress is saved; run the same command to resume') {
    super('INTERRUPTED', `interrupted by ${signal}`, { hint });
    this.name = 'InterruptedError';
    this.signal = signal;
  }
}

/** What to do where the process, or the whole system, cannot open another file or connection. */
export const OPEN_FILES_HINT = 'raise the limit on open files (ulimit -n 256), then run the command again';

/** True for an error with that cause. */
export function isOutOfFiles(error: unknown): error is NodeJS.ErrnoException {
  return hasErrorCode(error, 'EMFILE', 'ENFILE');
}

/** True for what the operating system refused: Node's errors with a code and the system call. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return isNativeError(error) && 'syscall' in error && 'code' in error;
}

/** True where `error` is a Node system error with one of these codes (`ENOENT`, `EACCES`, …). */
export function hasErrorCode(error: unknown, ...codes: string[]): error is NodeJS.ErrnoException {
  // Not `instanceof Error`: errors of Node's own come from another realm in test runners.
  return isNativeError(error) && codes.includes((error as NodeJS.ErrnoException).code ?? '');
}

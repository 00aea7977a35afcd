import { AppError } from '../errors.ts';

/**
 * True for a failure of one file, after which the others go on. Not so are the state's own, and `BUSY`: another machine has
 * taken the recording over, or nobody can say whether it has. Taken for the file's, the recordings server would be told of a
 * recording without that file.
 */
export function isOfOneFile(error: unknown): error is AppError {
  return error instanceof AppError && error.code !== 'STATE' && error.code !== 'BUSY';
}

import { AppError } from '../core/errors.ts';

/** The error of a state that failed, naming what could not be stored; any other error unchanged. */
export function notStored(what: string, error: unknown): unknown {
  if (!(error instanceof AppError) || error.code !== 'STATE') return error;
  const { hint, cause } = error;
  return new AppError('STATE', `${what} could not be stored: ${error.message}`, { hint, cause });
}

/** Runs a write; if the state fails (a full disk, above all), the error names what could not be stored. */
export async function storing<T>(what: string, write: Promise<T>): Promise<T> {
  try {
    return await write;
  } catch (error) {
    throw notStored(what, error);
  }
}

/** The same failure, without what could not be stored: it is to be told of the state as a whole. */
export function withoutWhat(error: AppError): AppError {
  const message = error.message.replace(/^.* could not be stored: /s, '');
  if (message === error.message) return error;
  return new AppError(error.code, message, { hint: error.hint, cause: error.cause });
}

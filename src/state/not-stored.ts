import { AppError } from '../core/errors.ts';

/** A state that failed, with what could not be stored. */
class NotStored extends AppError {
  readonly failure: AppError;

  constructor(what: string, failure: AppError) {
    const { message, hint, cause } = failure;
    super('STATE', `${what} could not be stored: ${message}`, { hint, cause });
    this.failure = failure;
  }
}

/** The error of a state that failed, naming what could not be stored; any other error unchanged. */
export function notStored(what: string, error: unknown): unknown {
  return error instanceof AppError && error.code === 'STATE' ? new NotStored(what, error) : error;
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
  return error instanceof NotStored ? error.failure : error;
}

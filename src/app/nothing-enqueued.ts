import { AppError } from '../core/errors.ts';

/**
 * The same error for a recorder that has handed folders over: none of them was taken.
 * @param instead what else can be done
 */
export function nothingEnqueued({ code, message, hint, cause }: AppError, instead?: string): AppError {
  const parts = [hint, 'nothing was enqueued', instead];
  return new AppError(code, message, { hint: parts.filter(part => part !== undefined).join('; '), cause });
}

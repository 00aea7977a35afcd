import { AppError } from '../core/errors.ts';

/** The error for an id that the state does not know: the same from every command. */
export function unknownRecording(id: string): AppError {
  return new AppError('USAGE', `recording ${id} is not known on this machine`, {
    hint: `to check the bucket: recordupload verify ${id}`,
  });
}

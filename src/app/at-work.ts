import { AppError } from '../core/errors.ts';
import type { AtWork } from '../core/upload/forget.ts';

/** The error for a recording that another process uploads, or whose webhook it sends. */
export function atWorkError(id: string, result: AtWork): AppError {
  if (result.atWork === 'upload') {
    return new AppError('BUSY', `another process (pid ${result.pid}) is at work on recording ${id}`, {
      hint: 'wait until it has ended; recordupload status shows what it does',
    });
  }
  return new AppError('BUSY', `another process is sending a webhook of recording ${id}`, {
    hint: 'wait until it has ended, then run the command again',
  });
}

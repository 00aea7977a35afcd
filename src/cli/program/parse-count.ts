import { AppError } from '../../core/errors.ts';

/** A whole number that is not negative. @throws AppError `USAGE` */
export function parseCount(text: string, flag: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new AppError('USAGE', `${flag}: ${JSON.stringify(text)} is not a number`, { hint: `for example ${flag} 100` });
}

import { AppError } from './errors.ts';
import { readSmallFileSync, Unreadable } from './read-file.ts';

/**
 * The certificates of `caFile`. The configuration was refused if the file could not be read then, so the disk does answer.
 * @throws AppError `CONFIG` if it is no file any more
 */
export function readCaFile(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  try {
    return readSmallFileSync(file).bytes.toString('utf8');
  } catch (error) {
    if (error instanceof AppError) throw error;
    const why = error instanceof Unreadable ? error.flaw : `cannot be read (${(error as NodeJS.ErrnoException).code})`;
    throw new AppError('CONFIG', `caFile: ${file} ${why}`, {
      hint: 'name a file of certificates in PEM',
      cause: error,
    });
  }
}

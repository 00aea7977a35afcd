import { accessSync, type BigIntStats, constants, lstatSync, realpathSync, statSync } from 'node:fs';
import { basename, join, sep } from 'node:path';
import { AppError } from '../errors.ts';
import { kindOf } from '../file-kind.ts';
import { problem, systemCode, systemProblem } from './folder-problem.ts';

/** A readable file inside the recording's folder. */
export interface InspectedFile {
  /** Absolute path, with no symbolic link in it. */
  path: string;
  stats: BigIntStats;
}

/**
 * Makes sure that a name in the folder is a plain, readable file inside of it. A symbolic link must stay in the folder: a
 * link that leads outside could publish any file of the machine.
 * @param dir the folder's real path
 * @throws AppError `RECORDING`
 */
export function inspectFile(dir: string, name: string): InspectedFile {
  const path = join(dir, name);
  // Node replaces bytes that are not UTF-8 by U+FFFD, and the file cannot be opened by such a name.
  if (name.includes('\ufffd')) {
    throw new AppError('RECORDING', `the file name ${JSON.stringify(name)} is not UTF-8`, { hint: 'rename the file' });
  }
  try {
    const own = lstatSync(path, { bigint: true });
    const real = own.isSymbolicLink() ? followLink(dir, path) : path;
    // Check the type before opening: opening a FIFO waits for a writer, possibly for ever.
    const stats = real === path ? own : statSync(real, { bigint: true });
    if (!stats.isFile())
      throw problem(path, `is ${kindOf(stats)}, not a file`, { hint: 'replace it by the file itself' });
    accessSync(real, constants.R_OK);
    return { path: real, stats };
  } catch (error) {
    if (systemCode(error) === 'ENOENT') {
      throw problem(path, 'has vanished while the folder was being read', {
        hint: 'try again when no other program changes the folder',
        cause: error,
      });
    }
    throw systemProblem(path, error);
  }
}

function followLink(dir: string, path: string): string {
  let real: string;
  try {
    real = realpathSync.native(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT')
      throw problem(path, 'is a symbolic link to nothing', { hint: 'fix or remove it', cause: error });
    throw error;
  }
  if (real.startsWith(dir.endsWith(sep) ? dir : dir + sep)) return real;
  throw problem(path, 'is a symbolic link that leads out of the folder', {
    hint: `put the file itself there: ${basename(path)}`,
  });
}

import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { hasErrorCode } from './errors.ts';

/**
 * Makes sure that a folder exists; creates it, and those above it, where it does not. Node's own way (`recursive`) never
 * ends where a file system has the folder above and still says ENOENT, as `/proc` does; and for a read-only disk it
 * says ENOENT instead of EROFS.
 * @param mode of the folders that are created
 * @throws the system's error about the folder that cannot be created
 */
export function makeFolder(dir: string, mode = 0o777): void {
  try {
    mkdirSync(dir, { mode });
  } catch (error) {
    if (isFolder(dir)) return;
    const above = dirname(dir);
    if (!hasErrorCode(error, 'ENOENT') || above === dir || isFolder(above)) throw error;
    makeFolder(above, mode);
    makeFolder(dir, mode);
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

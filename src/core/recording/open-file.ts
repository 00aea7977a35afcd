import { closeSync, constants, fstatSync, lstatSync, openSync, readlinkSync, realpathSync } from 'node:fs';
import { systemCode } from './folder-problem.ts';

/** A file as the folder showed it: where it lies, and which one it is. */
export interface FoundFile {
  /** Absolute path, with no symbolic link in it. */
  path: string;
  /** Device number, as decimal digits. */
  device: string;
  /** Inode number, as decimal digits. */
  inode: string;
}

/** The path leads to another file than the one that was found, or to no regular file at all. */
export class FileReplaced extends Error {
  constructor(path: string) {
    super(`${path} was replaced by another file`);
  }
}

// Windows has neither: its links need privileges, and its pipes are no files.
const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;

/**
 * Opens a file that was found in a recording's folder, for reading. Who may write to the folder can exchange the file,
 * or the folder itself, between any two looks; so what counts is what the open descriptor is, not what the path was.
 * @returns a descriptor of the very file that was found, at the place where it was found; the caller closes it
 * @throws FileReplaced where it is another file, a link, or lies elsewhere; Node's system errors (`ENOENT`, …)
 */
export function openFound({ path, device, inode }: FoundFile): number {
  const fd = openWithoutWaiting(path);
  try {
    const stats = fstatSync(fd, { bigint: true });
    const isFound = stats.isFile() && String(stats.dev) === device && String(stats.ino) === inode;
    if (!isFound || !liesAt(fd, path)) throw new FileReplaced(path);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** Without `O_NONBLOCK` a FIFO would be waited for until somebody writes to it. */
function openWithoutWaiting(path: string): number {
  try {
    return openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    // ELOOP: a link; ENXIO: a socket.
    if (['ELOOP', 'ENXIO', 'EMLINK'].includes(systemCode(error) ?? '')) throw new FileReplaced(path);
    throw error;
  }
}

/**
 * Whether the open file lies at this path with no link on the way: a folder that was exchanged for a link leads to
 * somebody else's file of the same name. Linux answers in one step; elsewhere two looks have to agree.
 */
function liesAt(fd: number, path: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`) === path;
  } catch {
    const [open, there] = [fstatSync(fd, { bigint: true }), lstatSync(path, { bigint: true })];
    return realpathSync.native(path) === path && there.dev === open.dev && there.ino === open.ino;
  }
}

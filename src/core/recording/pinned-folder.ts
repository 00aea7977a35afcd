import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readlinkSync,
  realpathSync,
} from 'node:fs';
import { systemCode } from './folder-problem.ts';
import { FileReplaced } from './open-file.ts';

// Windows has none of these: its links need privileges.
const { O_RDONLY, O_NOFOLLOW = 0, O_DIRECTORY = 0 } = constants;

/** A folder that is held open, so that its path can be exchanged without effect. */
export interface Pinned {
  /** Undefined where folders cannot be opened (Windows). */
  fd: number | undefined;
  /** Leads to this very folder, whatever becomes of its path. */
  base: string;
  /** @throws FileReplaced if it is no longer at its path */
  assertInPlace(): void;
  close(): void;
}

/**
 * Opens a folder and holds it.
 * @param path how to open it
 * @param place where it must be: a path with no symbolic link in it
 * @throws FileReplaced if it is elsewhere, or no folder; Node's system errors
 */
export function pin(path: string, place: string): Pinned {
  if (process.platform === 'win32') return unpinned(path, place);
  const fd = openNoFollow(path, O_DIRECTORY);
  const close = () => closeSync(fd);
  const link = `/proc/self/fd/${fd}`;
  const lies = () => {
    try {
      return readlinkSync(link) === place;
    } catch {
      const [open, there] = [fstatSync(fd, { bigint: true }), lstatSync(place, { bigint: true })];
      return realpathSync.native(place) === place && there.dev === open.dev && there.ino === open.ino;
    }
  };
  const assertInPlace = () => {
    if (!lies()) throw new FileReplaced(place);
  };
  try {
    assertInPlace();
  } catch (error) {
    close();
    throw error;
  }
  return { fd, base: hasProc(link) ? link : place, assertInPlace, close };
}

/** Without descriptors of folders, each look at the path has to do. */
function unpinned(path: string, place: string): Pinned {
  const first = lstatSync(path, { bigint: true });
  const assertInPlace = () => {
    const now = lstatSync(path, { bigint: true });
    if (!now.isDirectory() || now.ino !== first.ino || realpathSync.native(place) !== place)
      throw new FileReplaced(place);
  };
  assertInPlace();
  return { fd: undefined, base: path, assertInPlace, close: () => {} };
}

function hasProc(link: string): boolean {
  try {
    readlinkSync(link);
    return true;
  } catch {
    return false;
  }
}

export function statsOf({ fd }: Pinned, path: string): BigIntStats {
  return fd === undefined ? lstatSync(path, { bigint: true }) : fstatSync(fd, { bigint: true });
}

/** @throws FileReplaced if it is a link, a socket, or no folder where one is asked for; Node's system errors */
export function openNoFollow(path: string, flags: number): number {
  try {
    return openSync(path, O_RDONLY | O_NOFOLLOW | flags);
  } catch (error) {
    // ELOOP: a link; ENXIO: a socket; ENOTDIR: a link or a file in place of a folder.
    if (['ELOOP', 'ENXIO', 'EMLINK', 'ENOTDIR'].includes(systemCode(error) ?? '')) throw new FileReplaced(path);
    throw error;
  }
}

/** The file or link itself; undefined if there is none. */
export function lookAt(path: string): BigIntStats | undefined {
  try {
    return lstatSync(path, { bigint: true });
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

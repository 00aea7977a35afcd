import {
  accessSync,
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmdirSync,
  unlinkSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type FileIdentity, identityOf } from './file-identity.ts';
import { systemCode } from './folder-problem.ts';
import { hasOneForm, sameName } from './name-form.ts';
import { FileReplaced } from './open-file.ts';
import { lookAt, openNoFollow, type Pinned, pin, statsOf } from './pinned-folder.ts';

/*
 * A folder that stays the same one although its path may lead elsewhere later, and the removal of files in it. Everything
 * is synchronous: between a look and what follows from it, no other code of this process runs.
 */

/** One file at one moment. Unlike `FileIdentity`, nobody can forge it: `ctimeNs` cannot be set. */
export interface PinnedFile extends FileIdentity {
  device: string;
  ctimeNs: string;
}

/** An open file in the folder. */
export interface OpenedFile {
  readonly fd: number;
  readonly pinned: PinnedFile;
  /** @throws FileReplaced if it was written to, or its name leads to another file */
  assertSame(): void;
  close(): void;
}

/** A recording's folder, opened. A name is found in each Unicode form. */
export interface OpenedFolder {
  /** What it contains, but for the folder in which files are removed. */
  names(): string[];
  /** Undefined if there is nothing of that name. */
  look(name: string): BigIntStats | undefined;
  /** @throws FileReplaced if it is a link or no regular file; Node's system errors */
  open(name: string): OpenedFile;
  /**
   * Removes a file if it is still the pinned one. It is moved into a folder of our own, looked at there, and only then
   * deleted: whatever is put at its path meanwhile is moved back or stays.
   * @throws FileReplaced if it is another file; Node's system errors (`EROFS`, `EACCES`, `EBUSY`, …)
   */
  remove(name: string, pinned: PinnedFile): void;
  /** Whether another disk is mounted at its path. @throws Node's system errors */
  isMountPoint(): boolean;
  /** Moves back what an interrupted `remove` has left. Returns what could not be moved, because its name is taken. */
  restore(): string[];
  /** Whether this user may remove files here, as far as the permissions say. @throws Node's system errors */
  assertWritable(): void;
  /** Makes the removals durable. */
  sync(): void;
  /** Removes the folder itself if it is empty and no mount point. Returns whether it did. */
  removeItself(): boolean;
  close(): void;
}

// Windows has none: its pipes are no files.
const { O_NONBLOCK = 0 } = constants;

/** Hidden, so that nobody takes it for a recording. */
export const REMOVAL_FOLDER = '.recordupload-removing';

/**
 * Opens a folder.
 * @param dir its path, with no symbolic link in it
 * @throws FileReplaced if a link is on the way now, or it is no folder; Node's system errors (`ENOENT`, …)
 */
export function openFolder(dir: string): OpenedFolder {
  const folder = pin(dir, dir);
  /** The path by which the system finds a name in this very folder, in whichever Unicode form it is there. */
  const at = (name: string) => {
    const path = join(folder.base, name);
    if (hasOneForm(name) || lookAt(path)) return path;
    return join(folder.base, sameName(name, readdirSync(folder.base)) ?? name);
  };
  let removal: Pinned | undefined;

  const look = (name: string) => lookAt(at(name));

  const removalFolder = (): Pinned => {
    if (removal) return removal;
    mkdirSync(at(REMOVAL_FOLDER), { mode: 0o700 });
    removal = pin(at(REMOVAL_FOLDER), join(dir, REMOVAL_FOLDER));
    return removal;
  };

  const dropRemovalFolder = () => {
    removal?.close();
    removal = undefined;
    try {
      rmdirSync(at(REMOVAL_FOLDER));
    } catch (error) {
      if (!['ENOENT', 'ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(systemCode(error) ?? '')) throw error;
    }
  };

  return {
    names: () => readdirSync(folder.base).filter(name => name !== REMOVAL_FOLDER),
    look,

    open(name) {
      const fd = openNoFollow(at(name), O_NONBLOCK);
      const pinned = pinnedOf(fstatSync(fd, { bigint: true }));
      const file: OpenedFile = {
        fd,
        pinned,
        assertSame() {
          const now = look(name);
          if (!samePinned(pinnedOf(fstatSync(fd, { bigint: true })), pinned)) throw new FileReplaced(join(dir, name));
          if (!now?.isFile() || !samePinned(pinnedOf(now), pinned)) throw new FileReplaced(join(dir, name));
        },
        close: () => closeSync(fd),
      };
      if (fstatSync(fd).isFile()) return file;
      file.close();
      throw new FileReplaced(join(dir, name));
    },

    remove(name, pinned) {
      const room = removalFolder();
      folder.assertInPlace();
      const before = look(name);
      if (!before?.isFile() || !samePinned(pinnedOf(before), pinned)) throw new FileReplaced(join(dir, name));
      const path = at(name);
      // Under its own name: an interrupted removal moves it back.
      const aside = join(room.base, basename(path));
      renameSync(path, aside);
      const moved = lstatSync(aside, { bigint: true });
      // Moving it has changed its ctime.
      const isSame = moved.isFile() && samePinned({ ...pinnedOf(moved), ctimeNs: pinned.ctimeNs }, pinned);
      try {
        if (!isSame) throw new FileReplaced(join(dir, name));
        unlinkSync(aside);
      } catch (error) {
        moveBack(aside, path);
        throw error;
      }
    },

    restore() {
      if (!look(REMOVAL_FOLDER)?.isDirectory()) return [];
      removal = pin(at(REMOVAL_FOLDER), join(dir, REMOVAL_FOLDER));
      const { base } = removal;
      const taken = readdirSync(base).filter(name => !moveBack(join(base, name), at(name)));
      dropRemovalFolder();
      return taken.map(name => join(REMOVAL_FOLDER, name));
    },

    isMountPoint: () => isOnOtherDisk(statsOf(folder, dir), lstatSync(dirname(dir), { bigint: true })),

    assertWritable() {
      accessSync(folder.base, constants.W_OK | constants.X_OK);
    },

    sync() {
      dropRemovalFolder();
      if (folder.fd !== undefined) fsyncSync(folder.fd);
    },

    removeItself() {
      dropRemovalFolder();
      folder.assertInPlace();
      const own = statsOf(folder, dir);
      const above = pin(dirname(dir), dirname(dir));
      try {
        const path = join(above.base, basename(dir));
        const there = lookAt(path);
        if (
          isOnOtherDisk(own, statsOf(above, dirname(dir))) ||
          !there?.isDirectory() ||
          there.ino !== own.ino ||
          there.dev !== own.dev
        )
          return false;
        rmdirSync(path);
        return true;
      } catch (error) {
        if (['ENOTEMPTY', 'EEXIST', 'EBUSY'].includes(systemCode(error) ?? '')) return false;
        throw error;
      } finally {
        above.close();
      }
    },

    close() {
      try {
        dropRemovalFolder();
      } catch (error) {
        // A folder that may not be changed (EROFS, EACCES) has none; the next run drops any other.
        if (systemCode(error) === undefined) throw error;
      } finally {
        folder.close();
      }
    },
  };
}

/** True for a mount point, and for the root of the file system. */
function isOnOtherDisk(own: BigIntStats, above: BigIntStats): boolean {
  return own.dev !== above.dev || own.ino === above.ino;
}

/** Moves a file back to its name unless that is taken. */
function moveBack(aside: string, path: string): boolean {
  try {
    // A link never replaces anything; a rename would.
    linkSync(aside, path);
    unlinkSync(aside);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return dropSecondName(aside, path);
  }
  // No hard links on this disk, or it is a folder.
  if (lookAt(path)) return false;
  renameSync(aside, path);
  return true;
}

/** An interrupted move may have left a file with both names. Returns whether it was so. */
function dropSecondName(aside: string, path: string): boolean {
  const [one, other] = [lookAt(aside), lookAt(path)];
  if (!one?.isFile() || !other || one.ino !== other.ino || one.dev !== other.dev) return false;
  unlinkSync(aside);
  return true;
}

function pinnedOf(stats: BigIntStats): PinnedFile {
  return { ...identityOf(stats), device: String(stats.dev), ctimeNs: String(stats.ctimeNs) };
}

function samePinned(a: PinnedFile, b: PinnedFile): boolean {
  return (
    a.device === b.device &&
    a.inode === b.inode &&
    a.sizeBytes === b.sizeBytes &&
    a.mtimeNs === b.mtimeNs &&
    a.ctimeNs === b.ctimeNs
  );
}

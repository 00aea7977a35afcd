import { readdir, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * Types of file systems that other machines have, too: NFS, SMB (1, 2, CIFS), 9P, Ceph, AFS, Coda, Lustre, GPFS. From
 * linux/magic.h and statfs(2).
 */
const SHARED: ReadonlySet<number> = new Set([
  0x6969, 0x517b, 0xfe534d42, 0xff534d42, 0x01021997, 0x00c36400, 0x5346414f, 0x73757245, 0x0bd00bd0, 0x47504653,
]);
/** The same, and FUSE (sshfs, rclone, s3fs; also local ones): their answers may stop to come. */
const REMOTE: ReadonlySet<number> = new Set([...SHARED, 0x65735546]);

/**
 * Looks at a folder or file for the first time. The look happens in another thread: on a dead network drive it never
 * ends, and the main thread has to hear Ctrl-C meanwhile. What comes after it may block, because the drive has answered.
 * What a folder's links lead to is looked at, too. A path that does not exist counts as what is above it.
 * @returns whether the place is on a drive that may stop answering later
 */
export async function firstLook(path: string): Promise<{ isRemote: boolean }> {
  const [type] = await Promise.all([typeOfDrive(path), lookAtLinks(path)]);
  return { isRemote: type !== undefined && REMOTE.has(type) };
}

/** Whether a place, or what is above one that does not exist, is on a network drive that other machines share. */
export async function isOnSharedDrive(path: string): Promise<boolean> {
  const type = await typeOfDrive(path);
  return type !== undefined && SHARED.has(type);
}

async function typeOfDrive(path: string): Promise<number | undefined> {
  const found = await statfs(path).catch(() => undefined);
  if (found) return found.type;
  const above = dirname(path);
  return above === path ? undefined : await typeOfDrive(above);
}

async function lookAtLinks(folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const links = entries.filter(entry => entry.isSymbolicLink());
  await Promise.all(links.map(({ name }) => stat(join(folder, name)).catch(() => {})));
}

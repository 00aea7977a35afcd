import { statfs } from 'node:fs/promises';
import type { Runtime } from '../runtime.ts';

/** Room on the disk of a folder. */
export interface DiskRoom {
  folder: string;
  /** What this user may still write. */
  freeBytes: number;
  sizeBytes: number;
}

/** How long a disk may take to answer; a network drive that is gone never does. */
const PATIENCE_MS = 2_000;

/** Measures the disks of these folders; one that cannot be measured is left out. */
export async function diskRoom(
  folders: readonly string[],
  { firstLook }: Pick<Runtime, 'firstLook'>,
): Promise<DiskRoom[]> {
  const rooms = await Promise.all(folders.map(folder => Promise.race([roomOf(folder, firstLook), late()])));
  return rooms.filter(room => room !== undefined);
}

async function roomOf(folder: string, firstLook: Runtime['firstLook']): Promise<DiskRoom | undefined> {
  try {
    await firstLook(folder);
    const { bavail, bsize, blocks } = await statfs(folder);
    return { folder, freeBytes: bavail * bsize, sizeBytes: blocks * bsize };
  } catch {
    return undefined;
  }
}

async function late(): Promise<undefined> {
  await new Promise<void>(resolve => setTimeout(resolve, PATIENCE_MS).unref());
  return undefined;
}

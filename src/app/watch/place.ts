import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Where a folder is: it, and the folders above it, the nearest first. */
export interface Place {
  dir: string;
  device: number;
  above: { dir: string; device: number; inode: number }[];
}

/** @returns undefined if it is gone */
export async function placeOf(dir: string): Promise<Place | undefined> {
  const own = await stat(dir).catch(() => undefined);
  if (!own) return undefined;
  const above: Place['above'] = [];
  for (let at = dir; dirname(at) !== at; ) {
    at = dirname(at);
    const stats = await stat(at).catch(() => undefined);
    if (!stats) return undefined;
    above.push({ dir: at, device: stats.dev, inode: stats.ino });
  }
  return { dir, device: own.dev, above };
}

/**
 * Whether a folder that was at a place has been deleted or renamed. A drive that is not mounted any more takes its folders
 * away, too: then the nearest folder above that is still there is on another device, or another folder now.
 */
export async function isDeleted({ dir, device, above }: Place): Promise<boolean> {
  if (await stat(dir).catch(() => undefined)) return false;
  for (const known of above) {
    const stats = await stat(known.dir).catch(() => undefined);
    if (!stats) continue;
    return stats.dev === device && stats.dev === known.device && stats.ino === known.inode;
  }
  return false;
}

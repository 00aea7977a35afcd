import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { AppError } from '../errors.ts';
import { roleOf } from './file-roles.ts';
import { problem, systemProblem } from './folder-problem.ts';

/** A folder to upload, or a folder that cannot be read. */
export type FoundFolder = { dir: string } | { dir: string; error: AppError };

/**
 * Finds the recordings below a folder: each folder with a file that is named like a video, the root itself included.
 * Folders inside a recording belong to it. Hidden folders and symbolic links are skipped, because links may lead in
 * circles.
 * @returns in the order of their names
 * @throws AppError `RECORDING` if the root cannot be read or contains no recording
 */
export async function findRecordings(root: string): Promise<FoundFolder[]> {
  const found: FoundFolder[] = [];
  const look = async (dir: string, entries: Dirent[]): Promise<void> => {
    if (entries.some(entry => !entry.isDirectory() && roleOf(entry.name, []) === 'video')) {
      found.push({ dir });
      return;
    }
    const names = entries.filter(entry => entry.isDirectory() && !entry.name.startsWith('.')).map(({ name }) => name);
    for (const name of names.sort()) await descend(join(dir, name));
  };
  const descend = async (dir: string): Promise<void> => {
    let entries: Dirent[];
    try {
      entries = await readdir(dir, { withFileTypes: true });
    } catch (error) {
      // A folder that cannot be read does not stop the search.
      found.push({ dir, error: systemProblem(dir, error) as AppError });
      return;
    }
    await look(dir, entries);
  };
  try {
    await look(root, await readdir(root, { withFileTypes: true }));
  } catch (error) {
    throw systemProblem(root, error);
  }
  if (found.length === 0) {
    throw problem(root, 'has no recording below it', {
      hint: 'a recording is a folder with a video.mkv, video.mp4, …',
    });
  }
  return found;
}

import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { AppError } from '../core/errors.ts';
import { type FoundFolder, findRecordings } from '../core/recording/find-recordings.ts';
import type { Recording } from '../core/recording/recording.ts';
import { printable } from '../core/text.ts';

/** Which folders an upload is about. */
export interface FolderSelection {
  dirs: readonly string[];
  /** Upload the recordings below these folders instead of the folders themselves. */
  recursive?: boolean | undefined;
  /** The ID of the recording; only with a single folder. */
  id?: string | undefined;
}

/**
 * The folders to upload, each once, however often and by whichever path it is named.
 * A folder in which nothing is found is one that fails, and does not keep the others from being uploaded.
 * @throws AppError `USAGE` if an ID is given for several folders
 */
export async function findFolders({ dirs, recursive, id }: FolderSelection): Promise<FoundFolder[]> {
  const named = dirs.map(dir => ({ dir }));
  // An empty path does not mean the working directory; reading it fails with a message that says so.
  if (dirs.includes('')) return named;
  const found = recursive ? (await Promise.all(dirs.map(below))).flat() : named;
  const paths = await Promise.all(found.map(({ dir }) => realPath(dir)));
  const folders = [...new Map(found.map((folder, index) => [paths[index], folder])).values()];
  requireOneForId(folders, id);
  return folders;
}

/** @throws AppError `USAGE` if an ID is given for several folders */
export function requireOneForId(folders: readonly unknown[], id: string | undefined): void {
  if (folders.length > 1 && id !== undefined)
    throw new AppError('USAGE', '--id goes with one folder only', { hint: 'upload the folders one by one' });
}

async function below(dir: string): Promise<FoundFolder[]> {
  try {
    return await findRecordings(dir);
  } catch (error) {
    if (error instanceof AppError) return [{ dir, error }];
    throw error;
  }
}

/**
 * Where a folder really is. A folder that does not exist fails later, when it is read. Not synchronous: the first look at
 * a dead network drive would block the main thread, which has to hear Ctrl-C.
 */
export async function realPath(dir: string): Promise<string> {
  return await realpath(dir).catch(() => resolve(dir));
}

/**
 * Refuses a second folder with the same recording ID: in the bucket, its files would replace those of the first.
 * @returns the check for one run
 */
export function oneFolderEach(): (recording: Pick<Recording, 'id' | 'dir'>) => void {
  const known = new Map<string, string>();
  return ({ id, dir }) => {
    const other = known.get(id);
    if (other !== undefined && other !== dir) {
      throw sameId(id, other);
    }
    known.set(id, dir);
  };
}

/** The refusal of a folder whose ID another folder has. */
export function sameId(id: string, other: string): AppError {
  return new AppError('RECORDING', `it is recording ${id}, and so is ${printable(other)}`, {
    hint: 'give one of the two another ID: --id, or recording_id in its recording.json',
  });
}

import { AppError } from '../../core/errors.ts';
import type { Machine } from '../paths.ts';
import { readNamedFile } from './folder-files.ts';
import { readTrusted } from './trusted-files.ts';

/** A trusted file, and whether it still has the content that was trusted. */
export interface ListedTrust {
  file: string;
  /** `changed`: it does not count, because it has other content; `gone`: it is missing or cannot be read. */
  state: 'trusted' | 'changed' | 'gone';
  /** Milliseconds since 1970. */
  since: number;
}

/**
 * The trusted files, in the order of their paths.
 * @throws AppError `CONFIG` if the list cannot be read
 */
export async function listTrusted(machine: Machine): Promise<ListedTrust[]> {
  const trusted = await readTrusted(machine);
  const listed = trusted.map(async ({ file, sha256, since }): Promise<ListedTrust> => {
    try {
      const now = await readNamedFile(file, '/', machine);
      return { file, state: now.sha256 === sha256 ? 'trusted' : 'changed', since };
    } catch (error) {
      if (error instanceof AppError) return { file, state: 'gone', since };
      throw error;
    }
  });
  return (await Promise.all(listed)).toSorted((a, b) => (a.file < b.file ? -1 : 1));
}

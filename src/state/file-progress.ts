import type { FileProgress } from '../core/status/overview.ts';
import type { Row } from './rows.ts';

/**
 * The files of one recording that an upload has reached, by name.
 * @param stored its rows of `files`
 * @param open its rows of `multipart_uploads`, each with the number of its parts as `done`
 */
export function progressOf(stored: readonly Row[], open: readonly Row[]): FileProgress[] {
  const files = new Map<string, FileProgress>();
  for (const row of stored) {
    const isUploaded = row.state === 'uploaded';
    const parts = partsOf(row);
    files.set(String(row.name), {
      name: String(row.name),
      state: isUploaded ? 'uploaded' : 'pending',
      sizeBytes: Number(row.size),
      partsDone: isUploaded ? parts : 0,
      parts,
      error: row.error as string | null,
    });
  }
  for (const row of open) {
    const name = String(row.name);
    const error = files.get(name)?.error ?? null;
    const [sizeBytes, partsDone] = [Number(row.size), Number(row.done)];
    files.set(name, { name, state: 'sending', sizeBytes, partsDone, parts: partsOf(row), error });
  }
  return [...files.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function partsOf({ size, part_size: partSize }: Row): number {
  return typeof partSize === 'number' && partSize > 0 ? Math.max(1, Math.ceil(Number(size) / partSize)) : 0;
}

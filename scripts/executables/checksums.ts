import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The text of a SHA256SUMS file, which `sha256sum --check` reads. */
export function checksums(folder: string, files: readonly string[]): string {
  return files
    .toSorted()
    .map(
      file =>
        `${createHash('sha256')
          .update(readFileSync(join(folder, file)))
          .digest('hex')}  ${file}\n`,
    )
    .join('');
}

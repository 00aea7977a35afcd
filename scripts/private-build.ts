import { execFile } from 'node:child_process';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * Builds the program into a folder of its own, ready to run, so that nobody's `dist/` changes under them. In a process
 * of its own, as `npm run build` does.
 * @returns the launcher
 */
export async function buildInto(folder: string): Promise<string> {
  await promisify(execFile)(process.execPath, [join(root, 'scripts/build.ts'), join(folder, 'dist')]);
  for (const path of ['bin', 'package.json']) await cp(join(root, path), join(folder, path), { recursive: true });
  return join(folder, 'bin/recordupload.js');
}

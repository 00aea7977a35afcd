import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

export const root = resolve(import.meta.dirname, '../..');

/** Where `install-tools.sh` puts what Debian has no package of. */
const tools = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'recordupload-tests');

/** A tool that `install-tools.sh` brings. @throws Error that says so where it is missing */
export function tool(path: string): string {
  const file = join(tools, path);
  if (!existsSync(file)) throw new Error(`${file} is missing: bash test/packaging/install-tools.sh installs it`);
  return file;
}

/** Versions of Node that are too old for the program, the oldest first, and their files. */
export function oldNodes(): { version: string; node: string }[] {
  return readdirSync(tool('old-nodes'))
    .sort((one, other) => one.localeCompare(other, 'en', { numeric: true }))
    .map(version => ({ version, node: tool(join('old-nodes', version, 'node')) }));
}

/** Where `build-packages.ts` puts the packages that are tried. */
export const tried = join(root, 'dist/tried');

/** Debian, as `debootstrap` installs it, with curl; undefined where none could be made (`install-tools.sh`). */
export function debian(): string | undefined {
  const folder = join(tools, 'debian');
  return process.getuid?.() === 0 && existsSync(join(folder, 'complete')) ? join(folder, 'root') : undefined;
}

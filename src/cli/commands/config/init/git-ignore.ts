import { constants, existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { hasErrorCode } from '../../../../core/errors.ts';

const { O_RDWR, O_APPEND, O_CREAT, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;

/** The `.gitignore` that names the secrets' files; `ok: false`: it could not be written. Undefined: none is needed. */
export type Ignored = { ok: true; file: string } | { ok: false; file: string; why: string } | undefined;

/**
 * Tells git to ignore files with secrets, if their folder is in a git repository: adds their names to `.gitignore` there,
 * unless it has them.
 * @param files absolute paths, all in one folder
 */
export async function ignoreInGit(files: readonly string[]): Promise<Ignored> {
  const [first] = files;
  if (first === undefined || !isInRepository(dirname(first))) return undefined;
  const file = join(dirname(first), '.gitignore');
  try {
    // Not through a link: the folder's files are not the user's own word on where to write.
    const handle = await open(file, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o644);
    try {
      const before = (await handle.stat()).isFile() ? await handle.readFile('utf8') : '';
      const lines = before.split(/\r?\n/);
      const missing = files.map(one => `/${basename(one)}`).filter(line => !lines.includes(line));
      const text = missing.map(line => `${line}\n`).join('');
      if (text !== '') await handle.appendFile(before === '' || before.endsWith('\n') ? text : `\n${text}`);
    } finally {
      await handle.close();
    }
    return { ok: true, file };
  } catch (error) {
    const why = hasErrorCode(error, 'ELOOP') ? 'it is a symbolic link' : (error as Error).message;
    return { ok: false, file, why };
  }
}

/** A worktree and a submodule have a file `.git` instead of the folder. */
function isInRepository(folder: string): boolean {
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(join(at, '.git'))) return true;
    if (dirname(at) === at) return false;
  }
}

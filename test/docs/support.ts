import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const root = resolve(import.meta.dirname, '../..');
/** The launcher of the built program; another build's where `RECORDUPLOAD_TEST_ROOT` names its folder. */
export const launcher = join(process.env.RECORDUPLOAD_TEST_ROOT ?? root, 'bin/recordupload.js');

/** A file of the repository, as text. */
export function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

/** Files that are in the repository or about to be, without what is ignored. */
export function repositoryFiles(): string[] {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  return listed.split('\0').filter(Boolean);
}

/** A page of the documentation. */
export interface Page {
  /** Its path in the repository. */
  path: string;
  text: string;
}

/** Every markdown file of the repository. */
export const PAGES: readonly Page[] = repositoryFiles()
  .filter(path => path.endsWith('.md'))
  .map(path => ({ path, text: read(path) }));

/** All pages but the change log, which also names what no longer exists. */
export const CURRENT_PAGES = PAGES.filter(({ path }) => path !== 'CHANGELOG.md');

/** The text of a page. @throws Error if there is none */
export function page(path: string): string {
  const found = PAGES.find(one => one.path === path);
  if (!found) throw new Error(`${path} is not in the repository`);
  return found.text;
}

/** The code blocks of a language, in order. */
export function codeBlocks(text: string, language: string): string[] {
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(match => match[1] ?? '');
}

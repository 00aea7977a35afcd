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

export const README = read('README.md');

/** The code blocks of a language in README.md, in order. */
export function codeBlocks(language: string): string[] {
  return [...README.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(match => match[1] ?? '');
}

/** Files that are in the repository or about to be, without what is ignored. */
export function repositoryFiles(): string[] {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  return listed.split('\0').filter(Boolean);
}

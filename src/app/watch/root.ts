import { realpath, stat } from 'node:fs/promises';
import { resolve, sep } from 'node:path';
import { hasErrorCode } from '../../core/errors.ts';
import type { Observer } from '../../core/events.ts';
import { printable } from '../../core/text.ts';
import { formatDuration } from '../../core/units.ts';

/** A folder below which recordings are looked for. */
export interface Root {
  /** As it was given, absolute. */
  path: string;
  /** Absolute, real path; undefined: it is not there, or nothing of its own. */
  dir: string | undefined;
  /** `<device>:<inode>`; another one: something else is mounted there now. */
  place: string;
  /** What is wrong with it, as it was said; empty: nothing. */
  problem: string;
  /** What else was said about it. */
  remark: string;
}

/** So many levels of folders below a root may lead to a recording. */
export const LEVELS = 4;
/** How often each root itself is looked at. */
export const ROOT_EVERY_MS = 2_000;

export function newRoot(path: string): Root {
  return { path: resolve(path), dir: undefined, place: '', problem: '', remark: '' };
}

/**
 * Looks whether a root is there, and announces once what is wrong with it.
 * @returns whether it is there now, and was not before
 */
export async function checkRoot(root: Root, all: readonly Root[], observer: Observer): Promise<boolean> {
  const name = printable(root.path);
  const sayProblem = (problem: string): false => {
    root.dir = undefined;
    if (root.problem !== problem) {
      const again = `it is looked at again every ${formatDuration(ROOT_EVERY_MS)}`;
      observer({ type: 'warning', message: `${name} ${problem}; ${again}` });
    }
    root.problem = problem;
    return false;
  };
  let dir: string;
  let place: string;
  try {
    dir = await realpath(root.path);
    const stats = await stat(dir);
    if (!stats.isDirectory()) return sayProblem('is a file, not a folder');
    place = `${stats.dev}:${stats.ino}`;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    return sayProblem(hasErrorCode(error, 'ENOENT', 'ENOTDIR') ? 'is not there' : `cannot be read (${code})`);
  }
  const isOther = root.dir !== undefined && root.place !== '' && root.place !== place;
  if (isOther) {
    const message = `${name} is another folder now: something was mounted, unmounted or put in its place`;
    observer({ type: 'notice', message });
  }
  if (root.problem !== '') observer({ type: 'notice', message: `${name} is there now` });
  root.problem = '';
  const remark = remarkOn(dir, root, all);
  if (remark.text !== '' && remark.text !== root.remark)
    observer({ type: 'notice', message: `${name} ${remark.text}` });
  root.remark = remark.text;
  const isNew = root.dir !== dir || root.place !== place;
  root.place = place;
  root.dir = remark.isTwin ? undefined : dir;
  return isNew && !remark.isTwin;
}

/** Two roots may meet: what lies in both counts once. */
function remarkOn(dir: string, root: Root, all: readonly Root[]): { text: string; isTwin: boolean } {
  const twin = all.find(one => one !== root && one.dir === dir);
  if (twin) return { text: `is the same folder as ${printable(twin.path)}`, isTwin: true };
  const parent = all.find(one => one !== root && one.dir !== undefined && dir.startsWith(within(one.dir)));
  const text = parent ? `lies below ${printable(parent.path)}: what is in both counts once` : '';
  return { text, isTwin: false };
}

/** How many levels below this folder a root reaches; undefined: it is below no root, too deep, or hidden. */
export function levelsBelow(dir: string, roots: readonly Root[]): number | undefined {
  const levels = roots.flatMap(root => {
    if (root.dir === undefined) return [];
    if (dir === root.dir) return [LEVELS];
    if (!dir.startsWith(within(root.dir))) return [];
    const names = dir.slice(within(root.dir).length).split(sep);
    return names.some(name => name.startsWith('.')) ? [] : [LEVELS - names.length];
  });
  const most = Math.max(...levels);
  return most >= 0 ? most : undefined;
}

/** What the path of everything in a folder begins with. */
function within(dir: string): string {
  return dir.endsWith(sep) ? dir : `${dir}${sep}`;
}

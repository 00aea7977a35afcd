import { closeSync, openSync, readdirSync, readFileSync, statfsSync } from 'node:fs';
import { devNull } from 'node:os';
import { dirname } from 'node:path';
import { isOutOfFiles } from './errors.ts';

/*
 * What the machine allows this process. SQLite and some system calls say only that something failed; these tell which
 * limit it was.
 */

/** Names in /proc/self/limits; see proc_pid_limits(5). */
type LimitName = 'Max open files' | 'Max file size' | 'Max address space';

/** What the system says; read once, because they stay and every webhook asks. */
let limits: string | undefined;

/** The soft limit of this process; undefined where there is none, or no `/proc`. */
export function softLimit(name: LimitName): number | undefined {
  try {
    limits ??= readFileSync('/proc/self/limits', 'latin1');
    const [, value] = new RegExp(`^${name} +(\\d+)`, 'm').exec(limits) ?? [];
    return value === undefined ? undefined : Number(value);
  } catch {
    return undefined;
  }
}

/** With so many, nothing that this program does meets the limit. */
const PLENTY_OF_FILES = 1024;

/**
 * How many more files and connections this process may have open at this moment; Infinity where there are plenty, or no
 * `/proc` says so.
 */
export function freeDescriptors(): number {
  const limit = softLimit('Max open files');
  if (limit === undefined) return canOpenMore(1) ? Number.POSITIVE_INFINITY : 0;
  if (limit >= PLENTY_OF_FILES) return Number.POSITIVE_INFINITY;
  try {
    const numbers = readdirSync('/proc/self/fd').map(Number);
    // One of them is this folder's. A parent process may have left some beyond the limit, which do not count.
    return limit - numbers.filter(number => number < limit).length + 1;
  } catch (error) {
    return isOutOfFiles(error) ? 0 : Number.POSITIVE_INFINITY;
  }
}

const FREED_INODES = 2;

/** Whether the process can open that many more files or connections at this moment. */
export function canOpenMore(count: number): boolean {
  const opened: number[] = [];
  try {
    while (opened.length < count) opened.push(openSync(devNull, 'r'));
    return true;
  } catch (error) {
    return !isOutOfFiles(error);
  } finally {
    for (const fd of opened) closeSync(fd);
  }
}

/**
 * Whether a disk that refused a file (ENOSPC) did so because all of its inodes are used, although it may have space left.
 * @param path on that disk; it need not exist
 */
export function isOutOfInodes(path: string): boolean {
  try {
    // Some file systems (btrfs) have no fixed number of inodes, and report 0.
    const { files, ffree, bavail } = statfsSync(path);
    // What could not be written has been removed meanwhile, so a few may be free again.
    return files > 0 && (ffree === 0 || (ffree <= FREED_INODES && bavail > 0));
  } catch {
    const above = dirname(path);
    return above !== path && isOutOfInodes(above);
  }
}

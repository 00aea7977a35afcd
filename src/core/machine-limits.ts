import { closeSync, openSync, readFileSync, statfsSync } from 'node:fs';
import { devNull } from 'node:os';
import { dirname } from 'node:path';
import { isOutOfFiles } from './errors.ts';

/*
 * What the machine allows this process. SQLite and some system calls say only that something failed; these tell which
 * limit it was.
 */

/** Names in /proc/self/limits; see proc_pid_limits(5). */
type LimitName = 'Max open files' | 'Max file size';

/** The soft limit of this process; undefined where there is none, or no `/proc`. */
export function softLimit(name: LimitName): number | undefined {
  try {
    const [, value] = new RegExp(`^${name} +(\\d+)`, 'm').exec(readFileSync('/proc/self/limits', 'latin1')) ?? [];
    return value === undefined ? undefined : Number(value);
  } catch {
    return undefined;
  }
}

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
 * Whether a disk takes no more files because all of its inodes are used, although it may have space left.
 * @param path on that disk; it need not exist
 */
export function isOutOfInodes(path: string): boolean {
  try {
    // Some file systems (btrfs) have no fixed number of inodes, and report 0.
    const { files, ffree } = statfsSync(path);
    return files > 0 && ffree === 0;
  } catch {
    const above = dirname(path);
    return above !== path && isOutOfInodes(above);
  }
}

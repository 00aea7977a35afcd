import { closeSync, fdatasync, fsync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import type { Sql } from './sql.ts';

/** Makes commits durable beside the main thread, which SQLite's own `synchronous = FULL` would hold up. */
export interface WalSync {
  /**
   * Resolves once everything that was committed before the call has reached the disk. After a failure every further call
   * fails with the same error: the system may have dropped what it could not write, and report the next attempt as a success.
   * @throws Error of `node:fs`
   */
  sync(): Promise<void>;
  /** Call it once nothing waits for a sync. */
  close(): void;
}

/** Two at once: the second one covers what was committed after the first began. More would keep Node's threads from others. */
const AT_ONCE = 2;

/** What the disk is asked for; tests put their own in its place. */
export interface Disk {
  syncFile(fd: number): Promise<void>;
  syncFolder(fd: number): Promise<void>;
}

/** Windows refuses to sync a folder (EPERM); NTFS keeps names in its own journal. */
export function diskOf(platform: NodeJS.Platform): Disk {
  const syncFolder = platform === 'win32' ? () => Promise.resolve() : promisify(fsync);
  return { syncFile: promisify(fdatasync), syncFolder };
}

/**
 * Takes over the syncs of SQLite's write-ahead log. With `synchronous = NORMAL`, SQLite still syncs log and database around
 * every checkpoint, so the database never breaks; what it leaves out is the sync of the log after each commit, and that is
 * done here. https://www.sqlite.org/pragma.html#pragma_synchronous
 * @param sql a connection in WAL mode that has read or written: until it is closed, nobody removes its log
 * @returns undefined where the log cannot be opened a second time; SQLite has to sync by itself then
 */
export function takeOverSync(sql: Sql, using: Disk = diskOf(process.platform)): WalSync | undefined {
  const log = `${sql.get('PRAGMA database_list')?.file}-wal`;
  let fd: number;
  try {
    fd = openSync(log, 'r+');
  } catch {
    return undefined;
  }
  sql.exec('PRAGMA synchronous = NORMAL');
  return { sync: sharing(firstWithFolder(fd, log, using)), close: () => closeSync(fd) };
}

/** The first sync includes the log's name: SQLite syncs the folder only if this very connection made the log. */
function firstWithFolder(fd: number, log: string, { syncFile, syncFolder }: Disk): () => Promise<void> {
  let named: Promise<void> | undefined;
  const syncName = async () => {
    let folder: number;
    try {
      folder = openSync(dirname(log), 'r');
    } catch {
      return; // A folder that this user may not list.
    }
    try {
      await syncFolder(folder);
    } finally {
      closeSync(folder);
    }
  };
  return async () => {
    named ??= syncName();
    await Promise.all([named, syncFile(fd)]);
  };
}

/** Runs a few syncs at once; those who come meanwhile share the next one. */
function sharing(sync: () => Promise<void>): () => Promise<void> {
  const running = new Set<Promise<void>>();
  let next: Promise<void> | undefined;
  let failure: { error: unknown } | undefined;
  const start = () => {
    const one = sync()
      .catch(error => {
        failure ??= { error };
      })
      .then(() => {
        running.delete(one);
        if (failure) throw failure.error;
      });
    running.add(one);
    return one;
  };
  const startNext = () => {
    next = undefined;
    return start();
  };
  return async () => {
    if (failure) throw failure.error;
    if (running.size < AT_ONCE) return await start();
    next ??= Promise.race(running).then(startNext, startNext);
    await next;
  };
}

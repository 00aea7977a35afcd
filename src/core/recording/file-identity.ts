import { type BigIntStats, statSync } from 'node:fs';

/**
 * What identifies a file's content at one moment. If it is equal at two moments, nothing was written in between: growing
 * changes the size, rewriting in place the time, replacing (rsync, `mv`) the inode. A `RecordingFile` has one, too.
 */
export interface FileIdentity {
  sizeBytes: number;
  /** Modification time in nanoseconds, as decimal digits (it does not fit a JavaScript number). */
  mtimeNs: string;
  /** Inode number, as decimal digits. */
  inode: string;
}

/** The identity in a `stat` with `{bigint: true}`. Use that of an open handle to be sure that it is the file being read. */
export function identityOf(stats: BigIntStats): FileIdentity {
  return { sizeBytes: Number(stats.size), mtimeNs: String(stats.mtimeNs), inode: String(stats.ino) };
}

/**
 * The identity of a file now. Synchronous, as every access to a recording's folder: it takes microseconds, the way through
 * Node's thread pool ten times that, and many recordings at once would wait for the pool.
 * @throws Node's system errors (`ENOENT` if the file has vanished)
 */
export function statFile(path: string): FileIdentity {
  return identityOf(statSync(path, { bigint: true }));
}

/** True if both are the same, unchanged file. */
export function sameFile(a: FileIdentity, b: FileIdentity): boolean {
  return a.sizeBytes === b.sizeBytes && a.mtimeNs === b.mtimeNs && a.inode === b.inode;
}

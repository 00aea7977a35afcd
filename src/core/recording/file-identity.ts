import { type BigIntStats, statSync } from 'node:fs';

/**
 * How a file stood at one look. Two looks that agree mean that nothing was written in between: a file that grows
 * changes its size, one rewritten in place its time, one replaced (rsync, `mv`) its inode. A `RecordingFile` is one too.
 */
export interface FileIdentity {
  sizeBytes: number;
  /** Modification time in nanoseconds, as decimal digits (it does not fit a JavaScript number). */
  mtimeNs: string;
  /** Inode number, as decimal digits. */
  inode: string;
}

/** The identity in a `stat` taken with `{bigint: true}`; of an open handle's, to be sure that it is the file read. */
export function identityOf(stats: BigIntStats): FileIdentity {
  return { sizeBytes: Number(stats.size), mtimeNs: String(stats.mtimeNs), inode: String(stats.ino) };
}

/**
 * Looks at a file now. Like every look into a recording's folder it does not leave the thread: that takes microseconds,
 * the way through Node's thread pool ten times that, and with many recordings at once it becomes what they wait for.
 * @throws Node's system errors (`ENOENT` where it has vanished)
 */
export function statFile(path: string): FileIdentity {
  return identityOf(statSync(path, { bigint: true }));
}

/** True where two looks saw the same, unchanged file. */
export function sameFile(a: FileIdentity, b: FileIdentity): boolean {
  return a.sizeBytes === b.sizeBytes && a.mtimeNs === b.mtimeNs && a.inode === b.inode;
}

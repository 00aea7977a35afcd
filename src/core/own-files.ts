import { readFileSync, type Stats } from 'node:fs';
import { kindOf } from './file-kind.ts';
import { shellQuoted } from './shell-quoted.ts';

/** Why a file or folder is not ours to write; `flaw` continues a sentence that begins with the path. */
export interface ForeignFlaw {
  flaw: string;
  /** The command that fixes it, if there is one. */
  fix: string | undefined;
}

/** Who runs the program, as far as files are concerned. */
export interface User {
  /** Undefined on Windows, where files have no such owner. */
  uid: number | undefined;
  /** Whoever logged in and became root, by `sudo` for example: root works on this user's files as well. */
  loginUid(): number | undefined;
}

/** The user whom this process acts for. */
export function currentUser(): User {
  return { uid: process.geteuid?.(), loginUid };
}

/** Linux notes it for each session (pam_loginuid(8)), and no program can change it later. Undefined elsewhere. */
function loginUid(): number | undefined {
  try {
    return Number(readFileSync('/proc/self/loginuid', 'utf8'));
  } catch {
    return undefined;
  }
}

/**
 * Why an existing file must not be written by us. Ours is a regular file of this user's (or root's) that nobody else can
 * change and that has no second name: whoever may create files in its folder could have put a link to another file there.
 * @param stats those of the path itself (`lstat`) or of its descriptor
 */
export function foreignFile(path: string, stats: Stats, user: User = currentUser()): ForeignFlaw | undefined {
  if (!stats.isFile()) return { flaw: `is ${kindOf(stats)}, not a file`, fix: undefined };
  if (stats.nlink > 1) return { flaw: 'is a file with another name as well (a hard link)', fix: undefined };
  return foreignOwner(path, stats, user);
}

/** The same for a folder that we keep files in. */
export function foreignFolder(path: string, stats: Stats, user: User = currentUser()): ForeignFlaw | undefined {
  if (!stats.isDirectory()) return { flaw: `is ${kindOf(stats)}, not a folder`, fix: undefined };
  return foreignOwner(path, stats, user);
}

function foreignOwner(path: string, stats: Stats, user: User): ForeignFlaw | undefined {
  if (user.uid === undefined) return undefined;
  if (!isOwn(stats, user)) return { flaw: `belongs to another user (uid ${stats.uid})`, fix: undefined };
  if ((stats.mode & 0o022) === 0) return undefined;
  return { flaw: 'can be changed by other users', fix: `chmod go-w ${shellQuoted(path)}` };
}

/** Root's files count as one's own: root could change everything anyway. */
export function isOwn({ uid }: Pick<Stats, 'uid'>, user: User = currentUser()): boolean {
  if (user.uid === undefined || uid === user.uid || uid === 0) return true;
  return user.uid === 0 && uid === user.loginUid();
}

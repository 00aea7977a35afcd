import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { monotonicMs } from '../clock.ts';
import { hasErrorCode } from '../errors.ts';
import { firstLook } from '../first-look.ts';

/*
 * Who has a file open for writing, as Linux tells it: `/proc/<pid>/fd` and `/proc/<pid>/fdinfo` (proc(5)). "Nobody" is
 * said only where every process that may write to the file can be looked into; otherwise nothing is known.
 */

/** A file whose writers are asked for; numbers as `stat` gives them, the inode in decimal digits. */
export interface LookedFor {
  path: string;
  device: number;
  inode: string;
  uid: number;
  gid: number;
  /** Permissions. */
  mode: number;
}

/** `open`: somebody has it open for writing. `closed`: nobody has. `unknown`: not everybody can be looked into. */
export type Openness = 'open' | 'closed' | 'unknown';

/** Inode of the machine's first PID namespace (PROC_PID_INIT_INO in linux/proc_ns.h). */
const FIRST_PID_NAMESPACE = 'pid:[4026531836]';
const ACCESS_MODE = 0o3;
const ROOT_UID = 0;
const GROUP_MAY_WRITE = 0o020;
const OTHERS_MAY_WRITE = 0o002;

/** How long the look may hold up the thread at a time. */
const TURN_MS = 20;

/**
 * Looks through all processes once, for all files.
 * @returns by path
 */
export async function findWriters(files: readonly LookedFor[], proc = '/proc'): Promise<Map<string, Openness>> {
  const found = new Map<string, Openness>(files.map(({ path }) => [path, 'closed']));
  if (files.length === 0) return found;
  const byInode = Map.groupBy(files, ({ inode }) => inode);
  const pids = listed(proc).filter(name => /^\d+$/.test(name));
  // Without its own entry, `/proc` is not mounted.
  if (!pids.includes(String(process.pid))) return new Map(files.map(({ path }) => [path, 'unknown']));
  const isHidden = !pids.includes('1');
  for (const file of files) if (isHidden && mayOthersWrite(file)) found.set(file.path, 'unknown');
  let turnEndsAt = monotonicMs() + TURN_MS;
  for (const pid of pids) {
    if (monotonicMs() > turnEndsAt) {
      await setImmediate();
      turnEndsAt = monotonicMs() + TURN_MS;
    }
    const descriptors = descriptorsOf(`${proc}/${pid}`);
    if (descriptors === 'unreadable') {
      const credentials = credentialsOf(`${proc}/${pid}`);
      for (const file of files) {
        if (credentials && found.get(file.path) === 'closed' && mayWrite(credentials, file))
          found.set(file.path, 'unknown');
      }
      continue;
    }
    for (const descriptor of descriptors) {
      for (const path of writtenBy(`${proc}/${pid}`, descriptor, byInode)) found.set(path, 'open');
    }
  }
  return found;
}

/** The paths of the files that a descriptor can write to. */
function writtenBy(process: string, descriptor: string, byInode: ReadonlyMap<string, readonly LookedFor[]>): string[] {
  try {
    // Sockets and pipes are most of them; their links are no paths.
    if (!readlinkSync(`${process}/fd/${descriptor}`).startsWith('/')) return [];
    const info = readFileSync(`${process}/fdinfo/${descriptor}`, 'latin1');
    const number = (pattern: RegExp) => pattern.exec(info)?.[1];
    if ((Number.parseInt(number(/^flags:\s*([0-7]+)$/m) ?? '0', 8) & ACCESS_MODE) === 0) return [];
    // Linux has noted the inode there since 5.14. Only a likely one is looked at: a file on a dead drive never answers.
    const inode = number(/^ino:\s*(\d+)$/m);
    if (inode !== undefined && !byInode.has(inode)) return [];
    const { dev, ino } = statSync(`${process}/fd/${descriptor}`);
    return (byInode.get(String(ino)) ?? []).filter(({ device }) => device === dev).map(({ path }) => path);
  } catch {
    // It was closed, or the process has ended, a moment ago.
    return [];
  }
}

/** True where all that could write below this folder are processes that this one sees: a local disk, no container's volume. */
export async function seesAllWriters(dir: string): Promise<boolean> {
  if (process.platform !== 'linux') return false;
  try {
    if ((await firstLook(dir)).isRemote) return false;
    if (readlinkSync('/proc/self/ns/pid') === FIRST_PID_NAMESPACE) return true;
    // In a container, others reach what is mounted into it, but not its own disk.
    const [own, there] = await Promise.all([lstat('/'), lstat(dir)]);
    return own.dev === there.dev;
  } catch {
    return false;
  }
}

function listed(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}

function descriptorsOf(process: string): string[] | 'unreadable' {
  try {
    return readdirSync(`${process}/fd`);
  } catch (error) {
    // The process has ended.
    return hasErrorCode(error, 'ENOENT', 'ESRCH') ? [] : 'unreadable';
  }
}

interface Credentials {
  uid: number;
  gids: number[];
}

/** Undefined: it has ended. */
function credentialsOf(process: string): Credentials | undefined {
  try {
    const status = readFileSync(`${process}/status`, 'latin1');
    const numbers = (name: string) =>
      (new RegExp(`^${name}:(.*)$`, 'm').exec(status)?.[1] ?? '').trim().split(/\s+/).filter(Boolean).map(Number);
    // The second number is the effective one.
    return { uid: numbers('Uid')[1] ?? ROOT_UID, gids: [numbers('Gid')[1] ?? 0, ...numbers('Groups')] };
  } catch {
    return undefined;
  }
}

/**
 * Whether a process that cannot be looked into may be the file's writer. Root may open anything, but what root records
 * belongs to root.
 */
function mayWrite({ uid, gids }: Credentials, { uid: owner, gid, mode }: LookedFor): boolean {
  if (uid === owner) return true;
  if (uid === ROOT_UID) return false;
  return (mode & OTHERS_MAY_WRITE) !== 0 || ((mode & GROUP_MAY_WRITE) !== 0 && gids.includes(gid));
}

/** With processes of others hidden (`hidepid`), only one's own files have no writers that cannot be seen. */
function mayOthersWrite({ uid, mode }: LookedFor): boolean {
  return uid !== process.geteuid?.() || (mode & (OTHERS_MAY_WRITE | GROUP_MAY_WRITE)) !== 0;
}

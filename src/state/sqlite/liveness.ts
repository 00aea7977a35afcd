import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { hasErrorCode } from '../../core/errors.ts';
import { stateError } from './state-failure.ts';

/**
 * Who is alive. Each process that claims work holds an operating-system lock on a file of its own for as long as it
 * lives; the kernel drops it with the process, `kill -9` and power loss included. So a claim of a dead process is seen
 * at once and for certain, whatever the clock or a reused pid says. SQLite brings the portable lock.
 */
export interface Liveness {
  /** This process's id among the owners; random, never used again. */
  readonly ownerId: string;
  isAlive(ownerId: string): boolean;
  /** Removes the lock file of an owner that is known to be dead. */
  forget(ownerId: string): void;
  /** Owners that died without tidying up; those that have just come may not have their lock yet, and are not among them. */
  dead(nowMs: number): string[];
  close(): void;
}

/** A lock file is made and locked within milliseconds; one that is older and not locked has lost its process. */
const SETTLED_MS = 60 * 60 * 1000;

/** Takes this process's own lock below `<stateDir>/owners`. */
export function openLiveness(stateDir: string): Liveness {
  const dir = join(stateDir, 'owners');
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const ownerId = randomUUID();
  const fileOf = (id: string) => join(dir, `${id}.lock`);
  const own = new DatabaseSync(fileOf(ownerId));
  // The lock is all there is to it: nothing is written, so nothing has to reach the disk.
  own.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  const isAlive = (id: string) => id === ownerId || isLocked(stateDir, fileOf(id));

  return {
    ownerId,
    isAlive,
    forget(id) {
      if (id !== ownerId) rmSync(fileOf(id), { force: true });
    },
    dead: nowMs =>
      ownersIn(dir).filter(id => {
        const madeAt = statSync(fileOf(id), { throwIfNoEntry: false })?.mtimeMs;
        return madeAt !== undefined && madeAt < nowMs - SETTLED_MS && !isAlive(id);
      }),
    close() {
      own.close();
      rmSync(fileOf(ownerId), { force: true });
    },
  };
}

/** For a state that no other process can see. */
export function soleLiveness(): Liveness {
  const ownerId = randomUUID();
  return { ownerId, isAlive: id => id === ownerId, forget() {}, dead: () => [], close() {} };
}

/** The processes that have the state open; this one too, if it has. */
export function livingOwners(stateDir: string): string[] {
  const dir = join(stateDir, 'owners');
  return ownersIn(dir).filter(id => isLocked(stateDir, join(dir, `${id}.lock`)));
}

/**
 * Whether the process that made a claim lives; for readers without a lock of their own. Where its lock file cannot be
 * tried (a read-only folder), its pid is asked for.
 */
export function isOwnerAlive(stateDir: string, ownerId: string, pid: number): boolean {
  try {
    return isLocked(stateDir, join(stateDir, 'owners', `${ownerId}.lock`));
  } catch {
    return isRunning(pid);
  }
}

function isRunning(pid: number): boolean {
  if (pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return hasErrorCode(error, 'EPERM');
  }
}

function ownersIn(dir: string): string[] {
  if (!existsSync(dir)) return [];
  return readdirSync(dir).flatMap(name => (name.endsWith('.lock') ? [name.slice(0, -'.lock'.length)] : []));
}

function isLocked(stateDir: string, file: string): boolean {
  // Opening would create the file of an owner that ended properly.
  if (!existsSync(file)) return false;
  let other: DatabaseSync | undefined;
  try {
    other = new DatabaseSync(file, { timeout: 0 });
    other.exec('BEGIN EXCLUSIVE');
    return false;
  } catch (error) {
    if (hasErrorCode(error, 'ERR_SQLITE_ERROR') && /locked|busy/.test(error.message)) return true;
    throw stateError(error, stateDir);
  } finally {
    other?.close();
  }
}

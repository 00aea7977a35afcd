import { randomUUID } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { hasErrorCode } from '../../core/errors.ts';
import { untilUnlocked } from './busy.ts';
import { openSql, type Sql } from './sql.ts';
import { isBusy, isNotThere, stateError } from './state-failure.ts';

/**
 * Which processes are alive. Each process that claims work holds an exclusive lock of the operating system on a file of
 * its own for as long as it lives; the kernel drops the lock with the process, `kill -9` and power loss included. So
 * others see at once and for certain that a claim's process is dead, whatever the clock or a reused pid says. SQLite
 * provides the portable lock. Asking takes a shared lock: processes that ask at the same time do not meet each other's.
 */
export interface Liveness {
  /** This process's id among the owners of claims; random, never used again. */
  readonly ownerId: string;
  isAlive(ownerId: string): boolean;
  /** Removes the lock file of an owner that is known to be dead. */
  forget(ownerId: string): void;
  /** Owners that died without tidying up, except those so young that they may not have their lock yet. */
  dead(nowMs: number): string[];
  close(): void;
}

/** A lock file is locked within milliseconds of its making; one that is older than this and not locked is a dead process's. */
const SETTLED_MS = 60 * 60 * 1000;

/** Takes this process's own lock, below `<stateDir>/owners`. */
export async function openLiveness(stateDir: string): Promise<Liveness> {
  const dir = join(stateDir, 'owners');
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const ownerId = randomUUID();
  const fileOf = (id: string) => join(dir, `${id}.lock`);
  const own = openSql(fileOf(ownerId));
  try {
    // Nothing is ever written, so nothing has to reach the disk. (Node refuses the journal mode OFF.)
    own.exec('PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE');
    // Another process that looks through the folder may be asking about this file at the moment.
    await untilUnlocked(() => own.exec('BEGIN EXCLUSIVE'));
  } catch (error) {
    own.close();
    throw error;
  }
  const isAlive = (id: string) => id === ownerId || isLocked(stateDir, fileOf(id));

  return {
    ownerId,
    isAlive,
    forget(id) {
      if (id !== ownerId) rmSync(fileOf(id), { force: true });
    },
    dead: nowMs =>
      ownersIn(dir).filter(id => {
        const madeAt = lstatSync(fileOf(id), { throwIfNoEntry: false })?.mtimeMs;
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
 * Whether the process that made a claim is alive; for readers without a lock of their own. If its lock file cannot be
 * read, its pid decides.
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
  const files = readdirSync(dir, { withFileTypes: true }).filter(entry => entry.isFile());
  return files.flatMap(({ name }) => (name.endsWith('.lock') ? [name.slice(0, -'.lock'.length)] : []));
}

function isLocked(stateDir: string, file: string): boolean {
  // Opening a named pipe would wait for ever, and a link leads to a file of somebody else's.
  if (lstatSync(file, { throwIfNoEntry: false })?.isFile() === false) return false;
  let probe: Sql | undefined;
  try {
    // Read-only: opening must not create the file of an owner that ended properly.
    probe = openSql(file, { readOnly: true });
    // Reading the schema takes the shared lock.
    probe.get('SELECT 1 FROM sqlite_schema');
    return false;
  } catch (error) {
    if (isBusy(error)) return true;
    if (isNotThere(error) && !existsSync(file)) return false;
    throw stateError(error, stateDir);
  } finally {
    probe?.close();
  }
}

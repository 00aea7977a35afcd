import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { hasErrorCode } from '../errors.ts';

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
  close(): void;
}

/** Takes this process's own lock below `<stateDir>/owners`. */
export function openLiveness(stateDir: string): Liveness {
  const dir = join(stateDir, 'owners');
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const ownerId = randomUUID();
  const fileOf = (id: string) => join(dir, `${id}.lock`);
  const own = new DatabaseSync(fileOf(ownerId));
  own.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');

  return {
    ownerId,
    isAlive(id) {
      if (id === ownerId) return true;
      // Opening would create the file of an owner that ended properly.
      if (!existsSync(fileOf(id))) return false;
      const other = new DatabaseSync(fileOf(id), { timeout: 0 });
      try {
        other.exec('BEGIN EXCLUSIVE');
        return false;
      } catch (error) {
        if (hasErrorCode(error, 'ERR_SQLITE_ERROR') && /locked|busy/.test(error.message)) return true;
        throw error;
      } finally {
        other.close();
      }
    },
    forget(id) {
      if (id !== ownerId) rmSync(fileOf(id), { force: true });
    },
    close() {
      own.close();
      rmSync(fileOf(ownerId), { force: true });
    },
  };
}

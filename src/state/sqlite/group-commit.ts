import { type LockWait, untilUnlocked } from './busy.ts';
import { rollBack, type Sql } from './sql.ts';
import { isBusy } from './state-failure.ts';

/** Write transactions that share their commits. */
export interface GroupCommit {
  /**
   * Runs `work` in a write transaction; resolves once that is durable. It may run more than once, each time in a
   * transaction of which nothing else is left, so it must not change anything but the database.
   */
  write<T>(work: () => T): Promise<T>;
  /** Resolves once nothing waits to be written. */
  drained(): Promise<void>;
}

interface Waiting {
  work(): unknown;
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

export interface GroupCommitSettings {
  /** How to wait for another process's lock. */
  lock?: LockWait | undefined;
  /** Resolves once all earlier commits are durable; none: they are when SQLite returns. */
  sync?: (() => Promise<void>) | undefined;
}

/**
 * Collects the writes of one turn of the event loop and commits them together: a durable commit is what writing costs, and
 * a hundred small recordings at once need a third of the commits this way. While another process has the lock, more writes
 * join. If a group fails, its writes are committed one by one, and only the one that is at fault fails.
 *
 * While the disk takes a commit in, the next group is committed: a write waits for its own sync, never for another's.
 */
export function createGroupCommit(sql: Sql, { lock, sync }: GroupCommitSettings = {}): GroupCommit {
  const waiting: Waiting[] = [];
  /** So many of the first are committed one by one. */
  let alone = 0;
  let running: Promise<void> | undefined;
  const syncing = new Set<Promise<void>>();

  /** One transaction, from beginning to end without leaving the thread: nothing may come in between. */
  const commitNext = () => {
    const group = waiting.slice(0, alone > 0 ? 1 : waiting.length);
    let results: unknown[];
    try {
      sql.run('BEGIN IMMEDIATE');
      results = group.map(({ work }) => work());
      sql.run('COMMIT');
    } catch (error) {
      rollBack(sql);
      if (isBusy(error)) throw error;
      if (group.length > 1) alone = group.length;
      else take(1)[0]?.reject(error);
      return;
    }
    const committed = take(group.length);
    const tell = () => {
      for (const [index, { resolve }] of committed.entries()) resolve(results[index]);
    };
    if (!sync) return tell();
    const fail = (error: unknown) => {
      for (const { reject } of committed) reject(error);
    };
    const one: Promise<void> = sync()
      .then(tell, fail)
      .finally(() => syncing.delete(one));
    syncing.add(one);
  };
  const take = (count: number): Waiting[] => {
    alone = Math.max(0, alone - count);
    return waiting.splice(0, count);
  };
  const run = async () => {
    await new Promise<void>(resolve => setImmediate(resolve));
    try {
      do await untilUnlocked(commitNext, lock);
      while (alone > 0);
    } catch (error) {
      for (const { reject } of take(waiting.length)) reject(error);
    }
    running = waiting.length > 0 ? run() : undefined;
  };
  return {
    write: <T>(work: () => T) =>
      new Promise<T>((resolve, reject) => {
        waiting.push({ work, resolve: resolve as (result: unknown) => void, reject });
        running ??= run();
      }),
    async drained() {
      while (running || syncing.size > 0) await Promise.all([running, ...syncing]);
    },
  };
}

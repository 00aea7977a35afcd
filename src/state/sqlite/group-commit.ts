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

/**
 * Collects the writes of one turn of the event loop and commits them together: a durable commit is what writing costs, and
 * a hundred small recordings at once need a third of the commits this way. While another process has the lock, more writes
 * join. If a group fails, its writes are committed one by one, and only the one that is at fault fails.
 * @param lock how to wait for another process's lock
 */
export function createGroupCommit(sql: Sql, lock: LockWait = {}): GroupCommit {
  const waiting: Waiting[] = [];
  /** So many of the first are committed one by one. */
  let alone = 0;
  let running: Promise<void> | undefined;

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
      else finish(1, ({ reject }) => reject(error));
      return;
    }
    finish(group.length, ({ resolve }, index) => resolve(results[index]));
  };
  const finish = (count: number, tell: (one: Waiting, index: number) => void) => {
    alone = Math.max(0, alone - count);
    waiting.splice(0, count).forEach(tell);
  };
  const run = async () => {
    await new Promise<void>(resolve => setImmediate(resolve));
    try {
      do await untilUnlocked(commitNext, lock);
      while (alone > 0);
    } catch (error) {
      finish(waiting.length, ({ reject }) => reject(error));
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
      while (running) await running;
    },
  };
}

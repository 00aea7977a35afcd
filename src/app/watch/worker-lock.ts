import { isNativeError } from 'node:util/types';
import { AppError, hasErrorCode } from '../../core/errors.ts';
import type { Runtime } from '../runtime.ts';
import { createTroubles } from './troubles.ts';

type Release = () => Promise<void>;

/** This process's place as the worker of its state. */
export interface WorkerLock extends AsyncDisposable {
  /** Keeps it with another connection to the same state. @throws AppError `BUSY`, `STATE` */
  moveTo(runtime: Runtime): Promise<void>;
}

/** How often a full disk is tried again. */
const FULL_EVERY_MS = 5_000;

/**
 * Becomes the worker of the state. While its disk is full, that is said once, and tried again.
 * @param reopen makes another runtime: one that has failed to open its state never does
 * @returns the runtime with the open state, and what gives the place back
 * @throws AppError `BUSY` if the state has a worker, `STATE`, `CONFIG`; the signal's reason
 */
export async function becomeWorker(
  given: Runtime,
  reopen: () => Promise<Runtime>,
): Promise<{ first: Runtime; release: Release }> {
  const { clock, signal, observer } = given;
  const troubles = createTroubles(() => observer, clock.monotonic);
  for (let first = given; ; ) {
    try {
      const release = await take(first);
      troubles.passed();
      return { first, release };
    } catch (error) {
      await first[Symbol.asyncDispose]();
      if (!isDiskFull(error)) throw error;
      troubles.add(error);
      await clock.sleep(FULL_EVERY_MS, signal);
      first = await reopen();
    }
  }
}

export function workerLock(first: Release): WorkerLock {
  let release = first;
  return {
    async moveTo(runtime) {
      // The state is opened first: if it cannot be, this process stays the worker.
      await runtime.state();
      await release();
      release = await take(runtime);
    },
    [Symbol.asyncDispose]: () => release(),
  };
}

async function take(runtime: Runtime): Promise<Release> {
  const { takeWorker } = await runtime.state();
  const taken = await takeWorker(runtime.clock.now());
  if (taken.ok) return taken.release;
  throw new AppError('BUSY', `recordupload watch runs already with this state, as process ${taken.pid}`, {
    hint: 'it does all the work; recordupload status shows what it does',
  });
}

/** SQLite's FULL, and IOERR_SHMSIZE: its shared memory could not grow (https://www.sqlite.org/rescode.html). */
const SQLITE_FULL = [13, 4874];

function isDiskFull(error: unknown): boolean {
  if (!(error instanceof AppError) || error.code !== 'STATE' || !isNativeError(error.cause)) return false;
  const { errcode } = error.cause as { errcode?: unknown };
  return hasErrorCode(error.cause, 'ENOSPC', 'EDQUOT') || SQLITE_FULL.includes(Number(errcode));
}

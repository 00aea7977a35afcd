import { AppError } from '../../core/errors.ts';
import type { Runtime } from '../runtime.ts';

/** This process's place as the worker of its state. */
export interface WorkerLock extends AsyncDisposable {
  /** Keeps it with another connection to the same state. @throws AppError `BUSY`, `STATE` */
  moveTo(runtime: Runtime): Promise<void>;
}

/** Becomes the worker. @throws AppError `BUSY` if the state has one, `STATE` */
export async function workerLock(first: Runtime): Promise<WorkerLock> {
  let release = await take(first);
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

async function take(runtime: Runtime): Promise<() => Promise<void>> {
  const { takeWorker } = await runtime.state();
  const taken = await takeWorker(runtime.clock.now());
  if (taken.ok) return taken.release;
  throw new AppError('BUSY', `recordupload watch runs already with this state, as process ${taken.pid}`, {
    hint: 'it does all the work; recordupload status shows what it does',
  });
}

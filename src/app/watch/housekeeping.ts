import { AppError } from '../../core/errors.ts';
import { formatBytes } from '../../core/units.ts';
import { prune } from '../cleanup/state.ts';
import { cleanUp } from '../cleanup/uploads.ts';
import type { Runtime } from '../runtime.ts';

const DAY_MS = 86_400_000;
/** As `prune` and `cleanup` do unless they are asked otherwise. */
const SETTLED_FOR_MS = 90 * DAY_MS;
const ABANDONED_FOR_MS = 7 * DAY_MS;

/**
 * Tidies up, as the worker does once a day: removes old delivered webhooks from the state, and multipart uploads that this
 * machine has abandoned from the bucket. Says what it has removed.
 * @throws AppError `STATE`; the signal's reason
 */
export async function keepHouse(runtime: Runtime): Promise<void> {
  const { observer, signal } = runtime;
  const { deliveries, freedBytes } = await prune({ olderThanMs: SETTLED_FOR_MS, dryRun: false }, runtime);
  if (deliveries > 0) {
    const message = `removed ${deliveries} old delivered webhooks from the state (${formatBytes(freedBytes)} freed)`;
    observer({ type: 'notice', message });
  }
  try {
    const { uploads } = await cleanUp({ olderThanMs: ABANDONED_FOR_MS, elsewhere: false, remove: true }, runtime);
    if (uploads.length > 0)
      observer({ type: 'notice', message: `removed ${uploads.length} abandoned uploads from the bucket` });
  } catch (error) {
    if (signal.aborted || !(error instanceof AppError) || error.code === 'STATE') throw error;
    observer({ type: 'warning', message: `abandoned uploads were not looked for: ${error.message}` });
  }
}

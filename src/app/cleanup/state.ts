import type { PruneReport } from '../../core/delivery/housekeeping.ts';
import type { Runtime } from '../runtime.ts';

export interface PruneRequest {
  /** Only what was delivered or superseded longer ago than this. */
  olderThanMs: number;
  /** Count what would be removed, and remove nothing. */
  dryRun: boolean;
}

/** What a pruning removed, or would remove. */
export interface PruneResult extends PruneReport {
  dryRun: boolean;
  /** Milliseconds since 1970. */
  settledBefore: number;
}

/**
 * Removes old deliveries from the state. What is pending or held stays, however old.
 * @throws AppError `STATE`
 */
export async function prune({ olderThanMs, dryRun }: PruneRequest, runtime: Runtime): Promise<PruneResult> {
  const now = runtime.clock.now();
  const settledBefore = now - olderThanMs;
  const { housekeeping } = await runtime.state();
  const report = await housekeeping.prune({ settledBefore, now, dryRun });
  const { deliveries, deadOwners, freedBytes } = report;
  const didSomething = deliveries + deadOwners + freedBytes > 0;
  if (!dryRun && didSomething) runtime.observer({ type: 'state-pruned', deliveries, deadOwners, freedBytes });
  return { dryRun, settledBefore, ...report };
}

import type { Runtime } from './runtime.ts';

export interface PruneRequest {
  /** Only what was delivered or superseded longer ago than this. */
  olderThanMs: number;
  /** Count what would be removed, and remove nothing. */
  dryRun: boolean;
}

/** What a pruning removed, or would remove. */
export interface PruneResult {
  dryRun: boolean;
  /** Milliseconds since 1970. */
  settledBefore: number;
  /** Delivered and superseded deliveries, with all their attempts. */
  deliveries: number;
  /** Files and rows of processes that have ended. */
  deadOwners: number;
  /** How much smaller the state file is. */
  freedBytes: number;
  /** State files that were set aside, in the state folder; they are never removed. */
  setAside: string[];
}

/**
 * Removes old deliveries from the state. What is pending or held stays, however old.
 * @throws AppError `STATE`
 */
export async function prune({ olderThanMs, dryRun }: PruneRequest, runtime: Runtime): Promise<PruneResult> {
  const now = runtime.clock.now();
  const settledBefore = now - olderThanMs;
  const state = await runtime.state();
  return { dryRun, settledBefore, ...(await state.prune({ settledBefore, now, dryRun })) };
}

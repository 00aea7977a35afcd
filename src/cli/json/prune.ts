import type { PruneResult } from '../../app/cleanup/state.ts';
import { iso } from './document.ts';

/** The result of `cleanup state --json`, and of `prune --json`. */
export interface PruneJson {
  dryRun: boolean;
  settledBefore: string;
  /** Delivered and superseded webhooks that were deleted, or would be. */
  deliveries: number;
  /** Processes that have ended and left something behind. */
  deadOwners: number;
  freedBytes: number;
  /** State files that were set aside; they are never deleted. */
  setAside: string[];
}

export function pruneJson({
  dryRun,
  settledBefore,
  deliveries,
  deadOwners,
  freedBytes,
  setAside,
}: PruneResult): PruneJson {
  return { dryRun, settledBefore: iso(settledBefore), deliveries, deadOwners, freedBytes, setAside };
}

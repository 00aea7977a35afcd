import type { PruneResult } from '../../app/cleanup/state.ts';
import { printable } from '../../core/text.ts';
import { formatBytes } from '../../core/units.ts';
import { count } from '../terminal/format.ts';
import { formatMoment } from '../terminal/moment.ts';

/** Unless `--older-than` says otherwise. */
export const DEFAULT_PRUNE_AGE_MS = 90 * 86_400_000;

/** What was deleted, and what was left alone although it looks old. */
export function pruneText({
  dryRun,
  settledBefore,
  deliveries,
  deadOwners,
  freedBytes,
  setAside,
}: PruneResult): string[] {
  const verb = dryRun ? 'would delete' : 'deleted';
  return [
    `${verb} ${count(deliveries, 'delivered or superseded webhook')} from before ${formatMoment(settledBefore)}`,
    ...(deadOwners > 0
      ? [`${verb} the leftovers of ${deadOwners} ended ${deadOwners === 1 ? 'process' : 'processes'}`]
      : []),
    ...(freedBytes > 0 ? [`the state is ${formatBytes(freedBytes)} smaller`] : []),
    ...setAside.map(name => `left alone: ${printable(name)} (a state file that was set aside)`),
  ];
}

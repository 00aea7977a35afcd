import type { PruneReport } from '../state/sqlite/prune.ts';
import { count, formatBytes, printable } from './terminal/format.ts';
import { formatMoment } from './terminal/moment.ts';

/** What a pruning removed; what it leaves alone is named, too. */
export function pruneText(
  { deliveries, deadOwners, freedBytes, setAside }: PruneReport,
  { settledBefore, dryRun }: { settledBefore: number; dryRun: boolean },
): string[] {
  const verb = dryRun ? 'would remove' : 'removed';
  return [
    `${verb} ${count(deliveries, 'delivered or superseded webhook')} from before ${formatMoment(settledBefore)}`,
    ...(deadOwners > 0 ? [`${verb} what ${deadOwners} ended processes left`] : []),
    ...(freedBytes > 0 ? [`the state is ${formatBytes(freedBytes)} smaller`] : []),
    ...setAside.map(name => `left alone: ${printable(name)} (a state file that was set aside)`),
  ];
}

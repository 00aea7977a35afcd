import type { MoveResult } from '../../../../app/open-move.ts';
import { printable } from '../../../../core/text.ts';
import { count } from '../../../terminal/format.ts';

/** What was moved, what was not, and what is left to do. */
export function stateMoveText({ to, dryRun, machine, place, counts, already, kept, backup }: MoveResult): string[] {
  const { recordings, files, deliveries, queued } = counts;
  const what = [
    count(recordings, 'recording'),
    count(files, 'file'),
    count(deliveries, 'webhook'),
    `${count(queued, 'folder')} in the queue`,
  ].join(', ');
  const way =
    to === 'postgres' ? `into PostgreSQL at ${place}` : `from PostgreSQL at ${place} into this machine's file`;
  const verb = dryRun ? 'would move' : 'moved';
  return [
    `${verb} the state of machine ${printable(machine)} ${way}: ${what}${dryRun ? '' : '; both sides were compared'}`,
    ...(already > 0 ? [`${count(already, 'recording')} of these ${already === 1 ? 'was' : 'were'} there already`] : []),
    ...kept.map(
      one =>
        `not moved: ${printable(one.recordingId)} (machine ${printable(one.machine)} has a recording with this ID; upload this one under another ID, or, if this machine was called so before, move it under that name)`,
    ),
    ...(backup === undefined ? [] : [`the file as it was: ${printable(backup)}`]),
    ...(to === 'sqlite' && !dryRun ? ['remove stateUrl from the configuration now'] : []),
  ];
}

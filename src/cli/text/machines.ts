import type { ChalkInstance } from 'chalk';
import { lifeOf, workOf } from '../../app/machine-words.ts';
import type { UnfinishedUpload } from '../../core/status/overview.ts';
import type { Machine } from '../../core/status/worker.ts';
import { printable } from '../../core/text.ts';
import { table } from '../terminal/format.ts';

/**
 * One line for each machine of a fleet: who is alive, since when, and what it is doing.
 * @param uploads those under way, or some of them
 */
export function machineLines(
  machines: readonly Machine[],
  { uploads, now, paint }: { uploads: readonly UnfinishedUpload[]; now: number; paint: ChalkInstance },
): string[] {
  const rows = machines.map(machine => [
    `  ${printable(machine.name)}`,
    (machine.isAlive ? paint.green : paint.yellow)(lifeOf(machine, now)),
    workOf(machine, uploads),
  ]);
  return table(rows).map(line => line.trimEnd());
}

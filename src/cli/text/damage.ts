import { damagedState } from '../../app/damaged-state.ts';
import type { StateDamage } from '../../core/status/overview.ts';
import { EXIT, type ExitCode, exitCodeOf } from '../exit-codes.ts';
import { errorLine } from '../failure.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** What the tables of the state have, for people. */
const WORDS: Readonly<Record<string, string>> = {
  recordings: 'recordings',
  files: 'files of recordings',
  multipart_uploads: 'uploads of large files',
  parts: 'parts of large files',
  begun_uploads: 'unfinished uploads in the bucket',
  endpoints: 'which endpoints are disabled',
  deliveries: 'webhooks',
  attempts: 'attempts to send webhooks',
  pruned_deliveries: 'webhooks that were pruned',
  queue: 'folders that wait or were refused',
  totals: 'totals for monitoring',
  successes: 'totals for monitoring',
};

/** What is missing in what a command shows. */
function damageWords({ unreadable }: StateDamage): string {
  const named = (all: boolean) => [
    ...new Set(unreadable.filter(one => one.all === all).flatMap(({ table }) => WORDS[table] ?? [])),
  ];
  const [some, all] = [named(false), named(true)];
  if (some.length + all.length === 0) return 'all of it could be read';
  return [
    ...(some.length > 0 ? [`cannot be read: some ${some.join(', ')}`] : []),
    ...(all.length > 0 ? [`cannot be read at all: ${all.join(', ')}`] : []),
  ].join('; ');
}

/** The exit status that a damaged state asks for. */
export function exitCodeOfDamage(damage: StateDamage | undefined): ExitCode {
  return damage ? exitCodeOf('STATE') : EXIT.done;
}

/**
 * Says on stderr that the state is damaged, and what is missing in what is shown.
 * @returns the exit status that this asks for
 */
export function reportDamage(damage: StateDamage | undefined, terminal: Terminal): ExitCode {
  const exitCode = exitCodeOfDamage(damage);
  if (!damage) return exitCode;
  terminal.err(errorLine(damagedState(damage), terminal));
  terminal.err(`  this is what can be read of it; ${damageWords(damage)}`);
  return exitCode;
}

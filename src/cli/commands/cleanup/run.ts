import { cleanUp } from '../../../app/cleanup.ts';
import { EXIT } from '../../exit-codes.ts';
import { jsonDocument } from '../../json/document.ts';
import { openCommand } from '../../open-command.ts';
import type { RunCommand } from '../../program/command.ts';
import { cleanupJson } from './json.ts';
import type { cleanupSpec } from './spec.ts';
import { cleanupText } from './text.ts';

const DEFAULT_AGE_MS = 7 * 86_400_000;

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
] as const;

/** As `--older-than` takes it: `7d`, `90m`. */
function ageText(ms: number): string {
  const [unit, size] = UNITS.find(([, size]) => ms > 0 && ms % size === 0) ?? ['s', 1_000];
  return `${ms / size}${unit}`;
}

/** `recordupload cleanup` */
export const run: RunCommand<typeof cleanupSpec> = async call => {
  const { options, terminal, command } = call;
  const { olderThan: olderThanMs = DEFAULT_AGE_MS, elsewhere = false, yes: remove = false } = options;
  const flags = [
    ...(elsewhere ? ['--elsewhere'] : []),
    ...(options.olderThan === undefined ? [] : ['--older-than', ageText(olderThanMs)]),
  ];
  const again = ['recordupload cleanup', ...flags, '--yes'].join(' ');
  await using open = await openCommand(call, { opening: 'looking for abandoned uploads in the bucket' });
  const report = await cleanUp({ olderThanMs, elsewhere, remove }, open.runtime);
  open.settle();
  if (options.json) terminal.document(jsonDocument(command, EXIT.done, { result: cleanupJson(report) }));
  else if (!options.quiet) terminal.out(cleanupText(report, { olderThanMs, again }).join('\n'));
  return EXIT.done;
};

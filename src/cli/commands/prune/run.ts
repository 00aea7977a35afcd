import { prune } from '../../../app/prune.ts';
import { EXIT } from '../../exit-codes.ts';
import { jsonDocument } from '../../json/document.ts';
import { openCommand } from '../../open-command.ts';
import type { RunCommand } from '../../program/command.ts';
import { pruneJson } from './json.ts';
import type { pruneSpec } from './spec.ts';
import { pruneText } from './text.ts';

const DEFAULT_AGE_MS = 90 * 86_400_000;

/** `recordupload prune` */
export const run: RunCommand<typeof pruneSpec> = async call => {
  const { options, terminal, command } = call;
  const { olderThan: olderThanMs = DEFAULT_AGE_MS, dryRun = false } = options;
  await using open = await openCommand(call);
  const result = await prune({ olderThanMs, dryRun }, open.runtime);
  open.settle();
  if (options.json) terminal.document(jsonDocument(command, EXIT.done, { result: pruneJson(result) }));
  else if (!options.quiet) terminal.out(pruneText(result).join('\n'));
  return EXIT.done;
};

import { prune } from '../../../app/cleanup/state.ts';
import { EXIT } from '../../exit-codes.ts';
import { jsonDocument } from '../../json/document.ts';
import { pruneJson } from '../../json/prune.ts';
import { openCommand } from '../../open-command.ts';
import type { RunCommand } from '../../program/command.ts';
import { DEFAULT_PRUNE_AGE_MS, pruneText } from '../../text/prune.ts';
import type { pruneSpec } from './spec.ts';

/** `recordupload prune`: an alias of `cleanup state`. */
export const run: RunCommand<typeof pruneSpec> = async call => {
  const { options, terminal, command } = call;
  const { olderThan: olderThanMs = DEFAULT_PRUNE_AGE_MS, dryRun = false } = options;
  await using open = await openCommand(call);
  const result = await prune({ olderThanMs, dryRun }, open.runtime);
  open.settle();
  if (options.json) terminal.document(jsonDocument(command, EXIT.done, { result: pruneJson(result) }));
  else if (!options.quiet) terminal.out(pruneText(result).join('\n'));
  return EXIT.done;
};

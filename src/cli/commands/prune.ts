import { EXIT } from '../exit-codes.ts';
import { jsonDocument } from '../failure.ts';
import { type RunCommand, textOption } from '../program/command.ts';
import { pruneText } from '../render-prune.ts';
import { parseAge } from '../terminal/moment.ts';
import { openWorkspace } from '../workspace.ts';

const DEFAULT_AGE = '90d';

/** `recordupload prune` */
export const run: RunCommand = async invocation => {
  const { options, terminal, command } = invocation;
  const olderThanMs = parseAge(textOption(options, 'olderThan') ?? DEFAULT_AGE, '--older-than');
  const dryRun = Boolean(options.dryRun);
  const workspace = await openWorkspace(invocation);
  try {
    const now = workspace.clock.now();
    const settledBefore = now - olderThanMs;
    const report = await (await workspace.state()).prune({ settledBefore, now, dryRun });
    workspace.settle();
    if (options.json) {
      const result = { dryRun, settledBefore: new Date(settledBefore).toISOString(), ...report };
      terminal.document(jsonDocument(command, EXIT.done, { result }));
    } else if (!options.quiet) terminal.out(pruneText(report, { settledBefore, dryRun }).join('\n'));
    return EXIT.done;
  } finally {
    await workspace.close();
  }
};

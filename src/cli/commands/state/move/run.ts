import { moveState } from '../../../../app/open-move.ts';
import { AppError } from '../../../../core/errors.ts';
import { EXIT } from '../../../exit-codes.ts';
import { jsonDocument } from '../../../json/document.ts';
import { openCommand } from '../../../open-command.ts';
import type { RunCommand } from '../../../program/command.ts';
import { stateMoveJson } from './json.ts';
import type { stateMoveSpec } from './spec.ts';
import { stateMoveText } from './text.ts';

/** `recordupload state move` */
export const run: RunCommand<typeof stateMoveSpec> = async call => {
  const { options, terminal, command } = call;
  const { to, dryRun = false } = options;
  if (to === undefined) {
    throw new AppError('USAGE', 'nothing says where the state is to be moved', {
      hint: 'say --to postgres, or --to sqlite',
    });
  }
  await using open = await openCommand(call, { opening: 'moving the state' });
  const result = await moveState({ to, dryRun }, open.runtime);
  open.settle();
  const exitCode = result.kept.length > 0 ? EXIT.recording : EXIT.done;
  if (options.json) terminal.document(jsonDocument(command, exitCode, { result: stateMoveJson(result) }));
  else if (!options.quiet) terminal.out(stateMoveText(result).join('\n'));
  return exitCode;
};

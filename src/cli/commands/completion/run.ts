import { AppError } from '../../../core/errors.ts';
import { printable } from '../../../core/text.ts';
import { EXIT } from '../../exit-codes.ts';
import type { RunCommand } from '../../program/command.ts';
import { complete } from '../../program/complete.ts';
import { completionScript } from '../../program/completion-scripts.ts';
import { isShell, SHELLS } from '../../program/shells.ts';
import { endpointNames, knownRecordings } from './sources.ts';
import type { completionSpec } from './spec.ts';

/** `recordupload completion <shell> [word...]` */
export const run: RunCommand<typeof completionSpec> = async ({ args, terminal, commands }) => {
  const [shell, ...words] = args;
  if (!isShell(shell)) {
    throw new AppError('USAGE', `there is no completion for ${JSON.stringify(shell)}`, {
      hint: `one of ${SHELLS.join(', ')}`,
    });
  }
  if (words.length === 0) {
    terminal.document(completionScript(shell));
    return EXIT.done;
  }
  const { candidates, files } = await complete(words, {
    shell,
    commands,
    recordingIds: prefix => knownRecordings(prefix, terminal),
    endpointNames: () => endpointNames(terminal),
  });
  // What a terminal would obey or hide is not typed for anybody.
  const shown = candidates.filter(({ value }) => printable(value) === value);
  const lines = shown.map(({ value, about }) => (about === '' ? value : `${value}\t${about}`));
  terminal.document([...lines, files ? ':files' : ':none'].join('\n'));
  return EXIT.done;
};

import { forget } from '../../../app/forget.ts';
import { printable } from '../../../core/text.ts';
import { EXIT } from '../../exit-codes.ts';
import { jsonDocument } from '../../json/document.ts';
import { openCommand } from '../../open-command.ts';
import type { RunCommand } from '../../program/command.ts';
import { forgetJson } from './json.ts';
import type { forgetSpec } from './spec.ts';
import { againText, forgetText } from './text.ts';

/** `recordupload forget <id>` */
export const run: RunCommand<typeof forgetSpec> = async call => {
  const { args, options, terminal, command } = call;
  await using open = await openCommand(call);
  const report = await forget({ id: args[0] }, open.runtime);
  open.settle();
  const [failed] = report.uploads.flatMap(({ notAborted }) => notAborted);
  const exitCode = failed ? EXIT.incomplete : EXIT.done;
  if (options.json) terminal.document(jsonDocument(command, exitCode, { result: forgetJson(report) }));
  else if (!options.quiet) terminal.out(forgetText(report, terminal.paint.out).join('\n'));
  else if (failed) {
    const why = `${printable(failed.key)} could not be aborted: ${printable(failed.error.message)}`;
    terminal.err(`recordupload forget: ${report.recordingId}: ${why}; next: ${againText(report.recordingId)}`);
  }
  return exitCode;
};

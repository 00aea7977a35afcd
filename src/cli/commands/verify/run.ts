import { idOrFolder, type VerifiedRecording, verify } from '../../../app/verify.ts';
import { EXIT, heaviest } from '../../exit-codes.ts';
import { jsonDocument } from '../../json/document.ts';
import { openCommand } from '../../open-command.ts';
import type { RunCommand } from '../../program/command.ts';
import { verifyJson } from './json.ts';
import type { verifySpec } from './spec.ts';
import { verifyText } from './text.ts';

/** `recordupload verify <id|dir...>` */
export const run: RunCommand<typeof verifySpec> = async call => {
  const { args, options, terminal, command } = call;
  const opening = `comparing ${args.join(' ')} with the bucket`;
  await using open = await openCommand(call, { withoutState: 'continue', opening });
  const recordings = await Promise.all(args.map(idOrFolder));
  const { id, full, links } = options;
  const reports = await verify({ recordings, id, full, links }, open.runtime, report => {
    open.settle();
    if (!options.json) print(report);
  });
  const exitCode = heaviest(reports.map(report => (report.ok ? EXIT.done : EXIT.changed)));
  if (options.json) terminal.document(jsonDocument(command, exitCode, { result: verifyJson(reports) }));
  return exitCode;

  function print(report: VerifiedRecording): void {
    const lines = verifyText(report, terminal.paint.out);
    if (!options.quiet) terminal.out(lines.join('\n'));
    else if (!report.ok) terminal.err(`recordupload: ${lines[0]}; next: recordupload verify ${report.recordingId}`);
  }
};

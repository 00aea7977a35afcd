import { enableEndpoint } from '../../../../app/switch-endpoint.ts';
import { EXIT } from '../../../exit-codes.ts';
import { jsonDocument } from '../../../json/document.ts';
import { switchedJson } from '../../../json/switched.ts';
import { openCommand } from '../../../open-command.ts';
import type { RunCommand } from '../../../program/command.ts';
import { switchedText } from '../../../text/switched.ts';
import type { webhookEnableSpec } from './spec.ts';

/** `recordupload webhook enable <name>` */
export const run: RunCommand<typeof webhookEnableSpec> = async call => {
  const { args, options, terminal, command } = call;
  await using open = await openCommand(call);
  const report = await enableEndpoint({ name: args[0] }, open.runtime);
  open.settle();
  if (options.json) terminal.document(jsonDocument(command, EXIT.done, { result: switchedJson(report) }));
  else if (!options.quiet) terminal.out(switchedText(report));
  return EXIT.done;
};

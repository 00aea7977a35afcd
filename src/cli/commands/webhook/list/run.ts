import { listEndpoints } from '../../../../app/endpoints.ts';
import { EXIT } from '../../../exit-codes.ts';
import { jsonDocument } from '../../../json/document.ts';
import { openCommand } from '../../../open-command.ts';
import type { RunCommand } from '../../../program/command.ts';
import { endpointsJson } from './json.ts';
import type { webhookListSpec } from './spec.ts';
import { endpointsText } from './text.ts';

/** `recordupload webhook list` */
export const run: RunCommand<typeof webhookListSpec> = async call => {
  const { options, terminal, command } = call;
  await using open = await openCommand(call);
  const { runtime } = open;
  const endpoints = await listEndpoints(runtime);
  open.settle();
  if (options.json) terminal.document(jsonDocument(command, EXIT.done, { result: endpointsJson(endpoints) }));
  else if (!options.quiet) {
    terminal.out(endpointsText(endpoints, runtime.clock.now(), terminal.paint.out).join('\n'));
  }
  return EXIT.done;
};

import { discardWebhooks } from '../../../../app/discard.ts';
import { EXIT } from '../../../exit-codes.ts';
import { jsonDocument } from '../../../json/document.ts';
import { openCommand } from '../../../open-command.ts';
import type { RunCommand } from '../../../program/command.ts';
import { discardedText } from '../../../text/discarded.ts';
import { webhookDiscardJson } from './json.ts';
import type { webhookDiscardSpec } from './spec.ts';

/** `recordupload webhook discard <id>` */
export const run: RunCommand<typeof webhookDiscardSpec> = async call => {
  const { args, options, terminal, command } = call;
  await using open = await openCommand(call);
  const report = await discardWebhooks({ id: args[0], endpoint: options.endpoint }, open.runtime);
  open.settle();
  if (options.json) terminal.document(jsonDocument(command, EXIT.done, { result: webhookDiscardJson(report) }));
  else if (!options.quiet) {
    const { recordingId, discarded } = report;
    terminal.out(
      discarded.length > 0 ? discardedText(report) : `recording ${recordingId} has no webhook that waits or is held`,
    );
  }
  return EXIT.done;
};

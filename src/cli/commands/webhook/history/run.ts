import { webhookHistory } from '../../../../app/webhook-history.ts';
import { jsonDocument } from '../../../json/document.ts';
import { openCommand } from '../../../open-command.ts';
import type { RunCommand } from '../../../program/command.ts';
import { exitCodeOfDamage, reportDamage } from '../../../text/damage.ts';
import { historyText } from '../../../text/history.ts';
import { webhookHistoryJson } from './json.ts';
import type { webhookHistorySpec } from './spec.ts';

/** `recordupload webhook history <id>` */
export const run: RunCommand<typeof webhookHistorySpec> = async call => {
  const { args, options, terminal, command } = call;
  // Looking leaves no trace: no log, no state.
  await using open = await openCommand(call, { log: false, withoutSecrets: true });
  const { runtime } = open;
  const history = await webhookHistory({ id: args[0], machine: options.machine }, runtime);
  open.settle();
  const { damage } = history;
  const exitCode = options.json ? exitCodeOfDamage(damage) : reportDamage(damage, terminal);
  if (options.json) terminal.document(jsonDocument(command, exitCode, { result: webhookHistoryJson(history) }));
  else if (!options.quiet) {
    const { recordingId, machine, webhooks } = history;
    terminal.out(
      historyText(recordingId, webhooks, runtime.clock.now(), terminal.paint.out, {
        isDamaged: damage !== undefined,
        machine,
      }).join('\n'),
    );
  }
  return exitCode;
};

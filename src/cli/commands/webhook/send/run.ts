import { findWebhook, type SendRequest, sendWebhook } from '../../../../app/send.ts';
import { printable, printableJson } from '../../../../core/text.ts';
import { EXIT, type ExitCode, heaviest } from '../../../exit-codes.ts';
import { exitCodeOfSignal } from '../../../failure.ts';
import { changeJson } from '../../../json/changes.ts';
import { deliveryJson } from '../../../json/delivery.ts';
import { jsonDocument } from '../../../json/document.ts';
import { type OpenCommand, openCommand } from '../../../open-command.ts';
import type { Invocation, RunCommand } from '../../../program/command.ts';
import { nextForWebhook, undelivered } from '../../../text/delivery.ts';
import type { FoundWebhookJson, SendJson } from './json.ts';
import type { webhookSendSpec } from './spec.ts';
import { sentText } from './text.ts';

type Call = Invocation<typeof webhookSendSpec>;

/** `recordupload webhook send <id>` */
export const run: RunCommand<typeof webhookSendSpec> = async call => {
  const { args, options } = call;
  const opening = options.dryRun ? undefined : `telling the server about ${args[0]}`;
  await using open = await openCommand(call, { withoutState: 'continue', opening });
  return await (options.dryRun ? show : send)(call, open);
};

function requestOf({ args, options }: Call): SendRequest {
  const { title, email, username, createdAt, duration, endpoint } = options;
  return { id: args[0], title, email, username, createdAt, durationSeconds: duration, endpoint };
}

/** `--dry-run` */
async function show(call: Call, { runtime, settle }: OpenCommand): Promise<ExitCode> {
  const { options, terminal, command } = call;
  const { payload, from } = await findWebhook(requestOf(call), runtime);
  settle();
  if (options.json) {
    const result: FoundWebhookJson = { dryRun: true, from, payload };
    terminal.document(jsonDocument(command, EXIT.done, { result }));
  } else {
    terminal.err(`payload from ${from}; nothing was sent`);
    terminal.document(printableJson(payload, 2));
  }
  return EXIT.done;
}

async function send(call: Call, { runtime, settle }: OpenCommand): Promise<ExitCode> {
  const { options, terminal, command, signal } = call;
  const { deliveries, changes } = await sendWebhook(requestOf(call), runtime);
  settle();
  const failed = undelivered(deliveries);
  const isDone = failed.length === 0 && deliveries.length > 0;
  const exitCode = heaviest([exitCodeOfSignal(signal), isDone ? EXIT.done : EXIT.webhook]);
  if (options.json) {
    const result: SendJson = { deliveries: deliveries.map(deliveryJson), changes: changes.map(changeJson) };
    terminal.document(jsonDocument(command, exitCode, { result }));
  } else if (!options.quiet) terminal.out(sentText({ deliveries, changes }, terminal.paint.out).join('\n'));
  else
    for (const { recordingId, outcome, detail } of failed)
      terminal.err(
        `recordupload: ${recordingId}: webhook ${outcome}: ${printable(detail)}; next: ${nextForWebhook(failed)}`,
      );
  return exitCode;
}

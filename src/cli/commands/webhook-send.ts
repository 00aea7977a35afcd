import { requireCredentials, requireToken } from '../../config/requirements.ts';
import { deliverWebhooks } from '../../core/delivery/deliver-webhooks.ts';
import { AppError } from '../../core/errors.ts';
import { type FoundPayload, findPayload } from '../../core/payload/find-payload.ts';
import { parseOverrides } from '../../core/recording/read-recording.ts';
import { parseRecordingId } from '../../core/recording/recording.ts';
import { EXIT, type ExitCode, heaviest } from '../exit-codes.ts';
import { exitCodeOfSignal, jsonDocument } from '../failure.ts';
import { type Invocation, type RunCommand, textOption } from '../program/command.ts';
import { deliveryJson } from '../render-json.ts';
import { nextForWebhook, sentText } from '../render-upload.ts';
import { printable } from '../terminal/format.ts';
import { chosenEndpoints, openWorkspace, type Workspace } from '../workspace.ts';

/** `recordupload webhook send <id>` */
export const run: RunCommand = async invocation => {
  const workspace = await openWorkspace(invocation, {
    withoutState: 'continue',
    opening: invocation.options.dryRun ? undefined : `telling the server about ${invocation.args[0]}`,
  });
  try {
    const found = await find(invocation, workspace);
    return invocation.options.dryRun ? show(found, invocation) : await send(found, invocation, workspace);
  } finally {
    await workspace.close();
  }
};

async function find(
  { args, options, signal, terminal }: Invocation,
  { config, state, clock }: Workspace,
): Promise<FoundPayload> {
  const id = parseRecordingId(args[0] ?? '', 'id', 'USAGE');
  const overrides = parseOverrides({
    title: textOption(options, 'title'),
    email: textOption(options, 'email'),
    username: textOption(options, 'username'),
    createdAt: textOption(options, 'createdAt'),
    durationSeconds: textOption(options, 'duration'),
  });
  return await findPayload(
    id,
    overrides,
    { ...config, uploadSource: config.uploadSource ?? 'cli' },
    {
      target: `${config.endpoint}/${config.bucket}`,
      store: (await state()).recordings,
      bucket: async () =>
        (await import('../../core/storage/s3/s3-bucket.ts')).openBucket({
          ...config,
          credentials: requireCredentials(config),
          env: terminal.env,
        }),
      now: clock.now,
      signal,
    },
  );
}

function show({ payload, from }: FoundPayload, { options, terminal, command }: Invocation): ExitCode {
  if (options.json) terminal.document(jsonDocument(command, EXIT.done, { result: { dryRun: true, from, payload } }));
  else {
    terminal.err(`payload from ${from}; nothing was sent`);
    terminal.document(JSON.stringify(payload, null, 2));
  }
  return EXIT.done;
}

async function send(
  { text, contentHash, payload }: FoundPayload,
  { options, terminal, command, signal }: Invocation,
  workspace: Workspace,
): Promise<ExitCode> {
  const { config, clock } = workspace;
  const endpoints = chosenEndpoints(
    config,
    textOption(options, 'endpoint'),
    (message, hint) => new AppError('USAGE', message, { hint }),
  );
  for (const endpoint of endpoints) if (endpoint.enabled) requireToken(endpoint);
  const { deliveries } = (await workspace.state()).outbox;
  const queued = await deliveries.enqueue({
    recordingId: String(payload.recording_id),
    endpoints: endpoints.map(endpoint => endpoint.name),
    payload: text,
    contentHash,
    now: clock.now(),
  });
  // What was delivered before is sent again: that is what was asked for.
  const seqs = queued.map(({ delivery }) => delivery.seq);
  await deliveries.requeue(seqs, clock.now());
  const report = await deliverWebhooks(
    { due: 'now', held: true, trigger: 'send', deliverySeqs: seqs },
    { ...(await workspace.delivery()), endpoints },
  );
  workspace.settle();

  const failed = report.deliveries.filter(delivery => delivery.outcome !== 'delivered');
  const undelivered = failed.length > 0 || report.deliveries.length === 0;
  const exitCode = heaviest([exitCodeOfSignal(signal), undelivered ? EXIT.webhook : EXIT.done]);
  if (options.json)
    terminal.document(jsonDocument(command, exitCode, { result: { deliveries: report.deliveries.map(deliveryJson) } }));
  else if (!options.quiet) terminal.out(sentText(report.deliveries, terminal.paint.out).join('\n'));
  else
    for (const { recordingId, outcome, detail } of failed)
      terminal.err(
        `recordupload: ${recordingId}: webhook ${outcome}: ${printable(detail)}; next: ${nextForWebhook(failed)}`,
      );
  return exitCode;
}

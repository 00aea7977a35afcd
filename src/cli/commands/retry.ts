import { deliverWebhooks } from '../../core/delivery/deliver-webhooks.ts';
import type { Delivery } from '../../core/delivery/delivery.ts';
import type { DeliverReport } from '../../core/delivery/delivery-report.ts';
import { AppError } from '../../core/errors.ts';
import { parseRecordingId } from '../../core/recording/recording.ts';
import { type RetriedUpload, retryUploads } from '../../core/upload/retry-uploads.ts';
import { failuresOf } from '../../core/upload/upload-report.ts';
import type { WaitingCount } from '../../state/sqlite/delivery-store.ts';
import type { StoredRecording } from '../../state/sqlite/recording-store.ts';
import { EXIT, type ExitCode, exitCodeOf, heaviest } from '../exit-codes.ts';
import { exitCodeOfSignal, jsonDocument, jsonError } from '../failure.ts';
import { leftBehind, leftBehindText } from '../left-behind.ts';
import { type Invocation, type RunCommand, textOption } from '../program/command.ts';
import { deliveryJson, uploadJson } from '../render-json.ts';
import { listText, retryText } from '../render-retry.ts';
import { rereadStored, uploadRequest } from '../upload-request.ts';
import { chosenEndpoints, openWorkspace, type Workspace } from '../workspace.ts';

/** `recordupload retry [id...]` */
export const run: RunCommand = async invocation => {
  const ids = invocation.args.map(text => parseRecordingId(text, 'id', 'USAGE'));
  const workspace = await openWorkspace(invocation, {
    opening: invocation.options.list ? undefined : 'looking for what is unfinished or due',
  });
  try {
    const { config } = workspace;
    const endpoints = chosenEndpoints(
      config,
      textOption(invocation.options, 'endpoint'),
      (message, hint) => new AppError('USAGE', message, { hint }),
    );
    const target = `${config.endpoint}/${config.bucket}`;
    const { recordings, outbox } = await workspace.state();
    const unfinished = (await recordings.unfinished(target)).filter(
      recording => ids.length === 0 || ids.includes(recording.id),
    );
    const names = endpoints.map(endpoint => endpoint.name);
    const left = leftBehind(await outbox.deliveries.waiting(), config.webhooks);
    for (const one of left) workspace.observer({ type: 'warning', message: leftBehindText(one) });
    const work = { unfinished, ids, endpoints: names, left };
    return await (invocation.options.list ? list : retry)(work, invocation, workspace);
  } finally {
    await workspace.close();
  }
};

/** What is asked for, and what there is. */
interface Work {
  unfinished: StoredRecording[];
  /** None: all. */
  ids: string[];
  /** Names. */
  endpoints: string[];
  /** Endpoints that are not configured, whose webhooks are out of reach. */
  left: WaitingCount[];
}

async function retry(
  { unfinished, ids, endpoints, left }: Work,
  invocation: Invocation,
  workspace: Workspace,
): Promise<ExitCode> {
  const { options, terminal, command, signal } = invocation;
  const { config } = workspace;
  const uploads =
    unfinished.length === 0
      ? []
      : await retryUploads(unfinished, {
          uploads: await workspace.uploads(),
          reread: stored => rereadStored(stored, signal, workspace),
          request: ({ webhooks }) => uploadRequest(config, { force: false, webhooks }),
        });
  const sent = await deliver(ids, endpoints, invocation, workspace);
  workspace.settle();

  const exitCode = heaviest([
    ...uploads.map(exitCodeOfUpload),
    ...sent.deliveries.map(({ outcome, line }) => (line && outcome !== 'delivered' ? EXIT.webhook : EXIT.done)),
    exitCodeOfSignal(signal),
  ]);
  if (options.json) {
    const result = {
      uploads: uploads.map(one =>
        one.ok
          ? uploadJson(one.report)
          : { recordingId: one.recordingId, dir: one.dir, outcome: 'failed', error: jsonError(one.error) },
      ),
      deliveries: sent.deliveries.map(deliveryJson),
      endpoints: sent.endpoints,
      unconfigured: left,
    };
    terminal.document(jsonDocument(command, exitCode, { result }));
    return exitCode;
  }
  const waiting = await (await workspace.state()).outbox.deliveries.waiting();
  const lines = retryText(uploads, sent, waiting, terminal.paint.out);
  if (!options.quiet) terminal.out(lines.join('\n'));
  else if (exitCode !== EXIT.done) terminal.err(`recordupload retry: ${lines[0]}; next: recordupload retry --list`);
  return exitCode;
}

/** Sends what is due; loads the HTTP client only where something is. */
async function deliver(
  ids: string[],
  endpoints: string[],
  { options }: Invocation,
  workspace: Workspace,
): Promise<DeliverReport> {
  const { outbox } = await workspace.state();
  const waiting = await outbox.deliveries.list({ states: ['pending', 'held'], limit: 1 });
  if (waiting.length === 0) return { deliveries: [], endpoints: [] };
  const selection = {
    due: options.now || options.held ? ('now' as const) : ('due' as const),
    held: Boolean(options.held),
    trigger: 'retry' as const,
    endpoints,
    ...(ids.length > 0 && { recordingIds: ids }),
  };
  return deliverWebhooks(selection, { ...(await workspace.delivery()), endpoints: workspace.config.webhooks });
}

function exitCodeOfUpload(upload: RetriedUpload): ExitCode {
  if (!upload.ok) return upload.error.code === 'BUSY' ? EXIT.done : exitCodeOf(upload.error.code);
  return heaviest(failuresOf(upload.report).map(error => exitCodeOf(error.code)));
}

async function list(
  { unfinished, ids, endpoints, left }: Work,
  { options, terminal, command }: Invocation,
  workspace: Workspace,
): Promise<ExitCode> {
  const wanted = (delivery: Delivery) =>
    endpoints.includes(delivery.endpoint) && (ids.length === 0 || ids.includes(delivery.recordingId));
  const { outbox } = await workspace.state();
  const deliveries = (await outbox.deliveries.list({ states: ['pending', 'held'] })).filter(wanted);
  workspace.settle();
  if (options.json) {
    const result = {
      uploads: unfinished.map(({ id, dir, state, error }) => ({ recordingId: id, dir, state, error })),
      deliveries: deliveries.map(({ recordingId, endpoint, webhookId, state, heldReason, attempts, nextAt }) => ({
        recordingId,
        endpoint,
        webhookId,
        state,
        heldReason,
        attempts,
        nextAt: new Date(nextAt).toISOString(),
      })),
      unconfigured: left,
    };
    terminal.document(jsonDocument(command, EXIT.done, { result }));
  } else terminal.out(listText(unfinished, deliveries, workspace.clock.now()).join('\n'));
  return EXIT.done;
}

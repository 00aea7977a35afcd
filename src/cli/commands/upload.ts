import { requireCredentials, requireToken } from '../../config/requirements.ts';
import { deliverAfterUpload } from '../../core/deliver-after-upload.ts';
import { AppError } from '../../core/errors.ts';
import { objectKey } from '../../core/recording/object-key.ts';
import { makePayload } from '../../core/recording/payload.ts';
import type { Recording } from '../../core/recording/recording.ts';
import { METADATA_NAME } from '../../core/remote-recording.ts';
import { failuresOf } from '../../core/upload-failures.ts';
import { requireEmail, type UploadReport, uploadRecording } from '../../core/upload-recording.ts';
import type { DeliveryReport } from '../../core/webhook/delivery-report.ts';
import type { Invocation, RunCommand } from '../command.ts';
import { EXIT, type ExitCode, exitCodeOf, heaviest } from '../exit-codes.ts';
import { errorLine, exitCodeOfError, exitCodeOfSignal, jsonDocument, jsonError } from '../failure.ts';
import { deliveryJson, uploadJson } from '../render-json.ts';
import { dryRunText, failureLine, totalText, uploadText } from '../render-upload.ts';
import { readWithOptions, uploadRequest } from '../upload-request.ts';
import { openWorkspace, type Workspace } from '../workspace.ts';

/** What became of one folder. */
export type FolderResult =
  | { ok: true; dir: string; report: UploadReport; deliveries: DeliveryReport[] }
  | { ok: false; dir: string; error: AppError };

/** `recordupload upload <dir...>` */
export const run: RunCommand = async invocation => {
  const workspace = await openWorkspace(invocation, {
    withoutState: 'go-on',
    opening: `uploading ${invocation.args.join(' ')}`,
  });
  try {
    return invocation.options.dryRun ? await dryRun(invocation, workspace) : await upload(invocation, workspace);
  } finally {
    await workspace.close();
  }
};

async function upload(invocation: Invocation, workspace: Workspace): Promise<ExitCode> {
  const { args: dirs, options, signal } = invocation;
  const { config } = workspace;
  const webhooks = options.webhook !== false;
  // What can be wrong is said before anything is sent.
  requireCredentials(config);
  if (webhooks) for (const endpoint of config.webhooks) if (endpoint.enabled) requireToken(endpoint);
  if (dirs.length > 1 && options.id !== undefined)
    throw new AppError('USAGE', '--id goes with one folder only', { hint: 'upload the folders one by one' });

  const results = await uploadFolders(dirs, signal, dir => uploadFolder(dir, invocation, workspace, { webhooks }));
  workspace.settle();

  const exitCode = heaviest([
    ...results.map(result => exitCodeOfResult(result, { strict: Boolean(options.strict) })),
    exitCodeOfSignal(signal),
  ]);
  print(results, exitCode, invocation, workspace);
  return exitCode;
}

/** Folders that are read, looked up and sent beside each other; they share connections and pace. */
const FOLDERS_AT_ONCE = 32;

/** Several folders at once; the results are in the folders' order. After an abort no further one is begun. */
async function uploadFolders(
  dirs: readonly string[],
  signal: AbortSignal,
  uploadOne: (dir: string) => Promise<FolderResult>,
): Promise<FolderResult[]> {
  const results: FolderResult[] = [];
  const queue = dirs.entries();
  const worker = async () => {
    for (const [index, dir] of queue) {
      results[index] = await uploadOne(dir);
      if (signal.aborted) return;
    }
  };
  await Promise.all(Array.from({ length: Math.min(FOLDERS_AT_ONCE, dirs.length) }, worker));
  return results.filter(result => result !== undefined);
}

async function uploadFolder(
  dir: string,
  invocation: Invocation,
  workspace: Workspace,
  { webhooks }: { webhooks: boolean },
): Promise<FolderResult> {
  const { config } = workspace;
  try {
    const recording = await readWithOptions(dir, invocation, workspace);
    if (webhooks) requireEmail(recording);
    const request = uploadRequest(config, { force: Boolean(invocation.options.force), webhooks });
    const report = await uploadRecording(recording, request, await workspace.uploads());
    const deliveries = await deliverAfterUpload(report, workspace, async () => ({
      ...(await workspace.delivery()),
      endpoints: config.webhooks,
    }));
    return { ok: true, dir, report, deliveries };
  } catch (error) {
    if (error instanceof AppError) return { ok: false, dir, error };
    throw error;
  }
}

function exitCodeOfResult(result: FolderResult, { strict }: { strict: boolean }): ExitCode {
  if (!result.ok) return exitCodeOfError(result.error);
  const { report, deliveries } = result;
  const errors = failuresOf(report);
  const undelivered = deliveries.some(({ outcome }) => outcome === 'lost' || (strict && outcome !== 'delivered'));
  return heaviest([...errors.map(error => exitCodeOf(error.code)), undelivered ? EXIT.webhook : EXIT.done]);
}

function print(
  results: readonly FolderResult[],
  exitCode: ExitCode,
  { command, options, terminal }: Invocation,
  { state }: Workspace,
): void {
  if (options.json) {
    const recordings = results.map(result =>
      result.ok
        ? { ...uploadJson(result.report), deliveries: result.deliveries.map(deliveryJson) }
        : { dir: result.dir, outcome: 'failed', error: jsonError(result.error) },
    );
    terminal.document(jsonDocument(command, exitCode, { result: { recordings } }));
    return;
  }
  for (const result of results) {
    if (!result.ok) {
      const where = results.length > 1 ? `${result.dir}: ` : '';
      terminal.err(errorLine(result.error, terminal, where));
      continue;
    }
    const { isKept } = state().outbox;
    const webhookFailed = result.deliveries.some(delivery => delivery.outcome !== 'delivered');
    if (!options.quiet)
      terminal.out(uploadText(result.report, result.deliveries, terminal.paint.out, { isKept }).join('\n'));
    else if (exitCode !== EXIT.done || webhookFailed) {
      const line = failureLine(result.report, result.deliveries, { isKept });
      if (line) terminal.err(line);
    }
  }
  if (results.length > 1 && !options.quiet) terminal.out(terminal.paint.out.bold(totalText(results)));
}

/** Shows what an upload would send; opens no connection, writes no file. */
async function dryRun(invocation: Invocation, workspace: Workspace): Promise<ExitCode> {
  const { args: dirs, options, terminal, command } = invocation;
  const plans = [];
  for (const dir of dirs) {
    const recording = await readWithOptions(dir, invocation, workspace);
    if (options.webhook !== false) requireEmail(recording);
    plans.push(planOf(recording, workspace));
  }
  workspace.settle();
  if (options.json)
    terminal.document(jsonDocument(command, EXIT.done, { result: { dryRun: true, recordings: plans } }));
  else for (const plan of plans) terminal.out(dryRunText(plan, terminal.paint.out).join('\n'));
  return EXIT.done;
}

function planOf(recording: Recording, { config, clock }: Workspace) {
  const uploaded = recording.files;
  return {
    recordingId: recording.id,
    dir: recording.dir,
    bucket: config.bucket,
    endpoint: config.endpoint,
    objects: [
      ...recording.files.map(file => ({
        key: objectKey(recording.id, file.name),
        sizeBytes: file.sizeBytes,
        contentType: file.contentType,
      })),
      { key: objectKey(recording.id, METADATA_NAME), sizeBytes: undefined, contentType: 'application/json' },
    ],
    skipped: recording.skipped,
    payload: makePayload({
      recording,
      uploaded,
      bucket: config.bucket,
      region: config.region,
      publicBaseUrl: config.publicBaseUrl,
      uploadSource: config.uploadSource ?? 'cli',
      uploadedAt: clock.now(),
    }),
  };
}

export type UploadPlan = ReturnType<typeof planOf>;

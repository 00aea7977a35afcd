import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { requireCredentials, requireToken } from '../../config/requirements.ts';
import { deliverAfterUpload } from '../../core/delivery/deliver-after-upload.ts';
import { AppError } from '../../core/errors.ts';
import { METADATA_NAME, makePayload } from '../../core/payload/payload.ts';
import { type FoundFolder, findRecordings } from '../../core/recording/find-recordings.ts';
import { showPath } from '../../core/recording/folder-problem.ts';
import { objectKey } from '../../core/recording/object-key.ts';
import type { Recording } from '../../core/recording/recording.ts';
import { requireEmail, uploadRecording } from '../../core/upload/upload-recording.ts';
import { EXIT, type ExitCode, heaviest } from '../exit-codes.ts';
import { exitCodeOfSignal, jsonDocument } from '../failure.ts';
import { type FolderResult, type FolderSummary, summarize } from '../folder-result.ts';
import type { Invocation, RunCommand } from '../program/command.ts';
import { dryRunText, totalText } from '../render-upload.ts';
import { readWithOptions, uploadRequest } from '../upload-request.ts';
import { openWorkspace, type Workspace } from '../workspace.ts';

/** `recordupload upload <dir...>` */
export const run: RunCommand = async invocation => {
  const workspace = await openWorkspace(invocation, {
    withoutState: 'continue',
    opening: `uploading ${invocation.args.join(' ')}`,
  });
  try {
    return invocation.options.dryRun ? await dryRun(invocation, workspace) : await upload(invocation, workspace);
  } finally {
    await workspace.close();
  }
};

async function upload(invocation: Invocation, workspace: Workspace): Promise<ExitCode> {
  const { options, signal } = invocation;
  const { config } = workspace;
  const webhooks = options.webhook !== false;
  // What can be wrong is said before anything is sent.
  requireCredentials(config);
  if (webhooks) for (const endpoint of config.webhooks) if (endpoint.enabled) requireToken(endpoint);
  const folders = await foldersOf(invocation);

  const known = new Map<string, string>();
  const summaries = await uploadFolders(folders, signal, async folder => {
    const result = await uploadFolder(folder, invocation, workspace, { webhooks, known });
    return summarize(result, invocation, { isKept: !result.ok || (await workspace.state()).outbox.isKept });
  });
  workspace.settle();

  const exitCode = heaviest([...summaries.map(summary => summary.exitCode), exitCodeOfSignal(signal)]);
  print(summaries, exitCode, invocation);
  return exitCode;
}

/** The folders that are meant: those named or, with `--recursive`, the recordings below them; each once. */
async function foldersOf({ args, options }: Invocation): Promise<FoundFolder[]> {
  const named = args.map(dir => ({ dir }));
  // An empty path is no working folder: reading it says so.
  if (args.includes('')) return named;
  const found = options.recursive ? (await Promise.all(args.map(findRecordings))).flat() : named;
  const paths = found.map(({ dir }) => realPath(dir));
  const folders = [...new Map(found.map((folder, index) => [paths[index], folder])).values()];
  if (folders.length > 1 && options.id !== undefined)
    throw new AppError('USAGE', '--id goes with one folder only', { hint: 'upload the folders one by one' });
  return folders;
}

/** Where a folder really is; one that is not there is told of once it is read. */
function realPath(dir: string): string {
  try {
    return realpathSync.native(dir);
  } catch {
    return resolve(dir);
  }
}

/** Folders that are read, looked up and sent beside each other; they share connections, pace and commits. */
const FOLDERS_AT_ONCE = 32;

/** Several folders at once; the results are in the folders' order. After an abort no further one is begun. */
async function uploadFolders(
  folders: readonly FoundFolder[],
  signal: AbortSignal,
  uploadOne: (folder: FoundFolder) => Promise<FolderSummary>,
): Promise<FolderSummary[]> {
  const summaries: FolderSummary[] = [];
  const queue = folders.entries();
  const worker = async () => {
    for (const [index, folder] of queue) {
      summaries[index] = await uploadOne(folder);
      if (signal.aborted) return;
    }
  };
  await Promise.all(Array.from({ length: Math.min(FOLDERS_AT_ONCE, folders.length) }, worker));
  return summaries.filter(summary => summary !== undefined);
}

/** @param known the folders of this run by recording */
async function uploadFolder(
  folder: FoundFolder,
  invocation: Invocation,
  workspace: Workspace,
  { webhooks, known }: { webhooks: boolean; known: Map<string, string> },
): Promise<FolderResult> {
  const { config } = workspace;
  const { dir } = folder;
  try {
    if ('error' in folder) throw folder.error;
    const recording = await readWithOptions(dir, invocation, workspace);
    requireOneFolder(recording, known);
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

/** Two folders with one id would be one recording in the bucket: the later one's files in place of the earlier one's. */
function requireOneFolder({ id, dir }: Recording, known: Map<string, string>): void {
  const other = known.get(id);
  if (other !== undefined && other !== dir) {
    throw new AppError('RECORDING', `it is recording ${id}, and so is ${showPath(other)}`, {
      hint: 'give one of the two another id: --id, or recording_id in its recording.json',
    });
  }
  known.set(id, dir);
}

function print(
  summaries: readonly FolderSummary[],
  exitCode: ExitCode,
  { command, options, terminal }: Invocation,
): void {
  if (options.json) {
    const recordings = summaries.map(({ json }) => json);
    terminal.document(jsonDocument(command, exitCode, { result: { recordings } }));
    return;
  }
  for (const { out, err } of summaries) {
    if (out !== undefined) terminal.out(out);
    if (err !== undefined) terminal.err(err);
  }
  if (summaries.length > 1 && !options.quiet) terminal.out(terminal.paint.out.bold(totalText(summaries)));
}

/** Shows what an upload would send; opens no connection, writes no file. */
async function dryRun(invocation: Invocation, workspace: Workspace): Promise<ExitCode> {
  const { options, terminal, command } = invocation;
  const plans = [];
  const known = new Map<string, string>();
  for (const folder of await foldersOf(invocation)) {
    if ('error' in folder) throw folder.error;
    const recording = await readWithOptions(folder.dir, invocation, workspace);
    requireOneFolder(recording, known);
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

/**
 * The library: what the command line does, for programs that record.
 *
 * ```ts
 * import { AppError, loadConfig, uploadRecording } from 'recordupload';
 *
 * try {
 *   // The same files and variables that the command line reads.
 *   const config = await loadConfig();
 *   const { upload, deliveries } = await uploadRecording('recordings/42', { config, title: 'Weekly' });
 *   console.log(upload.outcome, deliveries.map(delivery => delivery.outcome));
 * } catch (error) {
 *   // Something that a person can fix; anything else is a bug.
 *   if (!(error instanceof AppError)) throw error;
 *   console.error(error.code, error.message, error.hint);
 * }
 * ```
 *
 * The library prints nothing and writes no log; importing it does nothing. It shares its state with the command line:
 * `recordupload retry` finishes what a program leaves unfinished, and `retry` here does the same.
 */
import { type LocalReport, removeLocal } from './app/cleanup/local.ts';
import { type PruneResult, prune as pruneState } from './app/cleanup/state.ts';
import { type CleanupReport, cleanUp as cleanUpUploads } from './app/cleanup/uploads.ts';
import { type EnqueueReport, type EnqueueRequest, enqueue, type TakenFolder } from './app/enqueue.ts';
import { type ForgetReport, forget } from './app/forget.ts';
import { type ListReport, type ListRequest, listRecordings as listAll } from './app/list.ts';
import { type RecordingStatusReport, recordingStatus as recording } from './app/recording-status.ts';
import { type RetryReport, retry as retryAll } from './app/retry.ts';
import { status as readStatus, type StatusReport } from './app/status.ts';
import {
  type UploadOptions as FolderOptions,
  type FolderResult,
  type UploadedFolder,
  uploadFolder,
  uploadFolders,
} from './app/upload-folders.ts';
import { verify } from './app/verify.ts';
import type { Config } from './config/config.ts';
import { loadConfig as load } from './config/load-config.ts';
import type { VerifyReport } from './core/upload/verify-recording.ts';
import { type CallOptions, open } from './library/call.ts';

export type { Alarm } from './app/alarms.ts';
export type { LocalReport, LocalResult } from './app/cleanup/local.ts';
export type { PruneResult } from './app/cleanup/state.ts';
export type { CleanupReport } from './app/cleanup/uploads.ts';
export type { DiscardReport } from './app/discard.ts';
export type { EndpointOverview } from './app/endpoints.ts';
export type { EnqueuedFolder, EnqueueReport, TakenFolder } from './app/enqueue.ts';
export type { ForgetReport } from './app/forget.ts';
export type { ListReport } from './app/list.ts';
export type { RecordingStatusReport } from './app/recording-status.ts';
export type { RetryReport } from './app/retry.ts';
export type { StatusReport } from './app/status.ts';
export type { SwitchReport } from './app/switch-endpoint.ts';
export type { TestEndpointsReport } from './app/test-endpoints.ts';
export type { FolderResult } from './app/upload-folders.ts';
export type { RetriedUpload } from './app/upload-queued.ts';
export type { WebhookHistory } from './app/webhook-history.ts';
export type { Config } from './config/config.ts';
export type { DeliverReport, DeliveryReport, EndpointReport } from './core/delivery/delivery-report.ts';
export { AppError, type ErrorCode } from './core/errors.ts';
export type { CoreEvent } from './core/events.ts';
export type { FileReport, UploadReport } from './core/upload/upload-report.ts';
export type { VerifiedFile, VerifyReport } from './core/upload/verify-recording.ts';
export type { Endpoint } from './core/webhook/endpoint.ts';
export type { CallOptions } from './library/call.ts';
export {
  disableEndpoint,
  discardWebhooks,
  enableEndpoint,
  listEndpoints,
  replayWebhooks,
  sendWebhook,
  testWebhooks,
  webhookHistory,
} from './library/webhooks.ts';

/** How to upload, and what to say about the recording: it beats its sidecar and the configuration. */
export interface UploadOptions extends CallOptions, FolderOptions {}

/** What became of a recording. */
export type UploadedRecording = Pick<UploadedFolder, 'upload' | 'deliveries'>;

/**
 * The configuration, from where the command line reads it: `.recorduploadrc` in `cwd`, the user's own file, `.env`, the
 * environment.
 * @throws AppError `CONFIG` with one line for each problem
 */
export async function loadConfig(
  options: { cwd?: string; env?: Record<string, string | undefined>; configFile?: string | undefined } = {},
): Promise<Config> {
  const { cwd = process.cwd(), env = process.env, configFile } = options;
  return (await load({ cwd, env, configFile })).config;
}

/**
 * Uploads a folder and tells the recordings server. Calling it again finishes the work and repeats none of it. If a file or
 * a webhook fails, nothing is thrown: the report says so.
 * @throws AppError `RECORDING` if the folder is not a usable recording, `USAGE`, `BUSY` if another process uploads it
 */
export async function uploadRecording(dir: string, options: UploadOptions): Promise<UploadedRecording> {
  await using runtime = open(options);
  const { upload, deliveries } = await uploadFolder(dir, options, runtime);
  return { upload, deliveries };
}

/**
 * Uploads several folders at once; one that fails does not stop the others.
 * @param options.recursive upload the recordings below these folders instead of the folders themselves
 * @returns in the order of the folders; after an abort, only those that were begun
 */
export async function uploadRecordings(
  dirs: readonly string[],
  options: UploadOptions & { recursive?: boolean | undefined },
): Promise<FolderResult[]> {
  await using runtime = open(options);
  return await uploadFolders({ ...options, dirs }, runtime, result => result);
}

/** What is said about a recording that is handed over. */
export interface EnqueueOptions extends CallOptions, Omit<EnqueueRequest, 'dirs' | 'recursive'> {}

/** A recording that was handed over, and who uploads it. */
export type EnqueuedRecording = Omit<TakenFolder, 'ok'> & Pick<EnqueueReport, 'tokenless' | 'worker'>;

/**
 * Hands a folder over and returns at once: its upload is in the state, durably, and `recordupload watch` or `retry` begins
 * it. A folder that cannot be uploaded yet waits. Nothing is sent.
 * @throws AppError `USAGE` if it can never be uploaded (no such folder, an ID that is not valid)
 */
export async function enqueueRecording(dir: string, options: EnqueueOptions): Promise<EnqueuedRecording> {
  await using runtime = open(options);
  const { folders, tokenless, worker } = await enqueue({ ...options, dirs: [dir] }, runtime);
  const [folder] = folders as [EnqueueReport['folders'][number]];
  if (!folder.ok) throw folder.error;
  const { recordingId, waitsFor } = folder;
  return { dir: folder.dir, recordingId, waitsFor, tokenless, worker };
}

/**
 * Hands several folders over in one commit; one that is refused does not keep the others from being taken.
 * @param options.recursive the recordings below these folders instead of the folders themselves
 */
export async function enqueueRecordings(
  dirs: readonly string[],
  options: EnqueueOptions & { recursive?: boolean | undefined },
): Promise<EnqueueReport> {
  await using runtime = open(options);
  return await enqueue({ ...options, dirs }, runtime);
}

/**
 * Compares a recording in the bucket with what was uploaded, or with its folder.
 * @param options.full read the objects back and recompute their checksums
 * @throws AppError `VERIFICATION` if the bucket has nothing of it, `STORAGE`, `RECORDING`
 */
export async function verifyRecording(
  what: { id: string } | { dir: string },
  options: CallOptions & { full?: boolean | undefined },
): Promise<VerifyReport> {
  await using runtime = open(options);
  const [report] = await verify({ recordings: [what], full: options.full }, runtime);
  return report as VerifyReport;
}

/**
 * What was uploaded from this machine, and what waits for it, the newest first; at most 20 of each unless `limit` says so.
 * @param options.state `waiting`, `held`: one of its webhooks is; `queued`, `refused`: its upload has not begun
 */
export async function listRecordings(
  options: CallOptions & { state?: ListRequest['state']; since?: Date | undefined; limit?: number },
): Promise<ListReport> {
  await using runtime = open(options);
  return await listAll({ ...options, since: options.since?.getTime(), limit: options.limit ?? 20 }, runtime);
}

/**
 * Ends an upload that nobody wants: the state forgets it, its webhooks are discarded, its multipart uploads are aborted.
 * Objects stay in the bucket. What could not be aborted is in the report; a second call tries it again.
 * @throws AppError `USAGE` if the recording is not known, `BUSY` if another process is at work on it
 */
export async function forgetRecording(id: string, options: CallOptions): Promise<ForgetReport> {
  await using runtime = open(options);
  return await forget({ id }, runtime);
}

/**
 * Finishes unfinished uploads and sends webhooks that are due, as `recordupload retry` does.
 * @param options.ids only these recordings
 * @param options.now also webhooks that are not due yet
 * @param options.held also webhooks that are held
 * @param options.endpoint only webhooks of this endpoint
 */
export async function retry(
  options: CallOptions & { ids?: readonly string[]; now?: boolean; held?: boolean; endpoint?: string | undefined },
): Promise<RetryReport> {
  const { ids = [], now = false, held = false, endpoint } = options;
  await using runtime = open(options);
  return await retryAll({ ids, now, held, endpoint }, runtime);
}

/**
 * What is uploading, partial, waiting, held and done; changes nothing.
 * @param options.maxAgeMs unfinished work is an alarm once it is older than this
 * @param options.limit the most entries of each list: 20 unless given; all are counted
 */
export async function status(
  options: CallOptions & { maxAgeMs?: number | undefined; limit?: number },
): Promise<StatusReport> {
  const { maxAgeMs, limit = 20 } = options;
  await using runtime = open(options);
  return await readStatus({ maxAgeMs, limit }, runtime);
}

/** All that this machine knows about one recording. @throws AppError `USAGE` if it knows nothing */
export async function recordingStatus(id: string, options: CallOptions): Promise<RecordingStatusReport> {
  await using runtime = open(options);
  return await recording({ id }, runtime);
}

/**
 * Finds abandoned multipart uploads in the bucket.
 * @param options.olderThanMs only those that have received nothing for this long: a week unless given
 * @param options.elsewhere also uploads of recordings that other machines began
 * @param options.remove delete them
 */
export async function cleanUp(
  options: CallOptions & { olderThanMs?: number; elsewhere?: boolean; remove?: boolean },
): Promise<CleanupReport> {
  const { olderThanMs = 7 * DAY_MS, elsewhere = false, remove = false } = options;
  await using runtime = open(options);
  return await cleanUpUploads({ olderThanMs, elsewhere, remove }, runtime);
}

/**
 * Removes local files of recordings that the bucket and every endpoint have.
 * @param options.ids only these recordings; none: all
 * @param options.olderThanMs only what was uploaded longer ago than this; the configuration's `deleteAfter` unless given
 * @param options.dryRun only find out what would be removed
 */
export async function removeLocalFiles(
  options: CallOptions & { ids?: readonly string[]; olderThanMs?: number; dryRun?: boolean },
): Promise<LocalReport> {
  const { ids, olderThanMs, dryRun = false } = options;
  await using runtime = open(options);
  return await removeLocal({ ids, olderThanMs, dryRun, again: true, explain: true }, runtime);
}

/**
 * Deletes old delivered webhooks from the state.
 * @param options.olderThanMs only those that were settled longer ago than this: 90 days unless given
 * @param options.dryRun only count them
 */
export async function prune(options: CallOptions & { olderThanMs?: number; dryRun?: boolean }): Promise<PruneResult> {
  const { olderThanMs = 90 * DAY_MS, dryRun = false } = options;
  await using runtime = open(options);
  return await pruneState({ olderThanMs, dryRun }, runtime);
}

const DAY_MS = 86_400_000;

import { requireCredentials } from '../config/requirements.ts';
import { deliverAfterUpload } from '../core/delivery/deliver-after-upload.ts';
import type { DeliveryReport } from '../core/delivery/delivery-report.ts';
import { AppError } from '../core/errors.ts';
import type { Observer } from '../core/events.ts';
import { proxyFor } from '../core/http/proxies.ts';
import { inPool, places } from '../core/pool.ts';
import type { FoundFolder } from '../core/recording/find-recordings.ts';
import type { RecordingOverrides } from '../core/recording/read-recording.ts';
import type { Recording, RecordingFile } from '../core/recording/recording.ts';
import type { InFlight } from '../core/storage/in-flight.ts';
import { NotBegunError, uploadRecording } from '../core/upload/upload-recording.ts';
import type { UploadReport } from '../core/upload/upload-report.ts';
import { afterWork } from './alerts/after-work.ts';
import { foldersAtOnce } from './descriptors.ts';
import { type FolderSelection, findFolders, oneFolderEach } from './find-folders.ts';
import { uploadRequest, type WaitOptions } from './recording-folder.ts';
import { announceRefusal, readOrRefuse, refused } from './refuse-folder.ts';
import type { Runtime } from './runtime.ts';

/** How a folder is uploaded, and what is said about the recording besides its sidecar and the configuration. */
export interface UploadOptions extends RecordingOverrides, WaitOptions {
  /** False: do not tell the recordings server. */
  webhook?: boolean | undefined;
  /** Upload and send again what is already there. */
  force?: boolean | undefined;
}

export interface UploadFoldersRequest extends FolderSelection, UploadOptions {}

/** A recording that was uploaded, as far as it was possible. */
export interface UploadedFolder {
  /** The files and `metadata.json`. `outcome` is `partial` or `failed` if something is missing. */
  upload: UploadReport;
  /** One for each endpoint. `retry` sends those that are `pending`. */
  deliveries: DeliveryReport[];
  /** False: the state could not be used, so nothing is left for `retry`. */
  isKept: boolean;
}

/** What became of one folder. */
export type FolderResult = ({ ok: true; dir: string } & UploadedFolder) | { ok: false; dir: string; error: AppError };

/** Folders that are read, looked up and sent at the same time; they share connections, bandwidth and commits. */
const FOLDERS_AT_ONCE = 32;
/** So many keep a store nearby busy. More would only take memory, 2 MB each. */
const FOLDERS_NEARBY = 16;

/**
 * Uploads recordings and tells the recordings server about each as its upload ends. A folder that fails does not stop
 * the others. Once the runtime's signal aborts, no further folder is begun.
 * @param keep makes of each result, as soon as there is one, what stays in memory: whole reports of ten thousand
 * folders would not fit
 * @returns what `keep` made, in the order of the folders
 * @throws AppError `CONFIG` without access keys, `USAGE`, `RECORDING` if there is nothing to upload
 */
export async function uploadFolders<Kept>(
  request: UploadFoldersRequest,
  runtime: Runtime,
  keep: (result: FolderResult) => Kept,
): Promise<Kept[]> {
  requireReady(request, runtime);
  const folders = await findFolders(request).catch((error: unknown) => {
    for (const dir of request.dirs) announceRefusal(dir, error, runtime);
    throw error;
  });
  const requireOneFolder = oneFolderEach();
  const uploadFound = async (found: FoundFolder): Promise<FolderResult> => {
    const { dir } = found;
    try {
      if ('error' in found) throw await refused(dir, request, found.error, runtime);
      return { ok: true, dir, ...(await uploadOne(dir, request, runtime, requireOneFolder)) };
    } catch (error) {
      if (error instanceof AppError) return { ok: false, dir, error };
      throw error;
    }
  };
  const { signal, observer } = runtime;
  const isBatch = folders.length > 1;
  if (isBatch) observer({ type: 'folders-found', folders: folders.length });
  const most = foldersAtOnce(FOLDERS_AT_ONCE);
  let inFlight: InFlight | undefined;
  const atOnce = places(() => Math.min(most, Math.max(FOLDERS_NEARBY, inFlight?.limit ?? 0)));
  const kept = await inPool(folders, { atOnce, signal }, async found => {
    const result = await uploadFound(found);
    // An upload has found out how far away the store is.
    if (result.ok) inFlight ??= (await runtime.uploads()).inFlight;
    if (isBatch) observer({ type: 'folder-finished', dir: found.dir, ok: result.ok });
    return keep(result);
  });
  await afterWork({ kind: 'upload' }, runtime);
  return kept;
}

/**
 * Uploads one folder and tells the recordings server. A file or a webhook that fails is in the report.
 * @throws AppError as `uploadFolders`; `RECORDING` if the folder is not a usable recording, `BUSY`, `STATE`; the signal's
 * reason if it aborts
 */
export async function uploadFolder(dir: string, options: UploadOptions, runtime: Runtime): Promise<UploadedFolder> {
  requireReady(options, runtime);
  return await uploadOne(dir, options, runtime, () => {});
}

/** Reports what is wrong with the configuration before anything is sent. */
function requireReady({ webhook = true }: UploadOptions, { config, env }: Runtime): void {
  requireCredentials(config);
  if (!webhook) return;
  for (const endpoint of config.webhooks) {
    if (!endpoint.enabled) continue;
    proxyFor(new URL(endpoint.url), env);
  }
}

async function uploadOne(
  dir: string,
  options: UploadOptions,
  runtime: Runtime,
  check: (recording: Recording) => void,
): Promise<UploadedFolder> {
  const { webhook = true, force = false } = options;
  const askedAt = runtime.clock.now();
  const recording = await readOrRefuse(dir, options, runtime, check);
  const request = { ...uploadRequest(runtime, { force, webhook }), askedAt };
  const [largest] = recording.files.toSorted((a, b) => b.sizeBytes - a.sizeBytes) as [RecordingFile];
  await runtime.prepareUpload(largest.sizeBytes);
  const session = await runtime.uploads();
  const observer = request.endpoints.length > 0 ? loadingPoster(session.observer, runtime, largest) : session.observer;
  const uploadWith = async (state: Awaited<ReturnType<Runtime['state']>>): Promise<UploadedFolder> => {
    const { journal } = state;
    const upload = await uploadRecording(recording, request, { ...session, journal, observer });
    const deps = async () => ({ ...(await runtime.delivery()), state });
    return { upload, deliveries: await deliverAfterUpload(upload, runtime, deps), isKept: state.isKept };
  };
  try {
    return await uploadWith(await runtime.state());
  } catch (error) {
    if (!(error instanceof NotBegunError)) throw error;
    return await uploadWith(await runtime.stateInstead(error));
  }
}

/**
 * Loads the webhook client once half of the largest file has been sent, so that nothing waits for it: neither the first
 * bytes nor, at the end, the webhook.
 */
function loadingPoster(observer: Observer, { poster }: Runtime, { name, sizeBytes }: RecordingFile): Observer {
  let leftBytes = sizeBytes / 2;
  return event => {
    observer(event);
    if (leftBytes <= 0 || event.type !== 'file-progress' || event.name !== name) return;
    leftBytes -= event.bytes;
    // If it cannot be loaded (a wrong `caFile`), the delivery later reports why.
    if (leftBytes <= 0) poster().catch(() => {});
  };
}

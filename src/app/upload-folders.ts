import { requireCredentials, requireToken } from '../config/requirements.ts';
import { deliverAfterUpload } from '../core/delivery/deliver-after-upload.ts';
import type { DeliveryReport } from '../core/delivery/delivery-report.ts';
import { AppError } from '../core/errors.ts';
import { inPool } from '../core/pool.ts';
import type { FoundFolder } from '../core/recording/find-recordings.ts';
import type { RecordingOverrides } from '../core/recording/read-recording.ts';
import type { Recording } from '../core/recording/recording.ts';
import { requireEmail, uploadRecording } from '../core/upload/upload-recording.ts';
import type { UploadReport } from '../core/upload/upload-report.ts';
import { type FolderSelection, findFolders, oneFolderEach } from './find-folders.ts';
import { readFolder, uploadRequest } from './recording-folder.ts';
import type { Runtime } from './runtime.ts';

export interface UploadFoldersRequest extends FolderSelection, RecordingOverrides {
  /** False: do not tell the recordings server. */
  webhook?: boolean | undefined;
  /** Upload and send again what is there already. */
  force?: boolean | undefined;
}

/** What became of one folder. */
export type FolderResult =
  | {
      ok: true;
      dir: string;
      upload: UploadReport;
      /** One for each endpoint. */
      deliveries: DeliveryReport[];
      /** False: there is no state, so nothing is left for `retry`. */
      isKept: boolean;
    }
  | { ok: false; dir: string; error: AppError };

/** Folders that are read, looked up and sent at the same time; they share connections, bandwidth and commits. */
const FOLDERS_AT_ONCE = 32;

/**
 * Uploads recordings and tells the recordings server about each as its upload ends. A folder that fails does not stop
 * the others. Once the runtime's signal aborts, no further folder is begun.
 * @param keep makes of each result, as soon as there is one, what stays in memory: whole reports of ten thousand
 * folders would not fit
 * @returns what `keep` made, in the order of the folders
 * @throws AppError `CONFIG` without access keys or a webhook token, `USAGE`, `RECORDING` if there is nothing to upload
 */
export async function uploadFolders<Kept>(
  request: UploadFoldersRequest,
  runtime: Runtime,
  keep: (result: FolderResult) => Kept,
): Promise<Kept[]> {
  const { config, signal } = runtime;
  const { webhook = true } = request;
  // What can be wrong with the configuration is reported before anything is sent.
  requireCredentials(config);
  if (webhook) for (const endpoint of config.webhooks) if (endpoint.enabled) requireToken(endpoint);
  const folders = await findFolders(request);
  const requireOneFolder = oneFolderEach();
  return await inPool(folders, { atOnce: FOLDERS_AT_ONCE, signal }, async folder =>
    keep(await uploadFolder(folder, request, runtime, requireOneFolder)),
  );
}

async function uploadFolder(
  folder: FoundFolder,
  request: UploadFoldersRequest,
  runtime: Runtime,
  requireOneFolder: (recording: Recording) => void,
): Promise<FolderResult> {
  const { dir } = folder;
  const { webhook = true, force = false } = request;
  try {
    if ('error' in folder) throw folder.error;
    const recording = await readFolder(dir, request, runtime);
    requireOneFolder(recording);
    if (webhook) requireEmail(recording);
    const upload = await uploadRecording(
      recording,
      uploadRequest(runtime, { force, webhook }),
      await runtime.uploads(),
    );
    const deliveries = await deliverAfterUpload(upload, runtime, runtime.delivery);
    return { ok: true, dir, upload, deliveries, isKept: (await runtime.state()).isKept };
  } catch (error) {
    if (error instanceof AppError) return { ok: false, dir, error };
    throw error;
  }
}

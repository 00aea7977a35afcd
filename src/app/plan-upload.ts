import { NO_EMAIL } from '../core/delivery/delivery-report.ts';
import { METADATA_NAME, makePayload, type Payload } from '../core/payload/payload.ts';
import { objectKey } from '../core/recording/object-key.ts';
import type { Recording } from '../core/recording/recording.ts';
import { findFresh, unsettledText } from '../core/recording/settle.ts';
import { formatDuration } from '../core/units.ts';
import { findFolders, oneFolderEach } from './find-folders.ts';
import { readFolder } from './recording-folder.ts';
import type { Runtime } from './runtime.ts';
import type { UploadFoldersRequest } from './upload-folders.ts';

/** What an upload would send. */
export interface UploadPlan {
  recordingId: string;
  dir: string;
  bucket: string;
  endpoint: string;
  objects: {
    key: string;
    /** Undefined for `metadata.json`: its size is known only once it is made. */
    sizeBytes: number | undefined;
    contentType: string;
  }[];
  /** Names in the folder that would not be uploaded. */
  skipped: string[];
  payload: Payload;
}

/**
 * Plans an upload: reads the folders; opens no connection and writes nothing.
 * @throws AppError as `uploadFolders` and its results, for the first folder that cannot be uploaded
 */
export async function planUpload(request: UploadFoldersRequest, runtime: Runtime): Promise<UploadPlan[]> {
  const plans: UploadPlan[] = [];
  const requireOneFolder = oneFolderEach();
  for (const folder of await findFolders(request)) {
    if ('error' in folder) throw folder.error;
    const recording = await readFolder(folder.dir, request, runtime);
    if (!request.finished) warnIfFresh(recording, runtime);
    requireOneFolder(recording);
    if (request.webhook !== false && !recording.details.user.email) {
      const message = `recording ${recording.id}: ${NO_EMAIL}`;
      runtime.observer({ type: 'warning', recordingId: recording.id, message });
    }
    plans.push(planOf(recording, runtime));
  }
  return plans;
}

/** A plan waits for nobody, and says that the upload would. */
function warnIfFresh({ id, files }: Recording, { config: { settleMs }, clock, observer }: Runtime): void {
  const fresh = findFresh(files, { settleMs, now: clock.now() });
  if (!fresh) return;
  const message = `${fresh.path} ${unsettledText(fresh)}: upload waits until nobody has written to it for ${formatDuration(settleMs)}`;
  observer({ type: 'warning', recordingId: id, message });
}

function planOf(recording: Recording, { config, clock, uploadSource }: Runtime): UploadPlan {
  const { id, dir, files, skipped } = recording;
  const { bucket, endpoint, region, publicBaseUrl } = config;
  return {
    recordingId: id,
    dir,
    bucket,
    endpoint,
    objects: [
      ...files.map(({ name, sizeBytes, contentType }) => ({ key: objectKey(id, name), sizeBytes, contentType })),
      { key: objectKey(id, METADATA_NAME), sizeBytes: undefined, contentType: 'application/json' },
    ],
    skipped,
    payload: makePayload({
      recording,
      uploaded: files,
      bucket,
      region,
      publicBaseUrl,
      uploadSource,
      uploadedAt: clock.now(),
    }),
  };
}

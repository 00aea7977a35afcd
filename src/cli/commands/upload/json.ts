import type { UploadPlan } from '../../../app/plan-upload.ts';
import type { FolderResult } from '../../../app/upload-folders.ts';
import { type DeliveryJson, deliveryJson } from '../../json/delivery.ts';
import { type ErrorJson, errorJson } from '../../json/error.ts';
import type { PayloadJson } from '../../json/payload.ts';
import { type UploadJson, uploadJson } from '../../json/upload.ts';

/** The result of `upload --json`. */
export interface UploadResultJson {
  recordings: FolderJson[];
}

/** A folder that could not even be read as a recording has only `dir` and `error`. */
export type FolderJson =
  | (UploadJson & { deliveries: DeliveryJson[] })
  | { dir: string; outcome: 'failed'; error: ErrorJson };

export function folderJson(result: FolderResult): FolderJson {
  return result.ok
    ? { ...uploadJson(result.upload), deliveries: result.deliveries.map(deliveryJson) }
    : { dir: result.dir, outcome: 'failed', error: errorJson(result.error) };
}

/** The result of `upload --dry-run --json`. */
export interface PlanJson {
  dryRun: true;
  recordings: PlannedJson[];
}

export interface PlannedJson {
  recordingId: string;
  dir: string;
  bucket: string;
  endpoint: string;
  objects: { key: string; sizeBytes?: number; contentType: string }[];
  skipped: string[];
  payload: PayloadJson;
}

export function planJson({ recordingId, dir, bucket, endpoint, objects, skipped, payload }: UploadPlan): PlannedJson {
  return {
    recordingId,
    dir,
    bucket,
    endpoint,
    objects: objects.map(({ key, sizeBytes, contentType }) => ({
      key,
      ...(sizeBytes !== undefined && { sizeBytes }),
      contentType,
    })),
    skipped,
    payload,
  };
}

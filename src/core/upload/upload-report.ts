import type { DeliveryStore, Enqueued } from '../../state/sqlite/delivery-store.ts';
import type { AppError } from '../errors.ts';
import type { Payload } from '../payload/payload.ts';
import type { Role } from '../recording/recording.ts';
import type { UploadSession } from './session.ts';

export interface UploadRequest {
  /** Do all anew, whatever is there. */
  force: boolean;
  /** Names of the endpoints that are told; none: no webhook. */
  endpoints: readonly string[];
  region: string;
  publicBaseUrl: string;
  uploadSource: string;
}

export interface UploadDeps extends UploadSession {
  deliveries: Pick<DeliveryStore, 'enqueue'>;
}

export type FileReport = { name: string; role: Role; key: string; sizeBytes: number; contentType: string } & (
  | { outcome: 'uploaded' | 'unchanged'; sentBytes: number; etag: string }
  | { outcome: 'failed'; error: AppError }
);

export interface UploadReport {
  recordingId: string;
  dir: string;
  /** `<endpoint>/<bucket>` */
  target: string;
  /** `unchanged`: not a byte had to be sent. `partial`: something is missing; `retry` goes on with it. */
  outcome: 'uploaded' | 'unchanged' | 'partial' | 'failed';
  files: FileReport[];
  metadata: { key: string; outcome: 'uploaded' | 'unchanged' | 'none'; error?: AppError };
  skipped: string[];
  /** What the server is told; undefined where no file is in the bucket. */
  payload: Payload | undefined;
  deliveries: Enqueued[];
  sentBytes: number;
  durationMs: number;
}

/** What went wrong in an upload: its files' failures, then that of `metadata.json`; empty where nothing did. */
export function failuresOf({
  files,
  metadata,
}: Pick<UploadReport, 'files'> & { metadata: { error?: AppError } }): AppError[] {
  return [
    ...files.flatMap(file => (file.outcome === 'failed' ? [file.error] : [])),
    ...(metadata.error ? [metadata.error] : []),
  ];
}

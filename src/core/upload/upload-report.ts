import type { Enqueued } from '../delivery/outbox.ts';
import type { AppError } from '../errors.ts';
import type { Payload } from '../payload/payload.ts';
import type { Role } from '../recording/recording.ts';
import { StorageFailure } from '../storage/failure.ts';

/** What to upload and to whom to announce it. */
export interface UploadRequest {
  /** Send everything again, even if the bucket has it. */
  force: boolean;
  /** Names of the endpoints to announce it to; none: no webhook. */
  endpoints: readonly string[];
  region: string;
  publicBaseUrl: string;
  uploadSource: string;
  /** When it was asked for; what is asked of the same folder later stays in the queue. Now unless given. */
  askedAt?: number | undefined;
}

/** How the upload of one file ended. */
export type FileReport = { name: string; role: Role; key: string; sizeBytes: number; contentType: string } & (
  | { outcome: 'uploaded' | 'unchanged'; sentBytes: number; etag: string }
  | { outcome: 'failed'; error: AppError }
);

/** How the upload of a recording ended. */
export interface UploadReport {
  recordingId: string;
  dir: string;
  /** `<endpoint>/<bucket>` */
  target: string;
  /** `unchanged`: not a byte had to be sent. `partial`: something is missing; `retry` resumes it. */
  outcome: 'uploaded' | 'unchanged' | 'partial' | 'failed';
  files: FileReport[];
  metadata: { key: string; outcome: 'uploaded' | 'unchanged' | 'none'; error?: AppError };
  skipped: string[];
  /** What the webhook says; undefined if no file is in the bucket. */
  payload: Payload | undefined;
  deliveries: Enqueued[];
  sentBytes: number;
  durationMs: number;
}

/** What went wrong in an upload: the failures of its files, then that of `metadata.json`. */
export function failuresOf({
  files,
  metadata,
}: Pick<UploadReport, 'files'> & { metadata: { error?: AppError } }): AppError[] {
  return [
    ...files.flatMap(file => (file.outcome === 'failed' ? [file.error] : [])),
    ...(metadata.error ? [metadata.error] : []),
  ];
}

/** The bucket or the service may not be the one that was meant. */
const OTHER_PLACE = new Set([
  'NoSuchBucket',
  'NotS3',
  'WrongAddress',
  'PermanentRedirect',
  'AuthorizationHeaderMalformed',
]);

/**
 * What an upload that failed needs before it can succeed. `time`: nothing else; `correction`: somebody has to act;
 * `other-place`: the endpoint or the bucket may have to be corrected, and then it is another upload for the state.
 */
export function neededFor(report: UploadReport): 'time' | 'correction' | 'other-place' {
  const failures = failuresOf(report).filter(error => error instanceof StorageFailure);
  if (failures.some(({ reason }) => OTHER_PLACE.has(reason))) return 'other-place';
  return failures.some(({ kind }) => kind === 'refused' || kind === 'full' || kind === 'skew') ? 'correction' : 'time';
}

import type { Delivery } from '../delivery/delivery.ts';
import type { RecordingState } from './recording-state.ts';

/** What the state knew of a recording in one bucket. */
export interface ForgottenUpload {
  /** `<endpoint>/<bucket>` */
  target: string;
  /** Undefined if only multipart uploads of it were left, which an earlier call could not abort. */
  dir: string | undefined;
  state: RecordingState | undefined;
  /** Its multipart uploads that were not seen to end. The state knows them until they are aborted. */
  multipart: { key: string; uploadId: string }[];
  /** Keys of the objects that it has stored in the bucket. */
  stored: string[];
}

/** Why nothing was forgotten: a living process uploads the recording, or sends a webhook of it. */
export type AtWork = { ok: false; atWork: 'upload'; pid: number } | { ok: false; atWork: 'webhook' };

/**
 * `kept`: buckets in which the recording is uploaded wholly, while it was unfinished in another one. Only what is unfinished is
 * forgotten then, and its webhooks stay.
 */
export type ForgetResult =
  | { ok: true; uploads: ForgottenUpload[]; discarded: Delivery[]; kept?: string[] | undefined }
  | AtWork;

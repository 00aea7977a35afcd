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

export type ForgetResult = { ok: true; uploads: ForgottenUpload[]; discarded: Delivery[] } | AtWork;

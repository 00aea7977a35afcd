import type { ForgetReport } from '../../../app/forget.ts';
import { type DiscardedJson, discardedJson } from '../../json/discarded.ts';
import { type ErrorJson, errorJson } from '../../json/error.ts';

/** The result of `forget --json`. */
export interface ForgetJson {
  recordingId: string;
  /** One for each bucket. */
  uploads: ForgottenJson[];
  discarded: DiscardedJson[];
  /** Folders whose upload waited, and begins no more. */
  queued: string[];
  /** Folders whose upload was refused, and is looked at no longer. */
  refused: string[];
}

export interface ForgottenJson {
  /** `<endpoint>/<bucket>` */
  target: string;
  /** Null, with `state`, if only multipart uploads were left, which an earlier call could not abort. */
  dir: string | null;
  state: 'recording' | 'uploading' | 'partial' | 'done' | null;
  /** Keys whose multipart uploads were ended. */
  aborted: string[];
  /** Those whose parts stay in the bucket; the same command tries again. */
  notAborted: { key: string; uploadId: string; error: ErrorJson }[];
  /** Keys of objects that stay in the bucket. */
  stored: string[];
}

export function forgetJson({ recordingId, uploads, discarded, queued, refused }: ForgetReport): ForgetJson {
  return {
    recordingId,
    uploads: uploads.map(({ target, dir = null, state = null, aborted, notAborted, stored }) => ({
      target,
      dir,
      state,
      aborted,
      notAborted: notAborted.map(({ key, uploadId, error }) => ({ key, uploadId, error: errorJson(error) })),
      stored,
    })),
    discarded: discarded.map(discardedJson),
    queued,
    refused,
  };
}

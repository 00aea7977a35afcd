import type { StoredRecording } from '../../state/sqlite/recording-store.ts';
import { AppError } from '../errors.ts';
import type { Recording } from '../recording/recording.ts';
import { uploadRecording } from './upload-recording.ts';
import type { UploadDeps, UploadReport, UploadRequest } from './upload-report.ts';

/** What became of one unfinished upload. */
export type RetriedUpload =
  | { recordingId: string; dir: string; ok: true; report: UploadReport }
  /** Not a word of it was tried, or its folder is not usable any more. */
  | { recordingId: string; dir: string; ok: false; error: AppError };

export interface RetryUploadsDeps {
  uploads: UploadDeps;
  /** Reads the folder again, with the details that were settled when the upload was first asked for. */
  reread(stored: StoredRecording): Promise<Recording>;
  request(stored: StoredRecording): UploadRequest;
}

/** Finishes unfinished uploads, one after the other; one that fails does not stop the others. */
export async function retryUploads(
  unfinished: readonly StoredRecording[],
  deps: RetryUploadsDeps,
): Promise<RetriedUpload[]> {
  const retried: RetriedUpload[] = [];
  for (const stored of unfinished) {
    const { id, dir } = stored;
    try {
      const recording = { ...(await deps.reread(stored)), details: stored.details };
      const report = await uploadRecording(recording, deps.request(stored), deps.uploads);
      retried.push({ recordingId: id, dir, ok: true, report });
    } catch (error) {
      if (!(error instanceof AppError) || error.code === 'INTERRUPTED' || error.code === 'STATE') throw error;
      retried.push({ recordingId: id, dir, ok: false, error });
    }
  }
  return retried;
}

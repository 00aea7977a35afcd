import type { Delivery } from '../core/delivery/delivery.ts';
import { AppError } from '../core/errors.ts';
import { isRecordingId, parseRecordingId } from '../core/recording/recording.ts';
import type { Bucket } from '../core/storage/bucket.ts';
import { StorageFailure } from '../core/storage/failure.ts';
import type { ForgottenUpload } from '../core/upload/forget.ts';
import type { BegunUploads } from '../core/upload/parts-journal.ts';
import type { QueuedUpload } from '../core/upload/queue.ts';
import { atWorkError } from './at-work.ts';
import { realPath } from './find-folders.ts';
import type { Runtime } from './runtime.ts';
import { unknownRecording } from './unknown-recording.ts';

/** What became of a recording in one bucket. */
export interface ForgottenReport extends Omit<ForgottenUpload, 'multipart'> {
  /** Keys whose multipart uploads were ended, or had ended before. */
  aborted: string[];
  /** Those that could not be ended: their parts stay in the bucket and cost storage. */
  notAborted: { key: string; uploadId: string; error: AppError }[];
}

export interface ForgetReport {
  recordingId: string;
  uploads: ForgottenReport[];
  /** Webhooks that waited or were held. */
  discarded: Delivery[];
  /** Buckets in which the recording is uploaded wholly: it stays known there, with its webhooks. */
  kept?: string[] | undefined;
  /** Folders whose upload waited, and begins no more. */
  queued: string[];
  /** Folders whose upload was refused, and is looked at no longer. */
  refused: string[];
}

/**
 * Ends an upload that nobody wants: the state forgets it, its webhooks are discarded, its multipart uploads are aborted.
 * Objects stay in the bucket. A folder whose upload has not begun can be named by its path, too. What could not be aborted is reported; a second call tries it again.
 * @throws AppError `USAGE` if the recording is not known, `BUSY` if another process is at work on it, `STATE`
 */
export async function forget({ id: text }: { id: string }, runtime: Runtime): Promise<ForgetReport> {
  const { journal, outbox, queue } = await runtime.state();
  const dir = await realPath(text);
  const entries = (await queue.list()).filter(one => one.recordingId === text || one.dir === dir);
  await Promise.all(entries.map(one => queue.remove(one.dir)));
  const dirsOf = (state: QueuedUpload['state']) => entries.filter(one => one.state === state).map(one => one.dir);
  const ended = { queued: dirsOf('waiting'), refused: dirsOf('refused') };
  // A folder may be refused because its name is no valid ID: nothing else is known of it then.
  if (entries.length > 0 && !isRecordingId(text)) return { recordingId: text, uploads: [], discarded: [], ...ended };
  const id = parseRecordingId(text, 'id', 'USAGE');
  // First the state, then the store: a crash in between leaves multipart uploads that the state still knows.
  const result = await journal.forget(id, runtime.clock.now());
  if (!result.ok) throw atWorkError(id, result);
  const { uploads, discarded, kept } = result;
  if (uploads.length + discarded.length + entries.length === 0 && (await outbox.history(id)).length === 0)
    throw unknownRecording(id);
  const reports: ForgottenReport[] = [];
  for (const upload of uploads) reports.push(await abortAll(upload, journal, runtime));
  return { recordingId: id, uploads: reports, discarded, kept, ...ended };
}

async function abortAll(
  { multipart, ...facts }: ForgottenUpload,
  journal: BegunUploads,
  runtime: Runtime,
): Promise<ForgottenReport> {
  const report: ForgottenReport = { ...facts, aborted: [], notAborted: [] };
  if (multipart.length === 0) return report;
  let bucket: Bucket | undefined;
  let failure: AppError | undefined;
  try {
    for (const { key, uploadId } of multipart) {
      try {
        // A store that cannot be reached is asked once, not once for each upload.
        if (failure) throw failure;
        bucket ??= await runtime.bucketAt(facts.target);
        await abort(bucket, key, uploadId, runtime.signal);
        await journal.forgetUploads(facts.target, [uploadId]);
        report.aborted.push(key);
      } catch (error) {
        if (!(error instanceof AppError) || (error.code !== 'STORAGE' && error.code !== 'CONFIG')) throw error;
        if (!(error instanceof StorageFailure) || error.kind === 'transient') failure = error;
        report.notAborted.push({ key, uploadId, error });
      }
    }
  } finally {
    bucket?.close();
  }
  return report;
}

/** An upload that has ended, or whose bucket is gone, needs no abort. */
async function abort(bucket: Bucket, key: string, uploadId: string, signal: AbortSignal): Promise<void> {
  try {
    await bucket.abortUpload(key, uploadId, signal);
  } catch (error) {
    if (!(error instanceof StorageFailure) || !/^NoSuch/.test(error.reason)) throw error;
  }
}

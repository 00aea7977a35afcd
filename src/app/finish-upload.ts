import { AppError } from '../core/errors.ts';
import type { RecordingDetails } from '../core/recording/recording.ts';
import { StillWrittenError } from '../core/recording/settle.ts';
import type { StoredRecording } from '../core/upload/journal.ts';
import { uploadRecording } from '../core/upload/upload-recording.ts';
import { readFinishedFolder, uploadRequest } from './recording-folder.ts';
import type { Runtime } from './runtime.ts';
import type { RetriedUpload } from './upload-queued.ts';

/**
 * Finishes an upload that was begun, with the details that were settled then.
 * @param options.finished the recorder has closed its files; otherwise they have to be settled
 * @throws AppError `STATE`; the signal's reason
 */
export async function finishUpload(
  stored: StoredRecording,
  runtime: Runtime,
  { finished = false }: { finished?: boolean } = {},
): Promise<RetriedUpload> {
  const { id, dir, details, webhooks: webhook } = stored;
  const { signal } = runtime;
  try {
    // The details were settled when the upload was first asked for. A duration that is given is not measured again.
    // Of what was still being recorded, all may be otherwise now, the ID too.
    const isBegun = stored.state !== 'recording';
    const settled = isBegun ? { id, durationSeconds: details.durationSeconds } : {};
    const waiting = { waitMs: 2 * runtime.config.settleMs, finished };
    const read = await readFinishedFolder(dir, { ...settled, ...waiting }, runtime);
    const deps = { ...(await runtime.uploads()), signal };
    const report = await uploadRecording(
      isBegun ? { ...read, details: withUser(details, read.details) } : read,
      uploadRequest(runtime, { force: false, webhook }),
      deps,
    );
    return { ok: true, recordingId: read.id, dir, report };
  } catch (error) {
    if (signal.aborted || !(error instanceof AppError) || error.code === 'STATE') throw error;
    const failure = error.code === 'RECORDING' ? orForget(error, id) : error;
    const waits = failure.code === 'BUSY' || (stored.state === 'recording' && error instanceof StillWrittenError);
    return { ok: false, recordingId: id, dir, error: waits ? error : failure, waits };
  }
}

/** What the upload was asked for with; who the user is may have been configured since. */
function withUser(details: RecordingDetails, now: RecordingDetails): RecordingDetails {
  return details.user.email ? details : { ...details, user: { ...details.user, email: now.user.email } };
}

/** A folder that was deleted never comes back: the upload of it has to end. */
function orForget({ code, message, hint, cause }: AppError, id: string): AppError {
  const end = `if nobody wants it any more: recordupload forget ${id}`;
  return new AppError(code, message, { hint: hint ? `${hint}; ${end}` : end, cause });
}

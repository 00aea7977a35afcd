import { AppError } from '../core/errors.ts';
import type { Recording } from '../core/recording/recording.ts';
import { StillWrittenError } from '../core/recording/settle.ts';
import { targetOf } from '../core/storage/target.ts';
import { nextLookAt, type QueuedUpload } from '../core/upload/queue.ts';
import { uploadRecording } from '../core/upload/upload-recording.ts';
import type { UploadReport } from '../core/upload/upload-report.ts';
import { sameId } from './find-folders.ts';
import { readFinishedFolder, uploadRequest } from './recording-folder.ts';
import { exists } from './refuse-folder.ts';
import type { Runtime } from './runtime.ts';
import { isFinished } from './watch/handed-over.ts';

/** What became of one unfinished or queued upload. */
export type RetriedUpload =
  | { ok: true; recordingId: string; dir: string; report: UploadReport }
  /** Nothing of it could be tried. `waits`: that will change by itself, so nobody has to act. */
  | { ok: false; recordingId: string; dir: string; error: AppError; waits: boolean };

/** A folder that was handed over may be incomplete for this long before somebody has to look at it. */
const PATIENCE_MS = 600_000;

/**
 * Looks at a folder of the queue, and uploads it if it is a finished recording now. If not, the queue notes why. A folder
 * that is gone leaves the queue, unless a recorder handed it over: then its drive may be missing, and somebody has to know.
 * @throws AppError `STATE`; the signal's reason
 */
export async function uploadQueued(entry: QueuedUpload, runtime: Runtime): Promise<RetriedUpload> {
  const { dir, recordingId, origin, asked } = entry;
  const { signal } = runtime;
  try {
    const finished = asked.finished || (origin === 'enqueued' && (await isFinished(dir, runtime)));
    const recording = await readFinishedFolder(
      dir,
      { ...asked, finished, waitMs: 2 * runtime.config.settleMs },
      runtime,
    );
    const report = await uploadUnlessKnown(recording, entry, runtime);
    // The path has become a link since it was asked for. What has begun is known by the folder's own path.
    if (recording.dir !== dir) await (await runtime.state()).queue.remove(dir);
    return { ok: true, recordingId: recording.id, dir, report };
  } catch (error) {
    if (signal.aborted || !(error instanceof AppError) || error.code === 'STATE') throw error;
    const isGone = error.code === 'RECORDING' && !(await exists(dir));
    const waits = await postpone(entry, error, { isGone }, runtime);
    return { ok: false, recordingId, dir, error, waits };
  }
}

/**
 * Notes why the upload of a folder has not begun, and announces it if that has changed.
 * @returns whether it begins by itself
 * @throws AppError `STATE`
 */
export async function postpone(
  entry: QueuedUpload,
  error: AppError,
  { isGone }: { isGone: boolean },
  { clock, observer, state }: Pick<Runtime, 'clock' | 'observer' | 'state'>,
): Promise<boolean> {
  const { queue } = await state();
  const { dir, origin } = entry;
  const now = clock.now();
  const waits = !isGone && willPass(entry, error, now);
  if (entry.reason !== error.message) observer({ type: waits ? 'upload-waiting' : 'upload-refused', dir, error });
  if (isGone && origin !== 'enqueued') {
    await queue.remove(dir);
    return false;
  }
  const why = waits ? 'waiting' : 'refused';
  const nextAt = nextLookAt(why, entry, now);
  await queue.postpone(dir, { state: why, reason: error.message, hint: error.hint ?? null, nextAt }, now);
  return waits;
}

/** True if the upload will probably begin without anybody's help. */
function willPass({ origin, askedAt }: QueuedUpload, error: AppError, now: number): boolean {
  if (error.code === 'BUSY' || error.code === 'STORAGE') return true;
  if (origin === 'upload') return false;
  if (error instanceof StillWrittenError) return true;
  // The worker puts only what is finished into the queue.
  return origin === 'enqueued' && now - askedAt < PATIENCE_MS;
}

async function uploadUnlessKnown(
  recording: Recording,
  { asked, askedAt }: QueuedUpload,
  runtime: Runtime,
): Promise<UploadReport> {
  if (!asked.force) await refuseKnown(recording, runtime);
  const deps = { ...(await runtime.uploads()), signal: runtime.signal };
  try {
    return await uploadRecording(recording, { ...uploadRequest(runtime, asked), askedAt }, deps);
  } catch (error) {
    // Another folder of the same ID has been faster: its process is no reason to wait.
    if (error instanceof AppError && error.code === 'BUSY') await refuseKnown(recording, runtime);
    throw error;
  }
}

/** Refuses a recording whose ID another folder has, from which this machine has uploaded it. */
async function refuseKnown({ id, dir }: Recording, runtime: Runtime): Promise<void> {
  const { config } = runtime;
  const { journal } = await runtime.state();
  const known = await journal.recording({ target: targetOf(config), recordingId: id });
  if (known && known.dir !== dir && (await exists(known.dir))) throw sameId(id, known.dir);
}

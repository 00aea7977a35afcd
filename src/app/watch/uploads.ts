import { targetOf } from '../../core/storage/target.ts';
import type { StoredRecording } from '../../core/upload/journal.ts';
import { nextLookAt, type QueuedUpload } from '../../core/upload/queue.ts';
import { failuresOf } from '../../core/upload/upload-report.ts';
import { foldersAtOnce } from '../descriptors.ts';
import { finishUpload } from '../finish-upload.ts';
import type { Runtime } from '../runtime.ts';
import { postpone, type RetriedUpload, uploadQueued } from '../upload-queued.ts';
import { createAsking } from './asking.ts';
import { createBackoff } from './backoff.ts';
import type { Candidates, Looked } from './candidates.ts';
import type { Verdict } from './finished.ts';
import { videoOf } from './folder-look.ts';
import type { Generations } from './generations.ts';
import { giveUpGone } from './give-up.ts';
import { stillWritten } from './handed-over.ts';
import type { LiveRecordings } from './live.ts';
import { createPauses } from './pauses.ts';
import { type Place, placeOf } from './place.ts';
import { createUnfinished, LOOK_FOR_UNFINISHED_MS } from './unfinished.ts';

/** Uploads what waits in the queue, and finishes what was begun. */
export interface Uploads {
  /**
   * Begins what is due, as far as there is room, and does not wait for it.
   * @returns how long nothing will be due, in milliseconds
   * @throws AppError `STATE`
   */
  pump(): Promise<number>;
  /** Looks at a folder at the next `pump`, whenever it is due: it has changed, or is finished. */
  want(dir: string): void;
  /** Tries again now what has failed: a drive is back, or the configuration is another one. */
  retrySoon(): void;
  /** True while the folder is looked at or uploaded. */
  isRunning(dir: string): boolean;
  readonly running: number;
  /** Uploads that failed and are tried again. */
  readonly unfinished: number;
  /** Resolves once those under way have ended. */
  idle(): Promise<void>;
}

/** They share connections and bandwidth. */
const UPLOADS_AT_ONCE = 32;
const MOST_WANTED = 1_000;
/** After a failure of the state. */
const PAUSE_MS = 10_000;

export interface UploadsDeps {
  candidates: Candidates;
  live: LiveRecordings;
  /** Called when one has ended. */
  onEnd(): void;
  /** Gets what one fails with that is about the state or a bug. */
  onFailure(error: unknown): void;
  /** Called when an upload has succeeded. */
  onSuccess(): void;
}

export function createUploads(
  generations: Generations,
  { candidates, live, onEnd, onFailure, onSuccess }: UploadsDeps,
): Uploads {
  const running = new Map<string, Promise<void>>();
  const wanted = new Set<string>();
  const backoff = createBackoff();
  /** What their last failure said, by folder: it is announced once. */
  const announced = new Map<string, string>();
  const unfinished = createUnfinished();
  const asking = createAsking(generations, onEnd);
  /** When the next folder of the queue is due, as far as is known. */
  let queueAt: number | undefined;

  /** Folders whose upload failed for another reason than the upload itself. */
  const paused = createPauses(() => generations.runtime.clock.monotonic());
  const isBusy = (dir: string) => running.has(dir) || paused.has(dir);

  const start = (dir: string, work: (runtime: Runtime) => Promise<void>) => {
    const task = generations
      .use(work)
      .catch(error => {
        if (generations.runtime.signal.aborted) return;
        paused.add(dir, PAUSE_MS);
        onFailure(error);
      })
      .finally(() => {
        running.delete(dir);
        asking.hint();
        onEnd();
      });
    running.set(dir, task);
  };

  /** @returns the folder as it is, if its recording may be uploaded now */
  const lookFirst = async (dir: string, isEnqueued: boolean): Promise<Looked | undefined> => {
    const looked = await candidates.look(dir, { isEnqueued });
    if (looked?.verdict.finished) {
      candidates.remove(dir);
      await live.stop(dir);
    }
    return looked;
  };

  /** Notes why an upload has not begun; what was just found needs no word. */
  const wait = async (entry: QueuedUpload, { reason, isNew }: Verdict & { finished: false }, runtime: Runtime) => {
    const { dir } = entry;
    if (isNew) {
      const { queue } = await runtime.state();
      const now = runtime.clock.now();
      await queue.postpone(dir, { ...entry, nextAt: nextLookAt('waiting', entry, now) }, now);
      return;
    }
    await postpone(entry, stillWritten(dir, reason), { isGone: false }, runtime);
  };

  const uploadEntry = async (entry: QueuedUpload, runtime: Runtime) => {
    const { dir, origin, asked } = entry;
    const looked = asked.finished ? undefined : await lookFirst(dir, origin !== 'found');
    if (looked && !looked.verdict.finished && videoOf(looked.look)) {
      candidates.add(dir, { isEnqueued: origin !== 'found' });
      await wait(entry, looked.verdict, runtime);
      return;
    }
    if (asked.finished) await live.stop(dir);
    candidates.remove(dir);
    const place = await placeOf(dir);
    const finished = asked.finished || looked?.verdict.finished === true;
    const result = await uploadQueued({ ...entry, asked: { ...asked, finished } }, runtime);
    await settle(result, place, runtime);
  };

  const uploadUnfinished = async (stored: StoredRecording, runtime: Runtime) => {
    const { id, dir } = stored;
    const place = await placeOf(dir);
    const { folders } = await runtime.state();
    const { known, queued } = await folders.get(stored.target, dir);
    if (known?.isAtWork) {
      candidates.remove(dir);
      backoff.busy(id, runtime.clock.monotonic());
      return;
    }
    // Of what is still being recorded, the queue may know more.
    if (stored.state === 'recording' && queued) return void backoff.failed(id, runtime.clock.monotonic());
    const looked = await lookFirst(dir, false);
    const video = looked && videoOf(looked.look);
    const isAsBefore = known?.files.some(
      file => file.name === video?.name && file.sizeBytes === video.sizeBytes && file.mtimeNs === video.mtimeNs,
    );
    if (looked && video && !looked.verdict.finished && !isAsBefore) {
      candidates.add(dir, { isEnqueued: false });
      backoff.failed(id, runtime.clock.monotonic());
      return;
    }
    candidates.remove(dir);
    await live.stop(dir);
    await settle(
      await finishUpload(stored, runtime, { finished: isAsBefore || looked?.verdict.finished }),
      place,
      runtime,
    );
  };

  /** Says how an upload has ended, and when it is tried again. */
  const settle = async (result: RetriedUpload, place: Place | undefined, runtime: Runtime) => {
    const { observer, clock } = runtime;
    const { dir, recordingId } = result;
    const { journal } = await runtime.state();
    const target = targetOf(runtime.config);
    if (result.ok) {
      const { outcome, sentBytes, durationMs, files } = result.report;
      const [error] = failuresOf(result.report);
      if (!error) {
        backoff.ended(recordingId);
        announced.delete(dir);
        onSuccess();
        observer({ type: 'upload-ended', recordingId, dir, outcome, files: files.length, sentBytes, durationMs });
        return;
      }
      if (await giveUpIfGone(recordingId, place, runtime)) return;
      const retryInMs = backoff.failed(recordingId, clock.monotonic());
      observer({
        type: 'upload-ended',
        recordingId,
        dir,
        outcome,
        files: files.length,
        sentBytes,
        durationMs,
        error,
        retryInMs,
      });
      unfinished.lookSoon();
      return;
    }
    const stored = (await journal.unfinished(target)).find(one => one.dir === dir);
    // The queue has its own times for what was not begun.
    if (!stored) return;
    if (await giveUpIfGone(stored.id, place, runtime)) return;
    if (result.error.code === 'BUSY') return backoff.busy(stored.id, clock.monotonic());
    backoff.failed(stored.id, clock.monotonic());
    if (announced.get(dir) === result.error.message) return;
    announced.set(dir, result.error.message);
    observer({ type: 'upload-refused', dir, error: result.error });
  };

  const giveUpIfGone = async (id: string, place: Place | undefined, runtime: Runtime): Promise<boolean> => {
    if (!place) return false;
    const looked = await candidates.look(place.dir, { isEnqueued: false });
    if (!(await giveUpGone(id, place, looked?.look, runtime))) return false;
    backoff.ended(id);
    announced.delete(place.dir);
    return true;
  };

  const lookForUnfinished = async (runtime: Runtime) => {
    if (!(await unfinished.look(runtime))) return;
    backoff.keepOnly(new Set(unfinished.all.map(({ id }) => id)));
    const dirs = new Set(unfinished.all.map(({ dir }) => dir));
    for (const dir of announced.keys()) if (!dirs.has(dir)) announced.delete(dir);
  };

  const storedOf = async (id: string, runtime: Runtime): Promise<StoredRecording | undefined> => {
    const { journal } = await runtime.state();
    const target = targetOf(runtime.config);
    const stored = await journal.recording({ target, recordingId: id as StoredRecording['id'] });
    return stored?.state === 'done' ? undefined : stored;
  };

  return {
    get running() {
      return running.size;
    },
    get unfinished() {
      return unfinished.all.length;
    },
    isRunning: dir => running.has(dir),
    retrySoon() {
      asking.hint();
      backoff.hurry();
      unfinished.lookSoon();
    },
    want(dir) {
      if (wanted.size < MOST_WANTED) wanted.add(dir);
    },
    async pump() {
      const { runtime } = generations;
      const { clock } = runtime;
      const { queue, folders } = await runtime.state();
      const places = foldersAtOnce(UPLOADS_AT_ONCE);
      const target = targetOf(runtime.config);
      for (const dir of wanted) {
        if (running.size >= places) break;
        if (isBusy(dir)) continue;
        wanted.delete(dir);
        const { known, queued } = await folders.get(target, dir);
        if (queued) start(dir, runtime => uploadEntry(queued, runtime));
        else if (known && known.state !== 'done') {
          const stored = await storedOf(known.recordingId, runtime);
          if (stored) start(dir, runtime => uploadUnfinished(stored, runtime));
        }
      }
      const isDue = queueAt !== undefined && queueAt <= clock.now();
      const isAsked = (await asking.take()) || isDue || paused.size > 0;
      if (isAsked && running.size < places) {
        for (const entry of await queue.due(clock.now(), places + running.size + paused.size)) {
          if (running.size >= places) break;
          if (!isBusy(entry.dir)) start(entry.dir, runtime => uploadEntry(entry, runtime));
        }
      }
      await lookForUnfinished(runtime);
      let quietMs = LOOK_FOR_UNFINISHED_MS;
      for (const { id, dir } of unfinished.all) {
        if (isBusy(dir) || candidates.has(dir)) continue;
        const waitMs = backoff.waitMs(id, clock.monotonic());
        if (waitMs > 0) quietMs = Math.min(quietMs, waitMs);
        if (waitMs > 0 || running.size >= places) continue;
        const stored = await storedOf(id, runtime);
        if (stored) start(dir, runtime => uploadUnfinished(stored, runtime));
      }
      if (running.size >= places) return LOOK_FOR_UNFINISHED_MS;
      if (isAsked) queueAt = await queue.nextAt();
      // What is due and was not begun is busy, and rings at its end.
      const nextInMs = queueAt === undefined || queueAt <= clock.now() ? LOOK_FOR_UNFINISHED_MS : queueAt - clock.now();
      return Math.min(quietMs, nextInMs);
    },
    idle: async () => {
      await Promise.all(running.values());
    },
  };
}

import { basename } from 'node:path';
import type { FinishedBy } from '../../core/events.ts';
import { probableId } from '../../core/recording/derived-id.ts';
import { sameFile } from '../../core/recording/file-identity.ts';
import { nameForm } from '../../core/recording/name-form.ts';
import { targetOf } from '../../core/storage/target.ts';
import type { KnownFolder } from '../../core/upload/known-folders.ts';
import type { Runtime } from '../runtime.ts';
import type { Candidates } from './candidates.ts';
import { type FolderLook, lookAtFolder } from './folder-look.ts';
import type { Uploads } from './uploads.ts';

/*
 * From a folder with a video to an entry of the queue. Nothing is uploaded around the queue, and what is uploaded already
 * is not queued again.
 */

/** Folders that were uploaded, as far as this process knows, and since when; monotonic. */
export type DoneFolders = Map<string, { known: KnownFolder; at: number }>;

/** A shared state is not asked about a folder that is as it was uploaded, except now and then: somebody may forget it. */
const DONE_FOR_MS = 6 * 3_600_000;
const MOST_DONE = 20_000;

/**
 * Looks at a folder that was found: it becomes a candidate, unless it needs nothing.
 * @throws AppError `STATE`
 */
export async function considerFound(
  dir: string,
  { candidates, uploads, done }: { candidates: Candidates; uploads: Uploads; done: DoneFolders },
  runtime: Runtime,
): Promise<void> {
  const { config, observer, clock } = runtime;
  const { folders, changes } = await runtime.state();
  const rules = { extraFiles: config.extraFiles, marker: undefined };
  const before = changes && done.get(dir);
  if (before && clock.monotonic() - before.at < DONE_FOR_MS) {
    const look = await lookAtFolder(dir, rules);
    if (!look || changedSince(before.known, look).length === 0) return;
  }
  done.delete(dir);
  const { known, queued, forgottenBefore } = await folders.get(targetOf(runtime.config), dir);
  if (queued) {
    // It has a time of its own. Somebody may have removed what was wrong, though.
    const look = queued.state === 'refused' ? await lookAtFolder(dir, rules) : undefined;
    if (look?.files.some(({ changedAt }) => changedAt > queued.updatedAt)) uploads.want(dir);
    return;
  }
  // So has an unfinished upload.
  if (known && known.state !== 'done') return;
  if (known) {
    const look = await lookAtFolder(dir, rules);
    const names = look ? changedSince(known, look) : [];
    if (names.length === 0) {
      if (changes && done.size < MOST_DONE) done.set(dir, { known, at: clock.monotonic() });
      return;
    }
    if (candidates.add(dir, { isEnqueued: false })) observer({ type: 'recording-grew', dir, names });
    return;
  }
  if (forgottenBefore !== undefined) {
    // The fleet's database is away, and may know it. A later walk looks again.
    const look = await lookAtFolder(dir, rules);
    if (look?.files.every(({ changedAt }) => changedAt < forgottenBefore)) return;
  }
  candidates.add(dir, { isEnqueued: false });
}

/** Puts a finished recording into the queue, unless its upload was begun already. @throws AppError `STATE` */
export async function queueFinished(dir: string, by: FinishedBy, uploads: Uploads, runtime: Runtime): Promise<void> {
  const { clock, observer } = runtime;
  const { folders, queue } = await runtime.state();
  const { known, queued } = await folders.get(targetOf(runtime.config), dir);
  // An upload that was begun goes on as it was asked for.
  if (!known || known.state === 'done') {
    const asked = { webhook: true, force: false, finished: false };
    const recordingId = probableId(basename(dir), runtime.config.idPrefix);
    await queue.add([{ dir, recordingId, origin: 'found', asked }], clock.now());
  }
  if (!queued) observer({ type: 'recording-finished', dir, by });
  uploads.want(dir);
}

/** Names of files that are new, or not as they were uploaded. */
function changedSince({ files }: KnownFolder, look: FolderLook): string[] {
  return look.files
    .filter(({ role }) => role !== 'sidecar')
    .filter(
      file => !files.some(one => nameForm(one.name) === file.name && one.state === 'uploaded' && sameFile(one, file)),
    )
    .map(({ name }) => name);
}

import { AppError } from '../../core/errors.ts';
import { objectKey } from '../../core/recording/object-key.ts';
import { targetOf } from '../../core/storage/target.ts';
import { giveUp } from '../../core/upload/begin-upload.ts';
import type { StoredRecording } from '../../core/upload/journal.ts';
import { fileContext } from '../../core/upload/session.ts';
import { forget } from '../forget.ts';
import type { Runtime } from '../runtime.ts';
import { type FolderLook, videoOf } from './folder-look.ts';
import { isDeleted, type Place } from './place.ts';

/**
 * Gives up the upload of a recording whose folder or video has been deleted or renamed, and announces that. A folder that
 * is missing with its drive is waited for.
 * @param place where its folder was when the upload began
 * @param look the folder as it is now; undefined: it is gone
 * @returns whether it was given up
 * @throws AppError `STATE`, `STORAGE`, `BUSY`
 */
export async function giveUpGone(
  id: string,
  place: Place,
  look: FolderLook | undefined,
  runtime: Runtime,
): Promise<boolean> {
  const hasVideo = look && (videoOf(look) ?? look.unfinished) !== undefined;
  if (hasVideo || (!look && !(await isDeleted(place)))) return false;
  const { config, observer } = runtime;
  const { journal } = await runtime.state();
  const stored = (await journal.unfinished(targetOf(config))).find(one => one.id === id);
  if (!stored) return false;
  await giveUpRecording(stored, runtime);
  const reason = look ? 'its video is gone' : 'its folder is gone';
  observer({ type: 'upload-given-up', recordingId: id, dir: place.dir, reason });
  return true;
}

/**
 * Ends the upload of a recording whose files are gone: its parts are aborted. A recording that was uploaded before as a
 * whole stays as it is in the bucket; any other is forgotten.
 * @throws AppError `STATE`, `STORAGE`, `BUSY`
 */
async function giveUpRecording({ id, target, metadata }: StoredRecording, runtime: Runtime): Promise<void> {
  if (metadata === null) {
    await forget({ id }, runtime).catch(error => {
      // Somebody was faster.
      if (!(error instanceof AppError) || error.code !== 'USAGE') throw error;
    });
    return;
  }
  const session = await runtime.uploads();
  const ref = { target, recordingId: id };
  for (const { name } of await session.journal.files(ref)) {
    await giveUp(fileContext(session, id, name, objectKey(id, name)));
  }
  await session.journal.finish(ref, { state: 'done', error: null, now: runtime.clock.now() });
}

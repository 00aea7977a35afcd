import { AppError } from '../../core/errors.ts';
import { objectKey } from '../../core/recording/object-key.ts';
import { giveUp } from '../../core/upload/begin-upload.ts';
import type { StoredRecording } from '../../core/upload/journal.ts';
import { fileContext } from '../../core/upload/session.ts';
import { forget } from '../forget.ts';
import type { Runtime } from '../runtime.ts';

/**
 * Ends the upload of a recording whose files are gone: its parts are aborted. A recording that was uploaded before as a
 * whole stays as it is in the bucket; any other is forgotten.
 * @throws AppError `STATE`, `STORAGE`, `BUSY`
 */
export async function giveUpRecording({ id, target, metadata }: StoredRecording, runtime: Runtime): Promise<void> {
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

import { isSystemError } from '../errors.ts';
import { FileReplaced } from '../recording/open-file.ts';
import { openFolder } from '../recording/opened-folder.ts';
import type { LocalRemovalDeps } from './local-removal.ts';
import type { RecordingRef } from './parts-journal.ts';

/**
 * Moves back what an interrupted removal has left moved aside. Returns whether it could be looked for: another process may
 * be at work on it, or the folder may be gone.
 * @throws AppError `STATE`
 */
export async function restoreLocalFiles(
  ref: RecordingRef,
  { localFiles, journal, clock }: Pick<LocalRemovalDeps, 'localFiles' | 'journal' | 'clock'>,
): Promise<boolean> {
  const claim = await localFiles.claim(ref, clock.now());
  if (!claim.ok) return false;
  try {
    const folder = openFolder(claim.recording.dir);
    try {
      folder.restore();
    } finally {
      folder.close();
    }
    return true;
  } catch (error) {
    // What keeps it there is said once the files are to be removed.
    if (isSystemError(error) || error instanceof FileReplaced) return false;
    throw error;
  } finally {
    await journal.release(ref);
  }
}

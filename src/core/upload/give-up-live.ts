import { objectKey } from '../recording/object-key.ts';
import type { Recording, RecordingId } from '../recording/recording.ts';
import { StorageFailure } from '../storage/failure.ts';
import { giveUp } from './begin-upload.ts';
import { fileContext, type UploadSession } from './session.ts';

/**
 * Ends a live upload that nobody will finish, and announces it. Where the store cannot remove its parts now, `cleanup` finds
 * them.
 */
export async function giveUpLive(id: RecordingId, name: string, reason: string, session: UploadSession): Promise<void> {
  const context = fileContext(session, id, name, objectKey(id, name));
  session.observer({ type: 'live-given-up', recordingId: id, name, reason });
  await giveUp(context).catch(async (error: unknown) => {
    if (!(error instanceof StorageFailure)) throw error;
    await session.journal.dropUpload(context.ref);
  });
}

/**
 * Ends what live uploads have sent of this folder and its upload does not use: the recording has another id now, or its video
 * another name.
 * @param session that of the recording's upload, which has claimed it
 */
export async function giveUpOtherLives(
  { id, dir, files }: Pick<Recording, 'id' | 'dir' | 'files'>,
  session: UploadSession,
): Promise<void> {
  const { journal, bucket, clock } = session;
  const { target } = bucket;
  for (const left of await journal.liveIn(target, dir, id)) {
    if (left.id === id) {
      const gone = left.names.filter(name => !files.some(file => file.name === name));
      for (const name of gone) await giveUpLive(id, name, 'the recording has no file of this name any more', session);
      continue;
    }
    // Another process may be at work on it still.
    const claimed = await journal.beginLive(target, { id: left.id, dir, details: NO_DETAILS }, { now: clock.now() });
    if (!claimed.ok) continue;
    for (const name of left.names) await giveUpLive(left.id, name, `the recording has the id ${id} now`, session);
    await journal.forgetLive({ target, recordingId: left.id });
  }
}

/** The claim ends with it. */
const NO_DETAILS = { title: '', createdAt: '', user: {} };

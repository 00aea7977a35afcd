import type { RecordingInProgress } from '../recording/read-in-progress.ts';
import { foreignByRole, isOurs } from './foreign-objects.ts';
import { remoteRecording } from './remote-recording.ts';
import type { FileContext, UploadSession } from './session.ts';
import { headIfAllowed } from './verify-object.ts';

/**
 * Looks whether the bucket has another recording with this id, as an upload does before it sends anything. The upload
 * itself will refuse it.
 * @param session with the recording's own token
 * @returns why no part of it may be sent; undefined: nothing is in the way
 */
export async function whyNotLive(
  { id, dir, details, video }: RecordingInProgress,
  session: UploadSession,
  context: FileContext,
): Promise<string | undefined> {
  const remote = remoteRecording({ id }, session);
  if (await remote.mayHave(context.key)) {
    const head = await headIfAllowed(context);
    const stored = await context.journal.file(context.ref);
    if (head && head !== 'forbidden' && !isOurs(head, stored, session)) return `the bucket has another ${context.key}`;
  }
  const recording = { id, dir, details, files: [video], skipped: [] };
  const [other] = await foreignByRole(recording, session, (await remote.listedKeys()) ?? []);
  return other && `the bucket has another recording with this id: ${other.key}`;
}

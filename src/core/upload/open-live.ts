import { type FileIdentity, sameFile } from '../recording/file-identity.ts';
import { objectKey } from '../recording/object-key.ts';
import type { RecordingInProgress } from '../recording/read-in-progress.ts';
import { partSizeFor } from '../storage/part-plan.ts';
import { formatBytes } from '../units.ts';
import { begin, giveUp } from './begin-upload.ts';
import type { UploadState } from './complete-upload.ts';
import { type FileContext, fileContext, type UploadSession } from './session.ts';
import { whyNotLive } from './why-not-live.ts';

/** What the state and the bucket have of a recording in progress. */
export interface OpenLive {
  context: FileContext;
  state: UploadState;
  /** As the last look found it. */
  file: FileIdentity;
}

/** So many parts before the limit, larger ones are begun with: the last ones follow when the file is finished. */
const SPARE_PARTS = 10;

/**
 * Finds the upload of an earlier process, or opens one.
 * @param session with the recording's own token
 * @param file as the look finds it
 * @param options.assertGoesOn throws once no part is wanted any more
 * @returns why no part of it may be sent, where that is so
 */
export async function openLiveUpload(
  recording: RecordingInProgress,
  session: UploadSession,
  file: FileIdentity,
  { partSizeBytes, assertGoesOn }: { partSizeBytes: number; assertGoesOn: () => void },
): Promise<OpenLive | { why: string }> {
  const { journal, observer } = session;
  const { id: recordingId, dir, video } = recording;
  const context = fileContext(session, recordingId, video.name, objectKey(recordingId, video.name), assertGoesOn);
  const known = await journal.openUpload(context.ref);
  if (known && known.upload.uploadId !== null) {
    const { uploadId, ...upload } = known.upload;
    await journal.fileLookedAt(context.ref, { ...upload, live: true });
    const parts = new Map(known.parts.map(part => [part.number, part]));
    observer({ type: 'live-started', recordingId, dir, name: video.name, resumedParts: parts.size });
    return { context, state: { upload: { ...upload, uploadId, live: true }, parts }, file: upload };
  }
  const why = known ? undefined : await whyNotLive(recording, session, context);
  if (why !== undefined) return { why };
  const facts = { ...file, contentType: video.contentType };
  const state = await begin(facts, context, { partSizeBytes, live: true });
  observer({ type: 'live-started', recordingId, dir, name: video.name, resumedParts: 0 });
  return { context, state, file };
}

/**
 * Compares the file with the last look at it: it may be another one now, or have outgrown its parts.
 * @returns larger parts to begin again with; undefined: the upload goes on
 */
export async function compareLive(
  open: OpenLive,
  now: FileIdentity,
  maxParts: number,
): Promise<{ partSizeBytes: number } | undefined> {
  const { context, state, file } = open;
  const { observer, recordingId, key, journal, ref } = context;
  const { partSizeBytes } = state.upload;
  if (Math.floor(now.sizeBytes / partSizeBytes) > maxParts - SPARE_PARTS) {
    const larger = Math.max(2 * partSizeBytes, partSizeFor(2 * now.sizeBytes));
    const sizes = `${formatBytes(partSizeBytes)} have become too many; starting over with ${formatBytes(larger)}`;
    observer({ type: 'warning', recordingId, message: `${key}: parts of ${sizes}` });
    await giveUp(context);
    return { partSizeBytes: larger };
  }
  if (now.inode !== file.inode || now.sizeBytes < file.sizeBytes) {
    const numbers = [...state.parts.keys()];
    const what = now.inode === file.inode ? 'has become shorter' : 'was replaced by another file';
    const message = `${key}: the video ${what} while it was uploaded; its ${numbers.length} parts are sent again`;
    if (numbers.length > 0) observer({ type: 'warning', recordingId, message });
    await journal.removeParts(ref, numbers);
    state.parts.clear();
  }
  if (!sameFile(now, file)) await journal.fileLookedAt(ref, { ...now, live: true });
  open.file = now;
  return undefined;
}

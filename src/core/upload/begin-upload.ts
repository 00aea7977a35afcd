import type { FileIdentity } from '../recording/file-identity.ts';
import type { RecordingFile } from '../recording/recording.ts';
import { StorageFailure } from '../storage/failure.ts';
import { formatBytes } from '../units.ts';
import type { UploadState } from './complete-upload.ts';
import { objectMetadata } from './object-metadata.ts';
import { findEmptyUpload, listEmptyUploads } from './orphaned-upload.ts';
import type { OpenUpload, StoredPart } from './parts-journal.ts';
import type { FileContext } from './session.ts';

/**
 * Opens a new upload. The journal notes the Create before it is sent: if the network or a crash loses its response, an
 * empty upload is left in the bucket, and the next try uses it instead of a second one.
 */
export async function begin(
  file: FileIdentity & Pick<RecordingFile, 'contentType'>,
  context: FileContext,
  plan: Pick<OpenUpload, 'partSizeBytes' | 'live'>,
): Promise<UploadState> {
  const { journal, ref, bucket, persistence, name, key, signal, clock, onRetry } = context;
  const { sizeBytes, mtimeNs, inode, contentType } = file;
  const asked = (await journal.openUpload(ref))?.upload;
  const token = asked?.token ?? context.newToken();
  const askedAt = asked?.askedAt ?? clock.now();
  const planned = { name, token, askedAt, ...plan, sizeBytes, mtimeNs, inode };
  if (!asked) await journal.beginUpload(ref, { ...planned, uploadId: null }, [], clock.now());

  let mayExist = asked !== undefined;
  let hasLost = mayExist;
  const { uploadId } = await persistence.run(
    async () => {
      hasLost ||= mayExist;
      const empty = mayExist ? await findEmptyUpload(context) : undefined;
      mayExist = true;
      return empty ?? bucket.createUpload(key, { contentType, metadata: objectMetadata(context, token) }, signal);
    },
    { signal, onRetry },
  );
  const upload = { ...planned, uploadId, askedAt: hasLost ? askedAt : null };
  await journal.beginUpload(ref, upload, [], clock.now());
  return { upload, parts: new Map() };
}

/**
 * Ends what lost Creates of this file have left behind: what lies at its key, was begun since the first of them was sent,
 * and has no part. It may fail; nobody needs those uploads, and `cleanup` finds them.
 */
export async function endEmptyUploads(
  context: FileContext,
  { askedAt, uploadId }: Pick<OpenUpload, 'askedAt' | 'uploadId'>,
): Promise<void> {
  if (askedAt === null) return;
  const { bucket, key, signal } = context;
  try {
    for (const empty of await listEmptyUploads(context, askedAt)) {
      if (empty.uploadId !== uploadId) await bucket.abortUpload(key, empty.uploadId, signal);
    }
  } catch (error) {
    if (!(error instanceof StorageFailure)) throw error;
  }
}

/** Aborts the file's open upload in the bucket and forgets it in the state. */
export async function giveUp(context: FileContext): Promise<void> {
  const { bucket, journal, ref, key, signal } = context;
  const open = await journal.openUpload(ref);
  if (!open) return;
  const { uploadId } = open.upload;
  try {
    if (uploadId) await bucket.abortUpload(key, uploadId, signal);
    if (uploadId) await journal.forgetUploads(ref.target, [uploadId]);
  } catch (error) {
    if (!(error instanceof StorageFailure) || error.kind === 'transient') throw error;
    if (error.kind !== 'missing') warnOfParts(context, open, error);
  }
  await endEmptyUploads(context, open.upload);
  await journal.dropUpload(ref);
}

/** The key may not abort it: its parts stay, and cost money. */
function warnOfParts(
  { observer, recordingId, key }: FileContext,
  { upload, parts }: { upload: OpenUpload; parts: readonly StoredPart[] },
  refusal: StorageFailure,
): void {
  const bytes = Math.min(upload.sizeBytes, parts.length * upload.partSizeBytes);
  const message = `${key}: the store refuses to remove an unfinished upload that nobody needs (${refusal.status} ${refusal.reason}); ${parts.length} ${parts.length === 1 ? 'part' : 'parts'} (${formatBytes(bytes)}) stay in the bucket until recordupload cleanup --yes is run with a key that may remove them`;
  observer({ type: 'warning', recordingId, message });
}

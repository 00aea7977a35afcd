import type { AppError } from '../errors.ts';
import { contentHash, METADATA_NAME, makePayload, type Payload, payloadBytes } from '../payload/payload.ts';
import { objectKey } from '../recording/object-key.ts';
import type { Recording } from '../recording/recording.ts';
import type { FileChecksum } from '../storage/checksum.ts';
import type { UploadedObject } from './journal.ts';
import { isOfOneFile } from './of-one-file.ts';
import { putMetadata } from './put-metadata.ts';
import type { RemoteRecording } from './remote-recording.ts';
import { type FileContext, fileContext, type UploadSession } from './session.ts';
import type { FileReport, UploadRequest } from './upload-report.ts';
import { headIfAllowed } from './verify-object.ts';

/** How storing `metadata.json` ended, and the payload: its content, and what the webhook sends. */
export interface StoredMetadata {
  outcome: 'uploaded' | 'unchanged' | 'none';
  payload?: { value: Payload; text: string; hash: string };
  /** `metadata.json` as it is in the bucket now. */
  stored?: { text: string; etag: string };
  error?: AppError;
}

/**
 * Stores the payload as `metadata.json`, unless the bucket has one that says the same.
 * @throws AppError `RECORDING` if another recording of this ID has one, `STATE`; the signal's reason
 */
export async function storeMetadata(
  recording: Recording,
  files: readonly FileReport[],
  request: UploadRequest,
  session: UploadSession,
  remote: RemoteRecording,
): Promise<StoredMetadata> {
  const { bucket, clock, observer, signal } = session;
  const uploaded = files.filter(file => file.outcome !== 'failed');
  if (uploaded.length === 0) return { outcome: 'none' };
  const facts = { ...request, recording, uploaded, bucket: bucket.name, uploadedAt: clock.now() };
  const payload = (settings: { metadataStored: boolean }) => {
    const value = makePayload({ ...facts, ...settings });
    return { value, text: payloadBytes(value).toString(), hash: contentHash(value) };
  };
  const fresh = payload({ metadataStored: true });
  const context = fileContext(session, recording.id, METADATA_NAME, objectKey(recording.id, METADATA_NAME));
  try {
    const sent = files.some(file => file.outcome === 'uploaded');
    const before = request.force || sent ? undefined : await knownMetadata(context, fresh.hash, remote);
    if (before) {
      return {
        outcome: 'unchanged',
        stored: before,
        payload: { ...fresh, value: JSON.parse(before.text) as Payload, text: before.text },
      };
    }
    const isOurs = (await context.journal.recording(context.ref))?.metadata != null;
    const put = {
      text: fresh.text,
      objects: await uploadedObjects(recording, files, session),
      mayReplace: request.force || isOurs,
      sentAll: files.every(file => file.outcome === 'uploaded'),
    };
    const etag = await putMetadata(recording, put, context);
    return { outcome: 'uploaded', payload: fresh, stored: { text: fresh.text, etag } };
  } catch (error) {
    if (signal.aborted || !isOfOneFile(error) || error.code === 'RECORDING') throw error;
    observer({ type: 'file-failed', recordingId: recording.id, name: METADATA_NAME, error });
    return { outcome: 'none', payload: payload({ metadataStored: false }), error };
  }
}

/** The bucket's `metadata.json` if it says the same; it keeps its own time of upload. */
async function knownMetadata(
  context: FileContext,
  hash: string,
  remote: RemoteRecording,
): Promise<{ text: string; etag: string } | undefined> {
  const stored = await context.journal.recording(context.ref);
  const saysTheSame = (text: string) => contentHashOf(text) === hash;
  if (stored?.metadata && stored.metadataEtag !== null) {
    if (!saysTheSame(stored.metadata)) return undefined;
    const head = await headIfAllowed(context);
    const asStored = head === 'forbidden' || head?.etag === stored.metadataEtag;
    return asStored ? { text: stored.metadata, etag: stored.metadataEtag } : undefined;
  }
  const found = await remote.metadata();
  return found && saysTheSame(found.text) ? found : undefined;
}

function contentHashOf(text: string): string | undefined {
  try {
    return contentHash(JSON.parse(text) as Payload);
  } catch {
    return undefined; // another program's
  }
}

async function uploadedObjects(
  { id: recordingId }: Recording,
  files: readonly FileReport[],
  { journal, bucket: { target } }: UploadSession,
): Promise<Map<string, FileChecksum>> {
  const stored = new Map((await journal.files({ target, recordingId })).map(file => [file.name, file]));
  return new Map(
    files.flatMap(({ name, sizeBytes, outcome }) => {
      const object = stored.get(name) as UploadedObject | undefined;
      return outcome !== 'failed' && object ? [[name, { ...object, sizeBytes }]] : [];
    }),
  );
}

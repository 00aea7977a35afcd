import { AppError } from '../errors.ts';
import { METADATA_NAME } from '../payload/payload.ts';
import { objectKey } from '../recording/object-key.ts';
import type { RecordingId } from '../recording/recording.ts';
import type { ObjectHead } from '../storage/bucket.ts';
import { decodeChecksums, type FileChecksum } from '../storage/checksum.ts';
import { StorageFailure } from '../storage/failure.ts';
import { readMetadataObject } from '../storage/read-object.ts';
import { fileContext, type UploadSession } from './session.ts';

/** Name of the metadata of `metadata.json` that carries the files' checksums. */
export const CHECKSUMS_METADATA = 'recordupload-checksums';

/** What the bucket itself knows of a recording; asked only if the state does not know, and once for each thing. */
export interface RemoteRecording {
  /** False only if the bucket certainly has no object of that key: HEAD is not needed then. */
  mayHave(key: string): Promise<boolean>;
  /** The keys below the recording's prefix, if they were listed; asks for nothing. */
  listedKeys(): Promise<ReadonlySet<string> | undefined>;
  /** `metadata.json` as the bucket has it; undefined if there is none, it cannot be read, or it is none of ours. */
  metadata(): Promise<{ text: string; etag: string; checksums: Map<string, FileChecksum> } | undefined>;
}

/** A recording in the bucket; each thing is asked for at most once. */
export function remoteRecording({ id }: { id: RecordingId }, session: UploadSession): RemoteRecording {
  let listed: Promise<Set<string> | undefined> | undefined;
  return {
    async mayHave(key) {
      listed ??= listKeys(id, session);
      return (await listed)?.has(key) ?? true;
    },
    listedKeys: async () => await listed,
    metadata: once(() => readMetadata(id, session)),
  };
}

/** The checksums kept in the metadata of `metadata.json`, by file name. */
export function readChecksums(metadata: ObjectHead | undefined): Map<string, FileChecksum> {
  return decodeChecksums(metadata?.metadata[CHECKSUMS_METADATA]);
}

/** A recording has a handful of objects. If there are this many, a HEAD for each file is cheaper than listing them all. */
const MANY = 1_000;

/** The keys below the recording's prefix; undefined if they cannot be listed. */
async function listKeys(id: RecordingId, { bucket, signal }: UploadSession): Promise<Set<string> | undefined> {
  try {
    const objects = await bucket.list(`${id}/`, { atMost: MANY }, signal);
    return objects.length < MANY ? new Set(objects.map(({ key }) => key)) : undefined;
  } catch (error) {
    // The key may not list, or the fault is a passing one: a HEAD for each object follows, which is retried.
    if (error instanceof StorageFailure) return undefined;
    throw error;
  }
}

async function readMetadata(id: RecordingId, session: UploadSession): ReturnType<RemoteRecording['metadata']> {
  const context = fileContext(session, id, METADATA_NAME, objectKey(id, METADATA_NAME));
  try {
    const object = await context.bucket.get(context.key, session.signal);
    if (!object) return undefined;
    const text = await readMetadataObject(object, context.key);
    return text === undefined ? undefined : { text, etag: object.etag, checksums: readChecksums(object) };
  } catch (error) {
    // The key may not read, or the body was cut off or came too slowly: compare the objects in other ways then.
    if (error instanceof AppError && !session.signal.aborted) return undefined;
    throw error;
  }
}

function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let asked: Promise<T> | undefined;
  return () => (asked ??= ask());
}

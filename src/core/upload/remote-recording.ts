import { AppError } from '../errors.ts';
import { METADATA_NAME } from '../payload/payload.ts';
import { objectKey } from '../recording/object-key.ts';
import type { RecordingId } from '../recording/recording.ts';
import type { ObjectHead } from '../storage/bucket.ts';
import { decodeChecksums, type FileChecksum } from '../storage/checksum.ts';
import { StorageFailure } from '../storage/failure.ts';
import { fileContext, type UploadSession } from './session.ts';

/** Name of the metadata of `metadata.json` that carries the files' checksums. */
export const CHECKSUMS_METADATA = 'recordupload-checksums';

/** What the bucket itself knows of a recording; each thing is asked for once, and only where the state does not know. */
export interface RemoteRecording {
  /** False where the bucket has no object of that key for certain: nothing need be asked about it then. */
  mayHave(key: string): Promise<boolean>;
  /** `metadata.json` as the bucket has it; undefined where there is none, or it may not be read. */
  metadata(): Promise<{ text: string; etag: string; checksums: Map<string, FileChecksum> } | undefined>;
}

/** A recording in the bucket, asked about at most once for each thing. */
export function remoteRecording({ id }: { id: RecordingId }, session: UploadSession): RemoteRecording {
  const keys = once(() => listKeys(id, session));
  return {
    mayHave: async key => (await keys())?.has(key) ?? true,
    metadata: once(() => readMetadata(id, session)),
  };
}

/** The checksums kept in the metadata of `metadata.json`, by file name. */
export function readChecksums(metadata: ObjectHead | undefined): Map<string, FileChecksum> {
  return decodeChecksums(metadata?.metadata[CHECKSUMS_METADATA]);
}

/** A recording has a handful of objects; where there are this many, asking for each is cheaper than listing them all. */
const MANY = 1_000;

/** The keys below the recording's prefix; undefined where they cannot be told. */
async function listKeys(id: RecordingId, { bucket, signal }: UploadSession): Promise<Set<string> | undefined> {
  try {
    const objects = await bucket.list(`${id}/`, { atMost: MANY }, signal);
    return objects.length < MANY ? new Set(objects.map(({ key }) => key)) : undefined;
  } catch (error) {
    // A key that may not list, or a fault that may pass: each object is asked for by itself then, and more patiently.
    if (error instanceof StorageFailure) return undefined;
    throw error;
  }
}

async function readMetadata(id: RecordingId, session: UploadSession): ReturnType<RemoteRecording['metadata']> {
  const context = fileContext(session, id, METADATA_NAME, objectKey(id, METADATA_NAME));
  try {
    const object = await context.bucket.get(context.key, session.signal);
    if (!object) return undefined;
    const text = Buffer.concat(await Array.fromAsync(object.stream)).toString();
    return { text, etag: object.etag, checksums: readChecksums(object) };
  } catch (error) {
    // Not allowed to read, or broken off: then nothing is known, and what is there is compared in other ways.
    if (error instanceof AppError && !session.signal.aborted) return undefined;
    throw error;
  }
}

function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let asked: Promise<T> | undefined;
  return () => (asked ??= ask());
}

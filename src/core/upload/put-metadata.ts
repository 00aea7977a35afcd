import { createHash } from 'node:crypto';
import { METADATA_NAME, type Payload } from '../payload/payload.ts';
import { objectKey } from '../recording/object-key.ts';
import type { Recording } from '../recording/recording.ts';
import { bufferBody } from '../storage/body.ts';
import type { ObjectHead, WriteCondition } from '../storage/bucket.ts';
import { encodeChecksums, type FileChecksum } from '../storage/checksum.ts';
import { isForbidden } from '../storage/failure.ts';
import { readMetadataObject } from '../storage/read-object.ts';
import { belongsToAnother, foreignByRole } from './foreign-objects.ts';
import { objectMetadata, TOKEN_METADATA } from './object-metadata.ts';
import { CHECKSUMS_METADATA, readChecksums } from './remote-recording.ts';
import { type FileContext, persistentBucket } from './session.ts';
import { isTaken } from './taken.ts';
import { headIfAllowed, verifyObject } from './verify-object.ts';

/*
 * Two recorders that begin the same ID at the same moment see nothing of each other, and files of different names
 * (`video.mkv` here, `video.mp4` there) never meet in the bucket. Their `metadata.json` does: only one can create it.
 */

export interface MetadataPut {
  text: string;
  /** What the bucket has of the recording's files, by name. */
  objects: ReadonlyMap<string, FileChecksum>;
  /** True: replace whatever `metadata.json` there is. This state stored it, or the operator said `--force`. */
  mayReplace: boolean;
  /** True: this run created every file of the recording. */
  sentAll: boolean;
}

/**
 * Stores `metadata.json`, unless another recording of this ID has one already.
 * @returns its ETag
 * @throws AppError `RECORDING` if another recording has, `VERIFICATION`, `STORAGE`; the signal's reason
 */
export async function putMetadata(
  recording: Recording,
  { text, objects, mayReplace, sentAll }: MetadataPut,
  context: FileContext,
): Promise<string> {
  const { bucket, key, throttle, signal } = context;
  const bytes = Buffer.from(text);
  const token = context.newToken();
  const metadata = { ...objectMetadata(context, token), [CHECKSUMS_METADATA]: encodeChecksums(objects) };
  let isAgain = false;
  const onBytes = (count: number) => {
    isAgain ||= count < 0;
  };
  const body = bufferBody(bytes, createHash('sha256').update(bytes).digest(), { throttle, onBytes });
  const put = async (condition: WriteCondition) => {
    const { etag } = await bucket.put(key, body, { contentType: 'application/json', metadata, ...condition }, signal);
    return etag;
  };
  const putFirst = async () => {
    if (mayReplace) return await put({});
    try {
      return await put({ onlyIfAbsent: true, beforeUnconditional: () => refuseListedRivals(recording, context) });
    } catch (error) {
      if (!isTaken(error)) throw error;
      const found = await headIfAllowed(context);
      if (found === 'forbidden') {
        // It may be this write's own, if a response was lost, or the same recording's from an earlier run.
        if (sentAll && !isAgain) throw belongsToAnother(recording.id, [{ key, head: undefined }], { isSent: true });
      } else if (found) {
        if (found.metadata[TOKEN_METADATA] === token) return found.etag;
        await refuseRivalsIn(found, recording, context);
      }
      return await put({});
    }
  };
  return await verifyObject(context, { sizeBytes: bytes.length, etag: await putFirst(), token });
}

/**
 * Refuses to replace a `metadata.json` that names another file for a role of ours. Without such a file it is the same
 * recording's: files of the same name were compared when they were uploaded, and any machine may announce them.
 * @throws AppError `RECORDING`
 */
async function refuseRivalsIn(found: ObjectHead, recording: Recording, context: FileContext): Promise<void> {
  const { ownToken } = context;
  if (ownToken !== undefined && found.metadata[TOKEN_METADATA]?.startsWith(ownToken)) return;
  const noted = [...readChecksums(found).keys()];
  const names = noted.length > 0 ? noted : await namesInPayload(context);
  const keys = names.map(name => `${recording.id}/${name}`);
  const rivals = await foreignByRole(recording, context, keys);
  if (rivals.length === 0) return;
  throw belongsToAnother(recording.id, [...rivals, { key: context.key, head: found }], { isSent: true });
}

/** The names of the files that the payload tells of; none if it cannot be read, or is another program's. */
async function namesInPayload({ bucket, key, signal }: FileContext): Promise<string[]> {
  try {
    const object = await bucket.get(key, signal);
    const text = object && (await readMetadataObject(object, key));
    const { file_info } = JSON.parse(text ?? '{}') as Partial<Payload>;
    return Object.keys(file_info?.individual_sizes_mb ?? {});
  } catch {
    signal.throwIfAborted();
    return [];
  }
}

/**
 * For stores without conditional writes: looks at the list right before `metadata.json` is stored. Each recorder has
 * stored its files by then, so at least one of two sees the other's; if both do, neither is announced.
 * @throws AppError `RECORDING`
 */
async function refuseListedRivals(recording: Recording, context: FileContext): Promise<void> {
  let keys: string[];
  try {
    const listed = await persistentBucket(context).list(`${recording.id}/`, {}, context.signal);
    keys = listed.map(({ key }) => key).filter(key => key !== objectKey(recording.id, METADATA_NAME));
  } catch (error) {
    if (isForbidden(error)) return;
    throw error;
  }
  const rivals = await foreignByRole(recording, context, keys);
  if (rivals.length > 0) throw belongsToAnother(recording.id, rivals, { isSent: true });
}

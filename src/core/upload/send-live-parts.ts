import { bufferBody } from '../storage/body.ts';
import type { Part } from '../storage/part-plan.ts';
import type { UploadState } from './complete-upload.ts';
import { type GrowingFile, hashBytes } from './growing-file.ts';
import type { LivePlaces } from './live-places.ts';
import type { OpenLive } from './open-live.ts';

/** A recorder that reserved room has no data behind so many stretches of zeros. */
const MOST_UNWRITTEN = 4;
/** The file grows while they are sent, so the next look finds the others. */
const MOST_AT_A_LOOK = 8;

/** The finished stretches that the bucket does not have. The end of the file is still being written. */
export async function dueParts({ upload, parts }: UploadState, file: GrowingFile): Promise<Part[]> {
  const { partSizeBytes: sizeBytes } = upload;
  const due: Part[] = [];
  let unwritten = 0;
  for (let number = 1; (number + 1) * sizeBytes <= file.identity.sizeBytes && unwritten < MOST_UNWRITTEN; number++) {
    if (parts.has(number)) continue;
    const part = { number, offset: (number - 1) * sizeBytes, sizeBytes };
    if (await file.isUnwritten(part)) unwritten++;
    else due.push(part);
    if (due.length >= MOST_AT_A_LOOK) break;
  }
  return due;
}

/**
 * Looks whether the first part has other bytes now: at the end, many recorders write the head of the file again.
 * @returns it, if it has to be sent again
 */
export async function changedHead({ state }: OpenLive, file: GrowingFile): Promise<Part[]> {
  const { parts, upload } = state;
  const known = parts.get(1);
  if (!known) return [];
  const head = { number: 1, offset: 0, sizeBytes: upload.partSizeBytes };
  const bytes = Buffer.allocUnsafeSlow(head.sizeBytes);
  if (!(await file.read(head, bytes))) return [];
  return (await hashBytes(bytes)).toString('base64') === known.sha256 ? [] : [head];
}

export interface LiveSending {
  places: LivePlaces;
  /** No further part is begun once it has aborted. */
  stopping: AbortSignal;
  /** Called when bytes have moved. */
  onMoved(): void;
  /** Called when a part is in the bucket and in the state. */
  onSent(): void;
}

/**
 * Sends parts, a few at once; those that are on their way arrive before this ends.
 * @throws what the first failure was
 */
export async function sendLiveParts(
  open: OpenLive,
  parts: readonly Part[],
  file: GrowingFile,
  sending: LiveSending,
): Promise<void> {
  const ends: Promise<void>[] = [];
  let failure: { error: unknown } | undefined;
  for (const part of parts) {
    const place = await sending.places.take(part.sizeBytes, sending.stopping).catch(() => undefined);
    if (!place) break;
    if (failure || sending.stopping.aborted) {
      place.leave();
      break;
    }
    const end = send(open, part, file, place.buffer, sending).catch((error: unknown) => {
      failure ??= { error };
    });
    ends.push(end.finally(place.leave));
  }
  await Promise.all(ends);
  if (failure) throw failure.error;
}

/** The part is hashed and sent from memory: whatever the recorder writes meanwhile, the hash is that of the sent bytes. */
async function send(
  { context, state }: OpenLive,
  part: Part,
  file: GrowingFile,
  buffer: Buffer,
  { onMoved, onSent }: LiveSending,
) {
  const { bucket, journal, ref, key, recordingId, name, throttle, observer, signal } = context;
  if (!(await file.read(part, buffer))) return;
  const sha256 = await hashBytes(buffer);
  const body = bufferBody(buffer, sha256, { throttle, onBytes: onMoved });
  const { etag } = await bucket.uploadPart(key, state.upload.uploadId, part.number, body, signal);
  const stored = { number: part.number, etag, sha256: sha256.toString('base64') };
  await journal.addParts(ref, [stored]);
  state.parts.set(part.number, stored);
  onSent();
  const { size } = state.parts;
  observer({ type: 'live-parts', recordingId, name, parts: size, bytes: size * part.sizeBytes });
}

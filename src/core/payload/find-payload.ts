import { AppError } from '../errors.ts';
import { roleOf } from '../recording/file-roles.ts';
import { objectKey } from '../recording/object-key.ts';
import type { ParsedOverrides } from '../recording/read-recording.ts';
import type { RecordingDetails, RecordingId } from '../recording/recording.ts';
import { defaultTitle, formatUtc, fromMilliseconds, parseTimestamp } from '../recording/timestamps.ts';
import type { Bucket } from '../storage/bucket.ts';
import { readMetadataObject } from '../storage/read-object.ts';
import { contentHash, isPayloadOf, METADATA_NAME, makePayload, type Payload } from './payload.ts';
import { changesBetween, type PayloadChange } from './remake-payload.ts';

/** The payload of a recording that is in the bucket, and where it was found. */
export interface FoundPayload {
  payload: Payload;
  /** The bytes to send. */
  text: string;
  contentHash: string;
  from: 'state' | 'metadata.json' | 'listing';
  /** What the configuration and the overrides changed. */
  changes: PayloadChange[];
}

/** What the state knows of recordings; an `UploadJournal` is one. */
export interface KnownRecordings {
  /** `metadata`: the payload as this machine last stored it in the bucket. */
  recording(ref: { target: string; recordingId: RecordingId }): Promise<{ metadata: string | null } | undefined>;
}

export interface FindPayloadDeps {
  /** `<endpoint>/<bucket>` */
  target: string;
  journal: KnownRecordings;
  /** Called only if the state does not know the recording. */
  bucket(): Promise<Bucket>;
  /** Makes a payload of this machine's again from what is configured now. */
  remake(before: Payload): Promise<Payload>;
  now(): number;
  signal: AbortSignal;
}

/** What the payload says if neither the state nor `metadata.json` says it. */
export interface PayloadDefaults {
  user: { name?: string | undefined; email?: string | undefined };
  extraFiles: readonly string[];
  region: string;
  publicBaseUrl: string;
  uploadSource: string;
}

/**
 * Finds the payload of a recording: in the state, else in the bucket's `metadata.json`, else made from the objects
 * themselves. What is configured now beats the state, and `overrides` beat all.
 * @throws AppError `WEBHOOK` if no file of the recording is in the bucket, `CONFIG` if no e-mail is known, `STORAGE`,
 * `STATE`
 */
export async function findPayload(
  id: RecordingId,
  overrides: ParsedOverrides,
  defaults: PayloadDefaults,
  deps: FindPayloadDeps,
): Promise<FoundPayload> {
  const known = (await deps.journal.recording({ target: deps.target, recordingId: id }))?.metadata;
  const stored = known ? { text: known, from: 'state' as const } : await readMetadata(id, deps);
  const found = stored ?? { text: JSON.stringify(await fromListing(id, defaults, deps)), from: 'listing' as const };
  const before = JSON.parse(found.text) as Payload;
  // What another machine wrote into the bucket is by that machine's configuration.
  const remade = found.from === 'state' ? await deps.remake(before) : before;
  const payload = override(remade, overrides, defaults);
  if (!payload.user_info.email) {
    throw new AppError('CONFIG', `recording ${id}: no e-mail address to tell the server`, {
      hint: 'give --email, or set user.email (RECORDUPLOAD_USER_EMAIL)',
    });
  }
  const unchanged = contentHash(payload) === contentHash(before);
  // Without a change the very bytes stay: they are what was sent before.
  return {
    payload,
    text: unchanged ? found.text : JSON.stringify(payload),
    contentHash: contentHash(payload),
    from: found.from,
    changes: changesBetween(before, payload),
  };
}

/** `<id>/metadata.json`, if it is a payload of this recording. */
async function readMetadata(
  id: RecordingId,
  { bucket, signal }: FindPayloadDeps,
): Promise<{ text: string; from: 'metadata.json' } | undefined> {
  const object = await (await bucket()).get(objectKey(id, METADATA_NAME), signal);
  if (!object) return undefined;
  const text = await readMetadataObject(object, objectKey(id, METADATA_NAME));
  return text !== undefined && isPayloadText(id, text) ? { text, from: 'metadata.json' } : undefined;
}

/** Other programs write into the bucket too: only what has a payload's shape is sent as one. */
function isPayloadText(id: RecordingId, text: string): boolean {
  try {
    return isPayloadOf(id, JSON.parse(text));
  } catch {
    return false;
  }
}

async function fromListing(id: RecordingId, defaults: PayloadDefaults, deps: FindPayloadDeps): Promise<Payload> {
  const bucket = await deps.bucket();
  const uploaded: { name: string; role: NonNullable<ReturnType<typeof roleOf>>; sizeBytes: number }[] = [];
  let oldest: number | undefined;
  for (const { key, sizeBytes, lastModified } of await bucket.list(`${id}/`, {}, deps.signal)) {
    const name = key.slice(id.length + 1);
    const role = name.includes('/') ? undefined : roleOf(name, defaults.extraFiles);
    if (!role) continue;
    uploaded.push({ name, role, sizeBytes });
    oldest = Math.min(oldest ?? Number.POSITIVE_INFINITY, lastModified?.getTime() ?? deps.now());
  }
  if (uploaded.length === 0) {
    throw new AppError('WEBHOOK', `no file of recording ${id} is in the bucket ${bucket.name}`, {
      hint: 'upload it first: recordupload upload <dir>',
    });
  }
  const start = fromMilliseconds(oldest ?? deps.now());
  const details: RecordingDetails = {
    title: defaultTitle(start),
    createdAt: formatUtc(start),
    user: { username: defaults.user.name, email: defaults.user.email },
  };
  return makePayload({
    ...defaults,
    recording: { id, details },
    uploaded,
    bucket: bucket.name,
    uploadedAt: deps.now(),
    metadataStored: false,
  });
}

function override(payload: Payload, overrides: ParsedOverrides, { user }: PayloadDefaults): Payload {
  const { title, createdAt, durationSeconds, username, email } = overrides;
  const { title: oldTitle, created_at: oldStart } = payload;
  const started = createdAt === undefined ? oldStart : formatUtc(createdAt);
  // A title that was derived from the start changes with it.
  const before = parseTimestamp(oldStart);
  const derived =
    createdAt !== undefined && before !== undefined && oldTitle === defaultTitle(before)
      ? defaultTitle(createdAt)
      : oldTitle;
  return {
    ...payload, // first, so that the fields keep their order
    title: title ?? derived,
    created_at: started,
    ...(durationSeconds !== undefined && { duration_seconds: durationSeconds, duration_database: durationSeconds }),
    user_info: {
      ...payload.user_info,
      ...(username !== undefined && { username }),
      email: email ?? (payload.user_info.email || user.email || ''),
    },
  };
}

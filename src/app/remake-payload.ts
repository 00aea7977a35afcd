import { AppError } from '../core/errors.ts';
import type { Payload } from '../core/payload/payload.ts';
import { remakePayload } from '../core/payload/remake-payload.ts';
import { objectKey } from '../core/recording/object-key.ts';
import { parseRecordingId, type RecordingId } from '../core/recording/recording.ts';
import { targetOf } from '../core/storage/target.ts';
import type { StoredRecording } from '../core/upload/journal.ts';
import { readFolder } from './recording-folder.ts';
import type { Runtime } from './runtime.ts';

type User = Payload['user_info'];

/** Makes the payload of a recording again, from what is configured now. */
export type Remake = (recordingId: string, before: Payload) => Promise<Payload>;

/**
 * Payloads as the configuration and the sidecar would have them now: user, links, region, source. What was said with the
 * upload's options stays, and so does all that tells what was uploaded.
 */
export function remaking(runtime: Runtime): Remake {
  const { config } = runtime;
  const target = targetOf(config);
  const hasFiles = askingOnce(runtime);
  return async (recordingId, before) => {
    const { journal } = await runtime.state();
    const id = parseRecordingId(recordingId, 'id', 'USAGE');
    const stored = await journal.recording({ target, recordingId: id });
    const place = { publicBaseUrl: config.publicBaseUrl, region: config.region };
    const facts = {
      user: await userNow(id, before.user_info, stored, runtime),
      uploadSource: config.uploadSource,
      place,
    };
    const remade = remakePayload(id, before, facts);
    const isMoved = JSON.stringify(remade.uploaded_files) !== JSON.stringify(before.uploaded_files);
    const isHere =
      before.bucket_name === config.bucket &&
      (typeof stored?.metadata === 'string' || !isMoved || (await hasFiles(id, before)));
    return isHere ? remade : remakePayload(id, before, { ...facts, place: undefined });
  };
}

/**
 * Whether the configured bucket has the payload's files. The endpoint may be another name of the same store, or an option
 * of the upload named another one; a link to where nothing is would be worse than an old one.
 */
function askingOnce(runtime: Runtime): (id: RecordingId, payload: Payload) => Promise<boolean> {
  let isOut = false;
  return async (id, { file_info }) => {
    if (isOut) return false;
    try {
      const bucket = await runtime.bucket();
      for (const name of Object.keys(file_info.individual_sizes_mb)) {
        if (!(await bucket.head(objectKey(id, name), runtime.signal))) return false;
      }
      return true;
    } catch (error) {
      if (runtime.signal.aborted || !(error instanceof AppError)) throw error;
      isOut = true;
      return false;
    }
  };
}

/** The user as the sidecar and the configuration have it now; what was asked for, or is not known better, stays. */
async function userNow(
  id: RecordingId,
  before: User,
  stored: StoredRecording | undefined,
  runtime: Runtime,
): Promise<User> {
  const { config } = runtime;
  // Who another machine's user is, this one's configuration does not say.
  if (!stored && before.email) return before;
  const { emailFrom, usernameFrom } = stored?.details ?? {};
  const isAsked = {
    email: (emailFrom ?? (before.email ? 'asked' : 'configured')) === 'asked',
    username: usernameFrom === 'asked',
  };
  const now = (stored && (await userOfFolder(stored.dir, id, runtime))) ?? {
    username: config.user.name,
    email: emailFrom === 'sidecar' ? undefined : config.user.email,
  };
  const username = isAsked.username ? before.username : (now.username ?? before.username);
  const email = isAsked.email ? before.email : (now.email ?? before.email);
  return { ...before, ...(username !== undefined && { username }), ...(email !== undefined && { email }) };
}

/** Undefined if the folder is no recording any more: it may have been deleted since. */
async function userOfFolder(dir: string, id: string, runtime: Runtime): Promise<User | undefined> {
  try {
    // A duration that is given is not measured again.
    const { details } = await readFolder(dir, { id, durationSeconds: 0 }, runtime);
    return details.user;
  } catch (error) {
    if (error instanceof AppError && error.code !== 'STATE') return undefined;
    throw error;
  }
}

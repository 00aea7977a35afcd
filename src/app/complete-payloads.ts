import { AppError } from '../core/errors.ts';
import { contentHash, type Payload } from '../core/payload/payload.ts';
import { parseRecordingId } from '../core/recording/recording.ts';
import { readFolder } from './recording-folder.ts';
import type { Work } from './retry-work.ts';
import type { Runtime } from './runtime.ts';

type User = Payload['user_info'];

/**
 * Queues new payloads for held webhooks whose user is another one now: theirs had no e-mail address, or (with `held`, when
 * an operator asks for held webhooks again) the address was corrected in the configuration or the sidecar. The new
 * payloads take the place of the old ones, which the server would refuse for ever.
 * @throws AppError `STATE`
 */
export async function completePayloads(
  { ids, endpoints }: Work,
  { held }: { held: boolean },
  runtime: Runtime,
): Promise<void> {
  const { outbox } = await runtime.state();
  for (const { recordingId, endpoint, heldReason, payload: text } of await outbox.list({
    states: ['held'],
    newestOnly: true,
  })) {
    const isWanted = endpoints.includes(endpoint) && (ids.length === 0 || ids.some(id => id === recordingId));
    if (!isWanted || (heldReason !== 'no-email' && !held)) continue;
    const before = JSON.parse(text) as Payload;
    const user = await userNow(recordingId, before.user_info, runtime);
    if (!user) continue;
    const payload: Payload = { ...before, user_info: user };
    if (contentHash(payload) === contentHash(before)) continue;
    await outbox.enqueue({
      recordingId,
      endpoints: [endpoint],
      payload: JSON.stringify(payload),
      contentHash: contentHash(payload),
      now: runtime.clock.now(),
    });
  }
}

/**
 * The user as the sidecar and the configuration have it now.
 * @returns undefined if the address was asked for with the upload and so stays, or if none is known
 */
async function userNow(recordingId: string, before: User, runtime: Runtime): Promise<User | undefined> {
  const { config } = runtime;
  const { journal } = await runtime.state();
  const target = `${config.endpoint}/${config.bucket}`;
  const id = parseRecordingId(recordingId, 'id', 'USAGE');
  const stored = await journal.recording({ target, recordingId: id });
  const from = stored?.details.emailFrom ?? (before.email ? 'asked' : 'configured');
  if (from === 'asked') return undefined;
  const now = (stored && (await userOfFolder(stored.dir, recordingId, runtime))) ?? {
    username: config.user.name,
    email: from === 'configured' ? config.user.email : undefined,
  };
  if (!now.email) return undefined;
  return { ...before, ...(now.username !== undefined && { username: now.username }), email: now.email };
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

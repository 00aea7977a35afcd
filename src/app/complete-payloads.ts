import { contentHash, type Payload } from '../core/payload/payload.ts';
import type { Work } from './retry-work.ts';
import type { Runtime } from './runtime.ts';

/**
 * Queues payloads with the e-mail address that is configured now, for webhooks that are held because theirs had none. The
 * new ones take their place.
 * @throws AppError `STATE`
 */
export async function completePayloads({ ids, endpoints }: Work, { config, state, clock }: Runtime): Promise<void> {
  const { name: username, email } = config.user;
  if (email === undefined) return;
  const { outbox } = await state();
  const held = await outbox.list({ states: ['held'], newestOnly: true });
  for (const { recordingId, endpoint, heldReason, payload: text } of held) {
    const isWanted = endpoints.includes(endpoint) && (ids.length === 0 || ids.includes(recordingId));
    if (heldReason !== 'no-email' || !isWanted) continue;
    const before = JSON.parse(text) as Payload;
    const user_info = { ...(username !== undefined && { username }), ...before.user_info, email };
    const payload: Payload = { ...before, user_info };
    await outbox.enqueue({
      recordingId,
      endpoints: [endpoint],
      payload: JSON.stringify(payload),
      contentHash: contentHash(payload),
      now: clock.now(),
    });
  }
}

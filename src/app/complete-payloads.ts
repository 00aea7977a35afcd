import type { Delivery } from '../core/delivery/delivery.ts';
import { contentHash, isPayloadOf, type Payload } from '../core/payload/payload.ts';
import { changesBetween, type PayloadChange } from '../core/payload/remake-payload.ts';
import { type Remake, remaking } from './remake-payload.ts';
import type { Work } from './retry-work.ts';
import type { Runtime } from './runtime.ts';

/** A held webhook whose payload was made again. */
export interface RemadeWebhook {
  recordingId: string;
  endpoint: string;
  changes: PayloadChange[];
}

/**
 * Queues new payloads for held webhooks: theirs had no e-mail address, or (with `held`) an operator asks for them again.
 * The new payloads take the place of the old ones, which the server would refuse for ever.
 * @returns those that say something else now
 * @throws AppError `STATE`
 */
export async function completePayloads(
  { ids, endpoints }: Work,
  { held }: { held: boolean },
  runtime: Runtime,
): Promise<RemadeWebhook[]> {
  const { outbox } = await runtime.state();
  const remake = remaking(runtime);
  const remade: RemadeWebhook[] = [];
  for (const delivery of await outbox.list({ states: ['held'], newestOnly: true })) {
    const { recordingId, endpoint, heldReason } = delivery;
    const isWanted = endpoints.includes(endpoint) && (ids.length === 0 || ids.some(id => id === recordingId));
    if (!isWanted || (heldReason !== 'no-email' && !held)) continue;
    const made = await remakeHeld(delivery, remake, runtime);
    if (made) remade.push({ recordingId, endpoint, changes: made.changes });
  }
  return remade;
}

/**
 * Queues a new payload in place of a held one, if it says something else now.
 * @returns what it changed, and the number of the new delivery; undefined: the old one stays
 * @throws AppError `STATE`
 */
export async function remakeHeld(
  { recordingId, endpoint, heldReason, payload: text }: Delivery,
  remake: Remake,
  { state, clock }: Pick<Runtime, 'state' | 'clock'>,
): Promise<{ seq: number; changes: PayloadChange[] } | undefined> {
  const before = JSON.parse(text) as Payload;
  // Not one of this program's: sent as it is.
  if (!isPayloadOf(recordingId, before)) return undefined;
  const payload = await remake(recordingId, before);
  // The server knows users by nothing else: without an address it stays held.
  if (heldReason === 'no-email' && !payload.user_info.email) return undefined;
  const changes = changesBetween(before, payload);
  if (changes.length === 0) return undefined;
  const { outbox } = await state();
  const [queued] = await outbox.enqueue({
    recordingId,
    endpoints: [endpoint],
    payload: JSON.stringify(payload),
    contentHash: contentHash(payload),
    now: clock.now(),
  });
  return queued && { seq: queued.delivery.seq, changes };
}

import { requireToken } from '../config/requirements.ts';
import { deliverWebhooks } from '../core/delivery/deliver-webhooks.ts';
import type { DeliveryReport } from '../core/delivery/delivery-report.ts';
import { AppError } from '../core/errors.ts';
import { type FoundPayload, findPayload } from '../core/payload/find-payload.ts';
import type { Payload } from '../core/payload/payload.ts';
import type { PayloadChange } from '../core/payload/remake-payload.ts';
import { parseOverrides, type RecordingOverrides } from '../core/recording/read-recording.ts';
import { parseRecordingId } from '../core/recording/recording.ts';
import { targetOf } from '../core/storage/target.ts';
import { persistentBucket } from '../core/upload/session.ts';
import { chooseEndpoints } from './endpoints.ts';
import { remaking } from './remake-payload.ts';
import type { Runtime } from './runtime.ts';
import { orUnknown } from './unknown-recording.ts';

export interface SendRequest extends Omit<RecordingOverrides, 'id'> {
  /** The recording's ID. */
  id: string;
  /** Only this endpoint. */
  endpoint?: string | undefined;
}

/** What became of a recording's webhook. */
export interface SentWebhooks {
  /** One for each endpoint. */
  deliveries: DeliveryReport[];
  /** What the request and the configuration changed in the payload. */
  changes: PayloadChange[];
}

/**
 * Finds what the server would be told about a recording that is in the bucket; sends nothing.
 * @throws AppError `USAGE` if neither the state nor the bucket knows it, `WEBHOOK` if no file of it is in the bucket, `CONFIG` without an e-mail address, `STORAGE`
 */
export async function findWebhook({ id: text, ...overrides }: SendRequest, runtime: Runtime): Promise<FoundPayload> {
  const id = parseRecordingId(text, 'id', 'USAGE');
  const { config, clock, signal, uploadSource } = runtime;
  const bucket = async () => persistentBucket(await runtime.uploads());
  const deps = {
    target: targetOf(config),
    journal: (await runtime.state()).journal,
    bucket,
    remake: (before: Payload) => remaking(runtime)(id, before),
    now: clock.now,
    signal,
  };
  try {
    return await findPayload(id, parseOverrides(overrides), { ...config, uploadSource }, deps);
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'WEBHOOK') throw error;
    throw await orUnknown(error, id, await bucket(), runtime);
  }
}

/**
 * Tells the server about a recording that is in the bucket, also if the server knows it already.
 * @throws AppError as `findWebhook`; `CONFIG` without a token, `WEBHOOK` if the state could not take it, `STATE`
 */
export async function sendWebhook(request: SendRequest, runtime: Runtime): Promise<SentWebhooks> {
  const { payload, text, contentHash, changes } = await findWebhook(request, runtime);
  const endpoints = chooseEndpoints(runtime, request.endpoint);
  for (const endpoint of endpoints) if (endpoint.enabled) requireToken(endpoint);
  const { outbox } = await runtime.state();
  const now = runtime.clock.now();
  const queue = async () => {
    const queued = await outbox.enqueue({
      recordingId: String(payload.recording_id),
      endpoints: endpoints.map(endpoint => endpoint.name),
      payload: text,
      contentHash,
      now,
    });
    // What was delivered before is sent again: the caller asked for it.
    const seqs = queued.map(({ delivery }) => delivery.seq);
    await outbox.requeue(seqs, now);
    return seqs;
  };
  const seqs = await queue().catch(notQueued);
  await keepSaid(request, runtime);
  const { deliveries } = await deliverWebhooks(
    { due: 'now', held: true, trigger: 'send', deliverySeqs: seqs },
    { ...(await runtime.delivery()), endpoints },
  );
  return { deliveries, changes };
}

/** Remembers which user was asked for: a later `retry --held` must not put the configured one in his place. */
async function keepSaid(
  { id, email, username }: Pick<SendRequest, 'id' | 'email' | 'username'>,
  { config, state }: Pick<Runtime, 'config' | 'state'>,
): Promise<void> {
  if (email === undefined && username === undefined) return;
  const { journal } = await state();
  const ref = { target: targetOf(config), recordingId: parseRecordingId(id, 'id', 'USAGE') };
  const stored = await journal.recording(ref);
  if (!stored) return;
  const { details } = stored;
  await journal.amend(ref, {
    ...details,
    user: { ...details.user, ...(email !== undefined && { email }), ...(username !== undefined && { username }) },
    ...(email !== undefined && { emailFrom: 'asked' as const }),
    ...(username !== undefined && { usernameFrom: 'asked' as const }),
  });
}

/** A webhook that the state could not take is no unfinished upload: `retry` knows nothing of it. */
function notQueued(error: unknown): never {
  if (!(error instanceof AppError) || error.code !== 'STATE') throw error;
  const { message, hint, cause } = error;
  throw new AppError('WEBHOOK', message, { hint, cause });
}

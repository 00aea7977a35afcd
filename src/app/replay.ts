import { requireToken } from '../config/requirements.ts';
import { deliverWebhooks } from '../core/delivery/deliver-webhooks.ts';
import type { Delivery } from '../core/delivery/delivery.ts';
import { type DeliverReport, STOPPED } from '../core/delivery/delivery-report.ts';
import { type RemadeWebhook, remakeHeld } from './complete-payloads.ts';
import { chooseEndpoints } from './endpoints.ts';
import { remaking } from './remake-payload.ts';
import type { Runtime } from './runtime.ts';

export interface ReplayRequest {
  /** When the webhooks were delivered (or held), in milliseconds since 1970; `until` is not included. */
  since: number;
  until: number;
  /** Those that are held, instead of those that were delivered. */
  held: boolean;
  /** Only those of this endpoint. */
  endpoint?: string | undefined;
}

/**
 * Chooses the webhooks to send again: of each recording and endpoint only the newest, because an older payload must never
 * be sent after a newer one. Warns about endpoints that nothing can be sent to.
 * @throws AppError `USAGE`, `CONFIG` without a token, `STATE`
 */
export async function chooseReplay(request: ReplayRequest, runtime: Runtime): Promise<Delivery[]> {
  const { since, until, held } = request;
  const { outbox, endpoints } = await runtime.state();
  const chosen: Delivery[] = [];
  for (const endpoint of chooseEndpoints(runtime, request.endpoint)) {
    const { name } = endpoint;
    const states = [held ? ('held' as const) : ('delivered' as const)];
    const found = await outbox.list({ endpoint: name, states, since, until, newestOnly: true });
    if (found.length === 0) continue;
    const isDisabled = (await endpoints.get(name)).disabledReason !== null;
    if (endpoint.enabled && !isDisabled) {
      requireToken(endpoint);
      chosen.push(...found);
      continue;
    }
    const why = STOPPED[endpoint.enabled ? 'disabled' : 'off'](name);
    const message = `${why} (${found.length} ${found.length === 1 ? 'webhook' : 'webhooks'} left out)`;
    runtime.observer({ type: 'warning', message });
  }
  return chosen;
}

/** What became of the chosen webhooks. */
export interface ReplayReport extends DeliverReport {
  /** Held ones whose payloads say something else now. */
  remade: RemadeWebhook[];
}

/**
 * Sends the chosen webhooks again, whatever the server said before; held ones as the configuration has them now.
 * @throws AppError `STATE`
 */
export async function replay(chosen: readonly Delivery[], runtime: Runtime): Promise<ReplayReport> {
  const { outbox } = await runtime.state();
  const remake = remaking(runtime);
  const remade: RemadeWebhook[] = [];
  const settled: number[] = [];
  /** What was made again waits already. */
  const queued: number[] = [];
  for (const delivery of chosen) {
    const made = delivery.state === 'held' ? await remakeHeld(delivery, remake, runtime) : undefined;
    if (!made) settled.push(delivery.seq);
    else {
      queued.push(made.seq);
      remade.push({ recordingId: delivery.recordingId, endpoint: delivery.endpoint, changes: made.changes });
    }
  }
  // All are due before the first is sent: what a crash or a failing server leaves behind, the next retry sends.
  const seqs = [...queued, ...(await outbox.requeue(settled, runtime.clock.now()))];
  if (seqs.length === 0) return { deliveries: [], endpoints: [], remade };
  const selection = { due: 'now' as const, held: true, trigger: 'replay' as const, deliverySeqs: seqs };
  return { ...(await deliverWebhooks(selection, await runtime.delivery())), remade };
}

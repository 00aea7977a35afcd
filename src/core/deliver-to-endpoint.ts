import { type SendDeps, type SentDelivery, sendDelivery } from './send-delivery.ts';
import type { ClaimedDelivery, Trigger } from './state/delivery.ts';
import type { Candidate } from './state/delivery-claims.ts';
import type { Outbox } from './state/outbox.ts';
import { createCircuit } from './webhook/circuit.ts';
import { type DeliveryReport, type EndpointReport, STOPPED } from './webhook/delivery-report.ts';
import type { Endpoint } from './webhook/endpoint.ts';
import { redactorFor } from './webhook/redact.ts';

/** Which deliveries a run is about. */
export interface Selection {
  /** `now`: also those that are not due yet; their schedule starts anew. */
  due: 'due' | 'now';
  /** Also those that are held. */
  held: boolean;
  trigger: Trigger;
  /** Only the newest delivery of these recordings. */
  recordingIds?: readonly string[] | undefined;
  /** Only these deliveries. */
  deliverySeqs?: readonly number[] | undefined;
}

export interface EndpointDeps extends Omit<SendDeps, 'redact'> {
  outbox: Outbox;
  /** POSTs in flight. */
  concurrency: number;
  /** Failures in a row before the first success that end the run. */
  coldFailures?: number | undefined;
}

/** A claim that waited this long for its POST is taken anew: its lease must outlast the time-out. */
const MAX_CLAIM_AGE_MS = 45_000;
const MAX_BATCH = 128;
/** Rows looked at in one transaction: other processes wait for the lock meanwhile. */
const MAX_LOOKED_AT = 512;
/** A batch that took less than this was too small. */
const QUICK_BATCH_MS = 1_000;

/**
 * Sends what is wanted of one endpoint's deliveries, each at most once in a run, at the pace its circuit allows.
 * @throws AppError `STATE` where an outcome could not be stored; POSTs under way have ended by then
 */
export async function deliverToEndpoint(
  endpoint: Endpoint,
  selection: Selection,
  deps: EndpointDeps,
): Promise<{ deliveries: DeliveryReport[]; endpoint: EndpointReport }> {
  const { clock, signal, outbox } = deps;
  const { claims } = outbox;
  const { name } = endpoint;
  const sendDeps = { ...deps, redact: redactorFor(endpoint) };
  const scope = { endpoint: name, recordingIds: selection.recordingIds, seqs: selection.deliverySeqs };
  const find = () => {
    const dueBy = selection.due === 'due' ? clock.now() : undefined;
    return claims.candidates({ ...scope, dueBy });
  };

  claims.repair(name, clock.now());
  const gate = openGate(endpoint, selection, deps);
  const circuit = createCircuit(deps.concurrency, {
    single: gate === 'single',
    ...(deps.coldFailures === undefined ? {} : { coldFailures: deps.coldFailures }),
  });
  if (gate !== 'open' && gate !== 'single') circuit.stop(gate);
  else if (selection.held) claims.releaseHeld(scope, clock.now());

  let queue = find();
  // New ones are held with the others, so that lists show why they wait.
  if (gate === 'refused') outbox.endpoints.holdRefused(name, clock.now());
  let isRefused = gate === 'single';
  let position = 0;
  let busy: Candidate[] = [];
  let looks = 1;
  const ready: { delivery: ClaimedDelivery; claimedAt: number }[] = [];
  const inFlight = new Set<Promise<void>>();
  const sent: SentDelivery[] = [];
  let failure: { error: unknown } | undefined;
  let batch = 0;
  let batchAt = Number.NEGATIVE_INFINITY;

  const refill = () => {
    const isQuick = clock.monotonic() - batchAt < QUICK_BATCH_MS;
    const warmBatch = isQuick ? Math.min(MAX_BATCH, 2 * batch) : 0;
    batch = circuit.limit() < deps.concurrency ? circuit.limit() : Math.max(deps.concurrency, warmBatch);
    batchAt = clock.monotonic();
    while (ready.length === 0 && position < queue.length) {
      const slice = queue.slice(position, position + MAX_LOOKED_AT);
      const results = claims.claim(slice, batch, clock.now(), { restart: selection.due === 'now' });
      position += results.length;
      results.forEach((result, index) => {
        if (result === 'busy') busy.push(slice[index]!);
        else if (result !== 'gone') ready.push({ delivery: result.delivery, claimedAt: batchAt });
      });
    }
    if (ready.length > 0 || inFlight.size > 0 || busy.length === 0 || looks === 2) return;
    // A process that was at work on these may have died meanwhile.
    looks++;
    claims.repair(name, clock.now());
    [queue, position, busy] = [busy, 0, []];
    refill();
  };

  const start = (delivery: ClaimedDelivery) => {
    const work = sendDelivery(delivery, endpoint, selection.trigger, sendDeps).then(
      result => {
        sent.push(result);
        if (result.signal !== undefined) circuit.record(result.signal, clock.monotonic());
        if (result.report.outcome !== 'delivered' || !isRefused) return;
        isRefused = false;
        outbox.endpoints.releaseRefused(name, clock.now());
      },
      error => {
        failure ??= { error };
      },
    );
    const tracked: Promise<void> = work.finally(() => inFlight.delete(tracked));
    inFlight.add(tracked);
  };

  while (circuit.stopped === undefined && failure === undefined) {
    if (signal?.aborted) {
      circuit.stop('interrupted');
      break;
    }
    if (ready.length === 0) refill();
    if (ready.length === 0 && inFlight.size === 0) break;
    const pauseMs = circuit.pausedUntil - clock.monotonic();
    if (pauseMs > 0 && ready.length > 0) {
      await pause(pauseMs, deps);
      continue;
    }
    while (ready.length > 0 && inFlight.size < circuit.limit()) {
      const { delivery, claimedAt } = ready.shift()!;
      if (clock.monotonic() - claimedAt <= MAX_CLAIM_AGE_MS) {
        start(delivery);
        continue;
      }
      claims.release([delivery]);
      queue.push({ seq: delivery.seq, attempts: delivery.attempts });
    }
    if (inFlight.size > 0) await Promise.race(inFlight);
  }
  await Promise.all(inFlight);
  // Nothing can be written then; what is claimed is free again when this process ends.
  if (failure) throw failure.error;
  claims.release(ready.map(({ delivery }) => delivery));

  const stopped = circuit.stopped;
  const left = ready.length + Math.max(0, queue.length - position);
  return {
    deliveries: sent.map(({ report }) => report),
    endpoint: {
      endpoint: name,
      sent: sent.length,
      left,
      busy: busy.length,
      stopped,
      detail: stopped ? STOPPED[stopped](name) : '',
    },
  };
}

/** Whether anything may be sent at all; `single`: an operator wants a refused endpoint to be tried. */
function openGate(
  endpoint: Endpoint,
  selection: Selection,
  { outbox, clock }: EndpointDeps,
): 'open' | 'single' | 'off' | 'disabled' | 'refused' {
  const { endpoints } = outbox;
  const state = endpoints.get(endpoint.name);
  if (!endpoint.enabled) return 'off';
  if (state.disabledReason !== null) return 'disabled';
  if (state.refusedAt === null) return 'open';
  if (endpoints.isRefused(endpoint.name, endpoint)) return selection.held ? 'single' : 'refused';
  endpoints.releaseRefused(endpoint.name, clock.now());
  return 'open';
}

/** Waits as the server asked; the signal ends it early. */
async function pause(ms: number, { clock, signal }: EndpointDeps): Promise<void> {
  try {
    await clock.sleep(ms, signal);
  } catch (error) {
    if (!signal?.aborted) throw error;
  }
}

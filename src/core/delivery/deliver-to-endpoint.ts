import type { Endpoint } from '../webhook/endpoint.ts';
import { redactorFor } from '../webhook/redact.ts';
import { type Circuit, createCircuit } from './circuit.ts';
import { createClaimQueue } from './claim-queue.ts';
import type { ClaimedDelivery, Trigger } from './delivery.ts';
import { type DeliveryReport, type EndpointReport, STOPPED } from './delivery-report.ts';
import type { Outbox } from './outbox.ts';
import { type SendDeps, sendDelivery } from './send-delivery.ts';

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
  /** Not these deliveries; none of them is reported either. */
  except?: ReadonlySet<number> | undefined;
}

export interface EndpointDeps extends Omit<SendDeps, 'redact'> {
  outbox: Outbox;
  /** POSTs in flight. */
  concurrency: number;
  /** Failures in a row before the first success that end the run. */
  coldFailures?: number | undefined;
  /** The circuits of several runs that share their pace, by endpoint; filled in here. */
  circuits?: Map<string, Circuit> | undefined;
}

/**
 * Sends what is wanted of one endpoint's deliveries, each at most once in a run, at the pace its circuit allows.
 * @throws AppError `STATE` where an outcome could not be stored; POSTs under way have ended by then
 */
export async function deliverToEndpoint(
  endpoint: Endpoint,
  selection: Selection,
  deps: EndpointDeps,
): Promise<{ deliveries: DeliveryReport[]; endpoint: EndpointReport }> {
  const { clock, signal, outbox, concurrency } = deps;
  const { claims } = outbox;
  const { name } = endpoint;
  const sendDeps = { ...deps, redact: redactorFor(endpoint) };
  const scope = { endpoint: name, recordingIds: selection.recordingIds, seqs: selection.deliverySeqs };

  claims.repair(name, clock.now());
  const gate = openGate(endpoint, selection, deps);
  const circuit =
    deps.circuits?.get(name) ??
    createCircuit(concurrency, { single: gate === 'single', coldFailures: deps.coldFailures });
  deps.circuits?.set(name, circuit);
  if (gate !== 'open' && gate !== 'single') circuit.stop(gate);
  else if (selection.held) claims.releaseHeld(scope, clock.now());

  const dueBy = selection.due === 'due' ? clock.now() : undefined;
  const candidates = claims.candidates({ ...scope, dueBy }).filter(({ seq }) => !selection.except?.has(seq));
  // New ones are held with the others, so that lists show why they wait.
  if (gate === 'refused') outbox.endpoints.holdRefused(name, clock.now());
  const queue = createClaimQueue(candidates, { claims, clock, concurrency, restart: selection.due === 'now' });
  const inFlight = new Set<Promise<void>>();
  const reports: DeliveryReport[] = [];
  let isRefused = gate === 'single';
  let failure: { error: unknown } | undefined;

  const send = async (delivery: ClaimedDelivery) => {
    try {
      const sent = await sendDelivery(delivery, endpoint, selection.trigger, sendDeps);
      reports.push(sent.report);
      if (sent.signal !== undefined) circuit.record(sent.signal, clock.monotonic());
      if (sent.report.outcome !== 'delivered' || !isRefused) return;
      isRefused = false;
      outbox.endpoints.releaseRefused(name, clock.now());
    } catch (error) {
      failure ??= { error };
    }
  };
  const start = (delivery: ClaimedDelivery) => {
    const work: Promise<void> = send(delivery).finally(() => inFlight.delete(work));
    inFlight.add(work);
  };

  while (circuit.stopped === undefined && failure === undefined) {
    if (signal?.aborted) {
      circuit.stop('interrupted');
      break;
    }
    if (!queue.hasReady) {
      const limit = circuit.limit();
      await queue.refill({ cautious: limit < concurrency ? limit : undefined });
      // Answers that came in meanwhile may have ended the run.
      if (circuit.stopped !== undefined || failure !== undefined) break;
    }
    if (!queue.hasReady && inFlight.size === 0) {
      if (!queue.lookAgain()) break;
      claims.repair(name, clock.now());
      continue;
    }
    const pauseMs = circuit.pausedUntil - clock.monotonic();
    if (pauseMs > 0 && queue.hasReady) {
      await pause(pauseMs, deps);
      continue;
    }
    while (inFlight.size < circuit.limit()) {
      const delivery = queue.next();
      if (!delivery) break;
      start(delivery);
    }
    if (inFlight.size > 0) await Promise.race(inFlight);
  }
  await Promise.all(inFlight);
  // Nothing can be written then; what is claimed is free again when this process ends.
  if (failure) throw failure.error;

  const { stopped } = circuit;
  const detail = stopped ? STOPPED[stopped](name) : '';
  return {
    deliveries: reports,
    endpoint: { endpoint: name, sent: reports.length, ...queue.end(), stopped, detail },
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

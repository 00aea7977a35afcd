import { createRedactor, type Redactor } from '../redact.ts';
import type { Endpoint } from '../webhook/endpoint.ts';
import { endpointSecrets } from '../webhook/endpoint-secrets.ts';
import { type Circuit, createCircuit } from './circuit.ts';
import { createClaimQueue, type WaitingDelivery } from './claim-queue.ts';
import type { ClaimedDelivery, Trigger } from './delivery.ts';
import type { DeliveryPorts } from './delivery-ports.ts';
import { type DeliveryReport, type EndpointReport, leftToOthers, STOPPED } from './delivery-report.ts';
import { MAY_ARRIVE_MS } from './in-flight.ts';
import { type Fingerprint, fingerprintsOf, isRefused } from './refusal.ts';
import { type SendDeps, sendDelivery } from './send-delivery.ts';
import { enterCircuit } from './shared-circuit.ts';

/** Which deliveries a run is about. */
export interface Selection {
  /** `now`: also those that are not due yet; their schedule starts over. */
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

export interface EndpointDeps extends Omit<SendDeps, 'redact' | 'claims'> {
  state: DeliveryPorts;
  /** Knows the secrets of the run; only those of the endpoint unless given. */
  redact?: Redactor | undefined;
  /** @throws AppError `CONFIG` if nothing can be sent to the URL from here; before anything is claimed */
  assertSendable?: ((url: string) => void) | undefined;
  /** POSTs in flight. */
  concurrency: number;
  /** Failures in a row before the first success that end the run. */
  coldFailures?: number | undefined;
  /** For runs at the same time that share their pace: filled in here, by endpoint. */
  paces?: Map<string, Pace> | undefined;
}

/** What runs against one endpoint share: when it fails, all of them stop, and together they send so many at once. */
export interface Pace {
  circuit: Circuit;
  /** None of them rejects. */
  inFlight: Set<Promise<void>>;
}

/** One endpoint's part of a run. `waiting`: what was not sent because an older payload may still reach the server. */
export interface EndpointRun {
  deliveries: DeliveryReport[];
  endpoint: EndpointReport;
  waiting: readonly WaitingDelivery[];
}

/**
 * Sends one endpoint's selected deliveries, each at most once in a run, at the pace that its circuit allows. Those that
 * an older payload keeps waiting come last, as soon as it cannot arrive any more.
 * @throws AppError `STATE` if an outcome could not be stored; POSTs under way have ended by then
 */
export async function deliverToEndpoint(
  endpoint: Endpoint,
  selection: Selection,
  deps: EndpointDeps,
): Promise<EndpointRun> {
  const first = await sendSelected(endpoint, selection, deps);
  if (!first.wasHeld) return first;
  // The refusal of somebody else's token has held what this run was about to send.
  const except = new Set([...(selection.except ?? []), ...first.sentSeqs]);
  const second = await sendSelected(endpoint, { ...selection, except }, deps);
  const sent = first.endpoint.sent + second.endpoint.sent;
  return {
    ...second,
    deliveries: [...first.deliveries, ...second.deliveries],
    endpoint: { ...second.endpoint, sent },
  };
}

/** `wasHeld`: another token than this run's was refused meanwhile, and something is left. */
interface PartOfRun extends EndpointRun {
  sentSeqs: number[];
  wasHeld: boolean;
}

async function sendSelected(endpoint: Endpoint, selection: Selection, deps: EndpointDeps): Promise<PartOfRun> {
  const { clock, signal, state, concurrency } = deps;
  const { claims, endpoints } = state;
  const { name } = endpoint;
  const scope = { endpoint: name, recordingIds: selection.recordingIds, seqs: selection.deliverySeqs };

  const { gate, own, refusedAt, isCautious } = await openGate(endpoint, selection, deps);
  const redact = deps.redact ?? createRedactor(endpointSecrets(endpoint));
  const sendDeps = { ...deps, claims, redact, refusalSalt: own[0]?.salt };
  if (gate !== 'no-token' && gate !== 'off') await claims.repair(name, clock.now());
  // A run that shares its pace with another one has entered with it.
  const isAsked = gate !== 'open' || deps.paces?.has(name) === true || isOperators(selection);
  const shared = await enterCircuit(state.circuits, name, { isAsked, clock });
  const isProbe = shared.entry === 'probe';
  const pace = deps.paces?.get(name) ?? {
    circuit: createCircuit(concurrency, {
      single: isCautious || isProbe,
      coldFailures: isProbe ? 1 : deps.coldFailures,
    }),
    inFlight: new Set<Promise<void>>(),
  };
  deps.paces?.set(name, pace);
  const { circuit } = pace;
  if (gate !== 'open' && gate !== 'single') circuit.stop(gate);
  else if (typeof shared.entry === 'object') circuit.stop('failing');
  else if (selection.held) await claims.releaseHeld(scope, clock.now());

  const dueBy = selection.due === 'due' ? clock.now() : undefined;
  const pending = await claims.candidates({ ...scope, dueBy });
  const candidates = pending.filter(({ seq }) => !selection.except?.has(seq));
  if (candidates.length > 0 && circuit.stopped === undefined) deps.assertSendable?.(endpoint.url);
  if (gate === 'refused') await endpoints.leaveToOthers(name, own, clock.now());
  const queue = createClaimQueue(candidates, { claims, clock, concurrency, restart: selection.due === 'now' });
  const inFlight = new Set<Promise<void>>();
  const announced = new Set<number>();
  const reports: DeliveryReport[] = [];
  const sentSeqs: number[] = [];
  let mustRelease = gate === 'single';
  let failure: { error: unknown } | undefined;

  const send = async (delivery: ClaimedDelivery) => {
    try {
      if ((await claims.isOurs?.(delivery)) === false) return await claims.release([delivery]);
      const sent = await sendDelivery(delivery, endpoint, selection.trigger, sendDeps);
      reports.push(sent.report);
      sentSeqs.push(delivery.seq);
      if (sent.signal !== undefined) circuit.record(sent.signal, clock.monotonic());
      await shared.note(sent.signal);
      if (sent.report.outcome !== 'delivered' || !mustRelease) return;
      mustRelease = false;
      await endpoints.useToken(name, own, clock.now());
    } catch (error) {
      failure ??= { error };
    }
  };
  const start = (delivery: ClaimedDelivery) => {
    const work: Promise<void> = send(delivery).finally(() => {
      inFlight.delete(work);
      pace.inFlight.delete(work);
    });
    inFlight.add(work);
    pace.inFlight.add(work);
  };

  while (circuit.stopped === undefined && failure === undefined) {
    if (signal?.aborted) {
      circuit.stop('interrupted');
      break;
    }
    if (!queue.hasReady) {
      const limit = circuit.limit();
      await queue.refill({ cautious: limit < concurrency ? limit : undefined });
      // Responses that arrived in the meantime may have ended the run.
      if (circuit.stopped !== undefined || failure !== undefined) break;
    }
    if (!queue.hasReady && inFlight.size === 0) {
      if (!queue.lookAgain()) {
        if (queue.waiting.length === 0) break;
        announceWaits(queue.waiting, announced, deps);
        const until = Math.min(...queue.waiting.map(({ notBefore }) => notBefore));
        // Not longer: if the clock is set back meanwhile, \`repair\` finds it out.
        await pause(Math.min(until - clock.now(), MAY_ARRIVE_MS), deps);
        if (signal?.aborted) continue;
        queue.wake();
      }
      await claims.repair(name, clock.now());
      continue;
    }
    const pauseMs = circuit.pausedUntil - clock.monotonic();
    if (pauseMs > 0 && queue.hasReady) {
      await pause(pauseMs, deps);
      continue;
    }
    while (pace.inFlight.size < circuit.limit()) {
      const delivery = queue.next();
      if (!delivery) break;
      start(delivery);
    }
    if (pace.inFlight.size > 0) await Promise.race(pace.inFlight);
  }
  await Promise.all(inFlight);
  if (!failure) await shared.end(circuit.stopped);
  // The state cannot be written, so the claims stay until this process ends or their lease is over.
  if (failure) throw failure.error;

  const { stopped } = circuit;
  const left = stopped === 'refused' && (await endpoints.get(name)).hasSender ? leftToOthers(name) : undefined;
  const detail = stopped ? (left ?? STOPPED[stopped](name)) : '';
  const ended = await queue.end();
  const report = { endpoint: name, sent: reports.length, ...ended, stopped, detail };
  const isUnsent = stopped === undefined && gate === 'open' && reports.length < candidates.length;
  return {
    deliveries: left === undefined ? reports : reports.map(one => (one.outcome === 'held' ? passedOn(one, left) : one)),
    endpoint: report,
    waiting: queue.waiting,
    sentSeqs,
    wasHeld: isUnsent && (await endpoints.get(name)).refusedAt !== refusedAt,
  };
}

/** Held by this run's refusal no longer than its own commit: others send it. */
function passedOn(report: DeliveryReport, detail: string): DeliveryReport {
  return { ...report, outcome: 'pending', detail };
}

/** Somebody asks for these deliveries now; an upload that has just ended does not. */
function isOperators({ due, trigger }: Selection): boolean {
  return due === 'now' && trigger !== 'upload';
}

interface Gate {
  /** Whether anything may be sent at all; `single`: an operator asks for one try with a token that was refused. */
  gate: 'open' | 'single' | 'off' | 'no-token' | 'disabled' | 'refused';
  /** The token as `Endpoints.refusals` have it. */
  own: readonly Fingerprint[];
  /** `EndpointState.refusedAt` once the gate was open. */
  refusedAt: number | null;
  /** Until the first good answer, one POST at a time: a second token that is wrong costs one refusal, too. */
  isCautious: boolean;
}

async function openGate(
  endpoint: Endpoint,
  selection: Selection,
  { state: { endpoints }, clock }: EndpointDeps,
): Promise<Gate> {
  const { name } = endpoint;
  const shut = { own: [], refusedAt: null, isCautious: false };
  if (!endpoint.enabled) return { gate: 'off', ...shut };
  const { disabledReason } = await endpoints.get(name);
  if (disabledReason !== null) return { gate: 'disabled', ...shut };
  // Without a token the server would refuse each of them.
  if (endpoint.token === undefined) return { gate: 'no-token', ...shut };
  const refusals = await endpoints.refusals(name);
  if (refusals.length === 0) return { gate: 'open', ...shut };
  const own = await fingerprintsOf(endpoint, refusals);
  if (isRefused(own, refusals)) {
    return { ...shut, gate: selection.held ? 'single' : 'refused', own, isCautious: true };
  }
  await endpoints.useToken(name, own, clock.now());
  return { gate: 'open', own, refusedAt: (await endpoints.get(name)).refusedAt, isCautious: true };
}

/** Announces each wait once in a run. */
function announceWaits(
  waiting: readonly WaitingDelivery[],
  announced: Set<number>,
  { observer }: Pick<EndpointDeps, 'observer'>,
): void {
  for (const { delivery, notBefore } of waiting) {
    const { seq, recordingId, endpoint, webhookId } = delivery;
    if (announced.has(seq)) continue;
    announced.add(seq);
    observer({ type: 'webhook-waiting', recordingId, endpoint, webhookId, until: notBefore });
  }
}

/** Waits; the signal ends the wait early. */
async function pause(ms: number, { clock, signal }: EndpointDeps): Promise<void> {
  try {
    await clock.sleep(Math.max(0, ms), signal);
  } catch (error) {
    if (!signal?.aborted) throw error;
  }
}

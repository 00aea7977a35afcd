import { setMaxListeners } from 'node:events';
import type { Clock, Random } from '../clock.ts';
import type { Observer } from '../events.ts';
import type { Redactor } from '../redact.ts';
import type { Endpoint } from '../webhook/endpoint.ts';
import type { PostWebhook } from '../webhook/post-result.ts';
import { deliverToEndpoint, type Selection as EndpointSelection, type Pace } from './deliver-to-endpoint.ts';
import type { Delivery } from './delivery.ts';
import type { DeliveryPorts } from './delivery-ports.ts';
import {
  blocked,
  type DeliverReport,
  type DeliveryReport,
  type EndpointReport,
  NO_EMAIL,
  STOPPED,
  WAITS,
  withoutState,
} from './delivery-report.ts';

/** Which deliveries to send. */
export interface Selection extends EndpointSelection {
  /** Names of endpoints; undefined: all. */
  endpoints?: readonly string[] | undefined;
}

export interface DeliverDeps {
  state: DeliveryPorts;
  /** As configured. */
  endpoints: readonly Endpoint[];
  /** `createPoster(…).post`. */
  post: PostWebhook;
  /** Knows the secrets of the run; for each endpoint only its own unless given. */
  redact?: Redactor | undefined;
  /** @throws AppError `CONFIG` if nothing can be sent to the URL from here */
  assertSendable?: ((url: string) => void) | undefined;
  clock: Clock;
  random: Random;
  observer: Observer;
  signal?: AbortSignal | undefined;
  /** POSTs in flight to one endpoint. */
  concurrency: number;
  /** So many failures in a row before an endpoint's first success end the run for it; 3 unless given. */
  coldFailures?: number | undefined;
  /** For runs at the same time that share their pace, by endpoint: an empty map to begin with. */
  paces?: Map<string, Pace> | undefined;
}

/**
 * Sends deliveries: the only retry loop for webhooks. Each delivery is sent at most once in a run and rescheduled if it
 * fails; each endpoint has its own pace, and none waits for another. Any number of processes may do this at the same time.
 * An abort ends POSTs under way, records them as interrupted, and returns what has been done by then.
 * Nothing is sent around a state that cannot be used.
 * @throws AppError `STATE` if the outcome of a try could not be stored
 */
export async function deliverWebhooks(selection: Selection, deps: DeliverDeps): Promise<DeliverReport> {
  const { state, endpoints } = deps;
  const wanted = endpoints.filter(({ name }) => selection.endpoints?.includes(name) ?? true);
  if (state.isBlocked) {
    const none = wanted.map(({ name }) => ({ endpoint: name, sent: 0, left: 0, busy: 0, detail: '' }));
    return { deliveries: (await unsent(selection, none, [], new Map(), deps)).map(blocked), endpoints: none };
  }
  const abort = forwardAbort(deps.signal);
  const run = { ...deps, signal: abort.signal };
  try {
    const runs = await Promise.allSettled(wanted.map(endpoint => deliverToEndpoint(endpoint, selection, run)));
    const failed = runs.find(result => result.status === 'rejected');
    if (failed) throw failed.reason;
    const done = runs.filter(result => result.status === 'fulfilled').map(({ value }) => value);
    const sent = done.flatMap(value => value.deliveries);
    const reports = done.map(value => value.endpoint);
    const waits = new Map(done.flatMap(value => value.waiting).map(one => [one.delivery.seq, one.notBefore] as const));
    const deliveries = [...sent, ...(await unsent(selection, reports, sent, waits, deps))];
    return { deliveries: state.isKept ? deliveries : deliveries.map(withoutState), endpoints: reports };
  } finally {
    abort.end();
  }
}

/** The deliveries that the caller named and that were not sent, each with its state and the reason. */
async function unsent(
  { deliverySeqs, recordingIds, due }: Selection,
  endpoints: readonly EndpointReport[],
  sent: readonly DeliveryReport[],
  waits: ReadonlyMap<number, number>,
  { state: { outbox }, clock }: DeliverDeps,
): Promise<DeliveryReport[]> {
  const dueBy = due === 'due' ? clock.now() : Number.POSITIVE_INFINITY;
  const done = new Set(sent.map(({ webhookId }) => webhookId));
  const byName = new Map(endpoints.map(report => [report.endpoint, report]));
  const named = deliverySeqs
    ? deliverySeqs.map(seq => outbox.get(seq))
    : (recordingIds ?? []).flatMap(id => endpoints.map(({ endpoint }) => outbox.newest(id, endpoint)));
  return (await Promise.all(named))
    .filter(delivery => delivery !== undefined)
    .filter(({ state }) => state !== 'discarded')
    .filter(({ webhookId, endpoint }) => !done.has(webhookId) && byName.has(endpoint))
    .map(delivery => describeUnsent(delivery, byName.get(delivery.endpoint)!, dueBy, waits.get(delivery.seq)));
}

/** @param notBefore until when an older payload of the recording may still reach the server; undefined: none may */
function describeUnsent(
  delivery: Delivery,
  { endpoint, stopped, detail }: EndpointReport,
  dueBy: number,
  notBefore: number | undefined,
): DeliveryReport {
  const { recordingId, webhookId, state, heldReason, nextAt } = delivery;
  const report = { recordingId, endpoint, webhookId };
  if (state === 'delivered') return { ...report, outcome: 'delivered', detail: 'delivered already' };
  if (state === 'superseded') return { ...report, outcome: 'superseded', detail: 'a newer payload has replaced it' };
  if (state === 'held') {
    if (heldReason === 'no-email') return { ...report, outcome: 'held', detail: NO_EMAIL };
    const why = heldReason === 'refused' ? STOPPED.refused(endpoint) : 'held: run "recordupload retry --held"';
    return { ...report, outcome: 'held', detail: why };
  }
  if (notBefore !== undefined) return { ...report, outcome: 'pending', detail: WAITS, nextAt: notBefore };
  if (stopped === 'disabled') return { ...report, outcome: 'disabled', detail: STOPPED.disabled(endpoint) };
  // No time will bring a token.
  if (stopped === 'no-token') return { ...report, outcome: 'pending', detail };
  if (stopped) return { ...report, outcome: 'pending', detail, nextAt };
  if (nextAt > dueBy) return { ...report, outcome: 'pending', detail: 'not due yet', nextAt };
  return { ...report, outcome: 'busy', detail: 'another process is sending it, or an older payload of the recording' };
}

/** A signal of our own: Node warns of a leak if more than ten POSTs listen to the caller's. */
function forwardAbort(signal: AbortSignal | undefined): { signal: AbortSignal; end(): void } {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  const forward = () => controller.abort(signal?.reason);
  if (signal?.aborted) forward();
  else signal?.addEventListener('abort', forward);
  return { signal: controller.signal, end: () => signal?.removeEventListener('abort', forward) };
}

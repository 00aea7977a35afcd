import { type EndpointState, refusesText } from '../core/delivery/endpoints.ts';
import { displayUrl } from '../core/redact.ts';
import type { Measures } from '../core/status/measures.ts';
import type { Activity, ActivitySince } from '../core/status/pages.ts';
import type { Runtime } from './runtime.ts';
import { openStatus, type StatusReport, type StatusRequest } from './status.ts';

/** An endpoint, and whether anything is sent to it. Times are milliseconds since 1970. */
export interface EndpointView {
  name: string;
  /** Without secrets; undefined: it is no longer configured. */
  url: string | undefined;
  /** `off`: by the configuration. `disabled`: by an operator or by the server's 410. */
  state: 'ok' | 'off' | 'disabled' | 'refused' | 'no-token' | 'unconfigured';
  /** Why it is disabled, or whose token it refuses. */
  reason: string | null;
  since: number | null;
  waiting: number;
  held: number;
  /** Since the state began. */
  delivered: number;
}

/** All that a live display shows, of one moment. */
export interface LiveStatus {
  status: StatusReport;
  activity: Activity;
  endpoints: EndpointView[];
}

export interface LiveStatusReader extends AsyncDisposable {
  /** @throws AppError `STATE` if the state cannot be read; the next reading opens it again */
  read(request: StatusRequest & ActivitySince): Promise<LiveStatus>;
}

/** A state file that another program has set aside is read no longer than this. */
const REOPEN_MS = 30_000;

const NOTHING: Activity = { done: 0, minutes: [] };

/** Reads the status again and again. Changes nothing and waits for no lock. */
export function openLiveStatus({ config, clock, overview }: Pick<Runtime, 'config' | 'clock' | 'overview'>) {
  let open: Awaited<ReturnType<typeof overview>>;
  let openedAt = 0;
  const close = () => {
    open?.close();
    open = undefined;
  };
  const get = async () => {
    if (clock.monotonic() - openedAt > REOPEN_MS) close();
    if (!open) openedAt = clock.monotonic();
    open ??= await overview();
    return open;
  };
  const reader: LiveStatusReader = {
    async read(request) {
      try {
        const source = await get();
        // It is closed here, not by the status.
        const shared = async () => source && { ...source, close: () => {} };
        const status = await openStatus({ config, clock, overview: shared }).read(request);
        if (!source) return { status, activity: NOTHING, endpoints: endpointsOf(config, [], undefined) };
        const [activity, states, measures] = [
          await source.activity(request),
          await source.endpointStates(),
          await source.measures(),
        ];
        return { status, activity, endpoints: endpointsOf(config, states, measures) };
      } catch (error) {
        close();
        throw error;
      }
    },
    async [Symbol.asyncDispose]() {
      close();
    },
  };
  return reader;
}

/** The configured ones first and in their order, then those that only the state knows. */
function endpointsOf(
  { webhooks }: Pick<Runtime['config'], 'webhooks'>,
  states: readonly EndpointState[],
  measures: Pick<Measures, 'waiting' | 'held' | 'deliveries'> = { waiting: [], held: [], deliveries: [] },
): EndpointView[] {
  const { waiting, held, deliveries } = measures;
  const names = new Set([
    ...webhooks.map(one => one.name),
    ...states.map(one => one.name),
    ...[...waiting, ...held].map(one => one.endpoint),
  ]);
  const sumOf = (some: readonly { endpoint: string; count: number }[], name: string) =>
    some.filter(one => one.endpoint === name).reduce((sum, { count }) => sum + count, 0);
  return [...names].map(name => {
    const configured = webhooks.find(one => one.name === name);
    const state = states.find(one => one.name === name);
    const counts = {
      waiting: sumOf(waiting, name),
      held: sumOf(held, name),
      delivered: sumOf(deliveries, name),
    };
    return { name, url: configured && displayUrl(configured.url), ...stateOf(configured, state), ...counts };
  });
}

function stateOf(
  configured: Runtime['config']['webhooks'][number] | undefined,
  state: EndpointState | undefined,
): Pick<EndpointView, 'state' | 'reason' | 'since'> {
  const none = { reason: null, since: null };
  if (!configured) return { state: 'unconfigured', ...none };
  if (!configured.enabled) return { state: 'off', ...none };
  if (state && state.disabledReason !== null)
    return { state: 'disabled', reason: state.disabledReason, since: state.disabledAt };
  if (state && state.refusedAt !== null) {
    const isNamed = state.hasSender || state.refusedOn.some(machine => machine !== '');
    return { state: 'refused', reason: isNamed ? refusesText(state) : null, since: state.refusedAt };
  }
  if (configured.token === undefined) return { state: 'no-token', ...none };
  return { state: 'ok', ...none };
}

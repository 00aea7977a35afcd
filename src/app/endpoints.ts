import { type EndpointState, refusesText } from '../core/delivery/endpoints.ts';
import type { DeliveryCount, WaitingCount } from '../core/delivery/outbox.ts';
import { AppError } from '../core/errors.ts';
import { displayUrl } from '../core/redact.ts';
import type { Endpoint } from '../core/webhook/endpoint.ts';
import type { Runtime } from './runtime.ts';

/** One endpoint with all that is known about it; times in milliseconds since 1970. */
export interface EndpointOverview {
  name: string;
  /** False: only the state knows it, from an earlier configuration. */
  isConfigured: boolean;
  /** Without secrets. */
  url: string | undefined;
  /** `enabled: false` in the configuration. */
  isSwitchedOff: boolean;
  hasToken: boolean;
  signingSecrets: number;
  disabledReason: string | null;
  disabledAt: number | null;
  refusedAt: number | null;
  /** `refuses the token of studio-a`; null: it refuses none. */
  refusal: string | null;
  /** Those whose token it refuses, by name, where the state is a fleet's. */
  refusedOn: string[];
  /** Pending and held. */
  waiting: number;
  pending: number;
  held: number;
  /** How many are held for which reason. */
  heldBy: Readonly<Record<string, number>>;
  delivered: number;
  superseded: number;
  /** When the oldest waiting one was made. */
  oldestAt: number | null;
  nextAt: number | null;
}

/**
 * The configured endpoints: all, or the one of this name.
 * @throws AppError `USAGE` if there is none of this name
 */
export function chooseEndpoints({ config }: Pick<Runtime, 'config'>, name: string | undefined): Endpoint[] {
  if (name === undefined) return config.webhooks;
  const chosen = config.webhooks.filter(endpoint => endpoint.name === name);
  if (chosen.length > 0) return chosen;
  throw new AppError('USAGE', `there is no endpoint ${JSON.stringify(name)}`, {
    hint: `configured: ${config.webhooks.map(one => one.name).join(', ')}`,
  });
}

/**
 * Makes sure that the configuration or the state knows an endpoint of this name.
 * @throws AppError `USAGE` if neither does, `STATE`
 */
export async function chooseStoredEndpoint(name: string, { config, state }: Runtime): Promise<void> {
  const { endpoints, outbox } = await state();
  const known = [
    ...config.webhooks.map(endpoint => endpoint.name),
    ...(await endpoints.list()).map(one => one.name),
    ...(await outbox.counts()).map(one => one.endpoint),
  ];
  if (known.includes(name)) return;
  throw new AppError('USAGE', `there is no endpoint ${JSON.stringify(name)}`, {
    hint: `known: ${[...new Set(known)].join(', ')}`,
  });
}

/**
 * Every endpoint that the configuration or the state knows, the configured ones first and in their order. Warns about
 * those whose webhooks nothing sends.
 * @throws AppError `STATE`
 */
export async function listEndpoints(runtime: Runtime): Promise<EndpointOverview[]> {
  const { endpoints, outbox } = await runtime.state();
  const overviews = overviewsOf(runtime.config.webhooks, await endpoints.list(), await outbox.counts());
  for (const { name, isConfigured, waiting } of overviews) {
    if (!isConfigured) warnUnconfigured({ endpoint: name, count: waiting }, runtime);
  }
  return overviews;
}

/** Endpoints that have webhooks waiting and are not configured any more: nothing sends those webhooks. */
export async function findUnconfigured(runtime: Runtime): Promise<WaitingCount[]> {
  const { outbox } = await runtime.state();
  const { webhooks } = runtime.config;
  const waiting = await outbox.waiting();
  const unconfigured = waiting.filter(({ endpoint }) => !webhooks.some(({ name }) => name === endpoint));
  for (const one of unconfigured) warnUnconfigured(one, runtime);
  return unconfigured;
}

function warnUnconfigured({ endpoint, count }: WaitingCount, { observer }: Pick<Runtime, 'observer'>): void {
  const left = `; ${count} of its webhooks ${count === 1 ? 'is' : 'are'} not sent until it is configured again`;
  const message = `endpoint ${endpoint} is no longer in the configuration${count > 0 ? left : ''}`;
  observer({ type: 'warning', message });
}

function overviewsOf(
  configured: readonly Endpoint[],
  states: readonly EndpointState[],
  counts: readonly DeliveryCount[],
): EndpointOverview[] {
  const names = new Set([...configured, ...states].map(({ name }) => name).concat(counts.map(one => one.endpoint)));
  return [...names].map(name => {
    const endpoint = configured.find(one => one.name === name);
    const state = states.find(one => one.name === name);
    const own = counts.filter(one => one.endpoint === name);
    const waiting = own.filter(one => one.state === 'pending' || one.state === 'held');
    const pending = own.filter(one => one.state === 'pending');
    const sum = (some: readonly DeliveryCount[]) => some.reduce((total, { count }) => total + count, 0);
    const countOf = (wanted: DeliveryCount['state']) => sum(own.filter(one => one.state === wanted));
    return {
      name,
      isConfigured: endpoint !== undefined,
      url: endpoint && displayUrl(endpoint.url),
      isSwitchedOff: endpoint?.enabled === false,
      hasToken: endpoint?.token !== undefined,
      signingSecrets: endpoint?.secrets.length ?? 0,
      disabledReason: state?.disabledReason ?? null,
      disabledAt: state?.disabledAt ?? null,
      refusedAt: state?.refusedAt ?? null,
      refusal: state && state.refusedAt !== null ? refusesText(state) : null,
      refusedOn: (state?.refusedOn ?? []).filter(machine => machine !== ''),
      waiting: sum(waiting),
      pending: countOf('pending'),
      held: countOf('held'),
      heldBy: Object.fromEntries(own.flatMap(one => (one.heldReason ? [[one.heldReason, one.count]] : []))),
      delivered: countOf('delivered'),
      superseded: countOf('superseded'),
      oldestAt: earliest(waiting.map(one => one.oldestAt)),
      nextAt: earliest(pending.map(one => one.nextAt)),
    };
  });
}

function earliest(times: readonly number[]): number | null {
  return times.length === 0 ? null : Math.min(...times);
}

import type { Endpoint } from '../../core/webhook/endpoint.ts';
import { displayUrl } from '../../core/webhook/redact.ts';
import type { DeliveryCount } from '../../state/sqlite/delivery-store.ts';
import type { EndpointState } from '../../state/sqlite/endpoint-store.ts';
import { EXIT } from '../exit-codes.ts';
import { jsonDocument } from '../failure.ts';
import { leftBehindText } from '../left-behind.ts';
import type { RunCommand } from '../program/command.ts';
import { type EndpointOverview, endpointsText } from '../render-webhook-list.ts';
import { openWorkspace } from '../workspace.ts';

/** `recordupload webhook list` */
export const run: RunCommand = async invocation => {
  const { options, terminal, command } = invocation;
  const workspace = await openWorkspace(invocation);
  try {
    const { config, clock, observer } = workspace;
    const { endpoints, deliveries } = (await workspace.state()).outbox;
    const overviews = overviewsOf(config.webhooks, await endpoints.list(), await deliveries.counts());
    for (const { name, isConfigured, waiting } of overviews) {
      if (isConfigured) continue;
      observer({ type: 'warning', message: leftBehindText({ endpoint: name, count: waiting }) });
    }
    workspace.settle();
    if (options.json)
      terminal.document(jsonDocument(command, EXIT.done, { result: { endpoints: overviews.map(toJson) } }));
    else if (!options.quiet) terminal.out(endpointsText(overviews, clock.now(), terminal.paint.out).join('\n'));
    return EXIT.done;
  } finally {
    await workspace.close();
  }
};

/** Every endpoint that the configuration or the state knows, the configured ones first and in their order. */
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

function toJson(overview: EndpointOverview) {
  const { name, url, isConfigured, isSwitchedOff, hasToken, signingSecrets, disabledReason } = overview;
  const { pending, held, heldBy, delivered, superseded } = overview;
  const iso = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());
  return {
    name,
    url: url ?? null,
    configured: isConfigured,
    enabled: isConfigured && !isSwitchedOff && disabledReason === null,
    switchedOff: isSwitchedOff,
    disabledReason,
    disabledSince: iso(overview.disabledAt),
    refusedSince: iso(overview.refusedAt),
    token: hasToken ? 'set' : 'unset',
    signingSecrets,
    counts: { pending, held, heldBy, delivered, superseded },
    oldestWaiting: iso(overview.oldestAt),
    nextTry: iso(overview.nextAt),
  };
}

function earliest(times: readonly number[]): number | null {
  return times.length === 0 ? null : Math.min(...times);
}

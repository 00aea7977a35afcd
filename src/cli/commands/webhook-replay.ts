import { requireToken } from '../../config/requirements.ts';
import { deliverWebhooks } from '../../core/delivery/deliver-webhooks.ts';
import type { Delivery } from '../../core/delivery/delivery.ts';
import { STOPPED } from '../../core/delivery/delivery-report.ts';
import { AppError } from '../../core/errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { jsonDocument } from '../failure.ts';
import { type Invocation, type RunCommand, textOption } from '../program/command.ts';
import { deliveryJson } from '../render-json.ts';
import { replayListText, replayText } from '../render-webhook-replay.ts';
import { confirm } from '../terminal/confirm.ts';
import { count } from '../terminal/format.ts';
import { formatMoment, parseMoment } from '../terminal/moment.ts';
import { chosenEndpoints, openWorkspace, type Workspace } from '../workspace.ts';

/** `recordupload webhook replay --since <time>` */
export const run: RunCommand = async invocation => {
  const workspace = await openWorkspace(invocation);
  try {
    const chosen = await choose(invocation, workspace);
    return await (invocation.options.dryRun ? list : replay)(chosen, invocation, workspace);
  } finally {
    await workspace.close();
  }
};

/** The newest deliveries in the window: an older payload is never sent after a newer one. */
async function choose({ options }: Invocation, { config, clock, state, observer }: Workspace): Promise<Delivery[]> {
  const since = textOption(options, 'since');
  if (since === undefined)
    throw new AppError('USAGE', '--since is missing: from when on?', { hint: 'such as --since 2h' });
  const until = textOption(options, 'until');
  const now = clock.now();
  const window = {
    since: parseMoment(since, '--since', now),
    until: until === undefined ? now + 1 : parseMoment(until, '--until', now),
  };
  if (window.since >= window.until)
    throw new AppError('USAGE', '--since is not before --until', { hint: 'such as --since 2d --until 1d' });
  const { deliveries, endpoints } = (await state()).outbox;
  const usage = (message: string, hint: string) => new AppError('USAGE', message, { hint });
  const chosen: Delivery[] = [];
  for (const endpoint of chosenEndpoints(config, textOption(options, 'endpoint'), usage)) {
    const { name } = endpoint;
    const states = [options.held ? ('held' as const) : ('delivered' as const)];
    const found = await deliveries.list({ endpoint: name, states, ...window, newestOnly: true });
    const stopped = !endpoint.enabled
      ? 'off'
      : (await endpoints.get(name)).disabledReason === null
        ? undefined
        : 'disabled';
    if (found.length === 0) continue;
    if (stopped === undefined) {
      requireToken(endpoint);
      chosen.push(...found);
      continue;
    }
    observer({ type: 'warning', message: `${STOPPED[stopped](name)} (${count(found.length, 'webhook')} left out)` });
  }
  return chosen;
}

async function replay(chosen: Delivery[], invocation: Invocation, workspace: Workspace): Promise<ExitCode> {
  const { options, terminal, command } = invocation;
  const { config, clock } = workspace;
  const many = count(chosen.length, 'webhook');
  const asked = {
    what: `sending ${many} again`,
    question: `Send ${many} (${spanOf(chosen)}) again?`,
  };
  const isWanted = chosen.length === 0 || (await confirm(asked, invocation));
  const wanted = isWanted ? chosen.map(({ seq }) => seq) : [];
  const { deliveries } = (await workspace.state()).outbox;
  // Due again before the first is sent: what a crash or a failing server leaves is the next retry's.
  const seqs = await deliveries.requeue(wanted, clock.now());
  const selection = { due: 'now' as const, held: true, trigger: 'replay' as const, deliverySeqs: seqs };
  const report =
    seqs.length === 0
      ? { deliveries: [], endpoints: [] }
      : await deliverWebhooks(selection, { ...(await workspace.delivery()), endpoints: config.webhooks });
  workspace.settle();

  const failed = report.deliveries.filter(delivery => delivery.outcome !== 'delivered');
  const exitCode = failed.length > 0 ? EXIT.webhook : EXIT.done;
  if (options.json) {
    const result = {
      chosen: chosen.length,
      deliveries: report.deliveries.map(deliveryJson),
      endpoints: report.endpoints,
    };
    terminal.document(jsonDocument(command, exitCode, { result }));
    return exitCode;
  }
  const lines = isWanted ? replayText(report, terminal.paint.out) : ['nothing was sent'];
  if (!options.quiet) terminal.out(lines.join('\n'));
  else if (failed.length > 0) terminal.err(`recordupload webhook replay: ${lines[0]}; next: recordupload retry --now`);
  return exitCode;
}

async function list(
  chosen: Delivery[],
  { options, terminal, command }: Invocation,
  workspace: Workspace,
): Promise<ExitCode> {
  workspace.settle();
  if (options.json) {
    const deliveries = chosen.map(({ recordingId, endpoint, webhookId, state, heldReason, settledAt }) => ({
      recordingId,
      endpoint,
      webhookId,
      state,
      heldReason,
      settledAt: settledAt === null ? null : new Date(settledAt).toISOString(),
    }));
    terminal.document(
      jsonDocument(command, EXIT.done, { result: { dryRun: true, chosen: chosen.length, deliveries } }),
    );
  } else if (!options.quiet) terminal.out(replayListText(chosen).join('\n'));
  return EXIT.done;
}

/** `delivered 2026-01-31 08:00:00`, or from when to when. */
function spanOf(chosen: readonly Delivery[]): string {
  const times = chosen.map(({ settledAt, createdAt }) => settledAt ?? createdAt).toSorted((a, b) => a - b);
  const [first, last] = [times[0] ?? 0, times.at(-1) ?? 0].map(formatMoment);
  return `${chosen[0]?.state} ${first === last ? first : `from ${first} to ${last}`}`;
}

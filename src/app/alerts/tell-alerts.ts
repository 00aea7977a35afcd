import { createHash } from 'node:crypto';
import type { AlertReceiver } from '../../config/config.ts';
import type { AlertMessage } from '../../core/alerts/alert-book.ts';
import { findCauses } from '../../core/alerts/cause.ts';
import { alertBody } from '../../core/alerts/message.ts';
import { nextTry } from '../../core/delivery/backoff.ts';
import { machineName } from '../../core/machine-name.ts';
import { inPool } from '../../core/pool.ts';
import type { Runtime } from '../runtime.ts';
import { type AlertOutcome, openAlertSender, receiverName } from './send-alert.ts';

/** More kinds of refusals than this are not told apart. */
const MOST_REFUSED = 200;
const MESSAGES_AT_ONCE = 8;
/** Longer than a try takes. */
const LEASE_MS = 90_000;

/**
 * Finds out what is wrong, notes what somebody has to be told, and sends what is due. One message for each cause, and one
 * once it has ended. What cannot be sent now is sent by a later pass.
 * @param options.withinMs when to leave the rest to a later pass
 * @throws AppError `STATE`, `CONFIG`
 */
export async function tellAlerts(
  runtime: Runtime,
  { withinMs }: { withinMs?: number | undefined } = {},
): Promise<void> {
  const { signal } = runtime;
  const ends = withinMs === undefined ? signal : AbortSignal.any([signal, AbortSignal.timeout(withinMs)]);
  await noteCauses(runtime);
  await sendDue(runtime, ends);
}

/** The same as long as the URL or the command is; says nothing about it. */
function idOf({ to }: AlertReceiver): string {
  return createHash('sha256').update(JSON.stringify(to)).digest('hex').slice(0, 16);
}

async function noteCauses({ config, state, clock }: Runtime): Promise<void> {
  const { overview, alerts } = await state();
  const [all, { held }] = await Promise.all([overview.all({ limit: MOST_REFUSED }), overview.measures()]);
  const [now, machine] = [clock.now(), machineName()];
  await alerts.keepOnly(config.alerts.map(idOf));
  for (const receiver of config.alerts) {
    const causes = findCauses(all, held, { stuckAfterMs: receiver.stuckAfterMs, now });
    const target = { id: idOf(receiver), on: receiver.on };
    await alerts.note(target, causes, (event, cause) => alertBody(event, cause, { machine, now }), now);
  }
}

async function sendDue(runtime: Runtime, signal: AbortSignal): Promise<void> {
  const { config, state, clock } = runtime;
  const { alerts } = await state();
  const receivers = new Map(config.alerts.map(receiver => [idOf(receiver), receiver]));
  for (;;) {
    const due = await alerts.take(MESSAGES_AT_ONCE, LEASE_MS, clock.now());
    if (due.length === 0) return;
    // The client is loaded only where there is something to send.
    const sender = await openAlertSender(runtime);
    await inPool(due, { atOnce: MESSAGES_AT_ONCE, signal }, async (message, signal) => {
      const receiver = receivers.get(message.target);
      if (!receiver) return;
      const outcome = await sender.send(receiver, message, signal);
      await settle(message, receiver, outcome, runtime);
    });
    if (signal.aborted) return;
  }
}

async function settle(
  { id, event, attempts, createdAt }: AlertMessage,
  receiver: AlertReceiver,
  outcome: AlertOutcome,
  { state, clock, random, observer }: Runtime,
): Promise<void> {
  const { alerts } = await state();
  const to = receiverName(receiver);
  if (outcome.kind === 'sent') {
    await alerts.end(id);
    observer({ type: 'alert', to, event, outcome: 'sent' });
    return;
  }
  if (outcome.kind === 'aborted') return await alerts.postpone(id, clock.now());
  const { detail, retryAfterMs } = outcome;
  const now = clock.now();
  const next = nextTry(attempts, retryAfterMs, now - createdAt, random);
  if (next.exhausted) await alerts.end(id);
  else await alerts.postpone(id, now + next.waitMs);
  observer({ type: 'alert', to, event, outcome: next.exhausted ? 'given-up' : 'failed', detail });
}

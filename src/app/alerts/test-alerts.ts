import { alertBody } from '../../core/alerts/message.ts';
import { AppError } from '../../core/errors.ts';
import { machineName } from '../../core/machine-name.ts';
import type { Runtime } from '../runtime.ts';
import { openAlertSender, receiverName } from './send-alert.ts';

/** Whether a test message has arrived. */
export interface AlertTest {
  /** The host of a URL, the first word of a command. */
  to: string;
  ok: boolean;
  /** Why not; safe to show. */
  detail?: string | undefined;
}

/**
 * Sends a test message to everybody who gets alerts, once.
 * @throws AppError `CONFIG` if nobody does
 */
export async function testAlerts(runtime: Runtime): Promise<AlertTest[]> {
  const { config, clock, signal } = runtime;
  if (config.alerts.length === 0) {
    throw new AppError('CONFIG', 'nobody gets alerts: alerts is not configured', {
      hint: 'add alerts with a url or a command to the configuration; docs/monitoring.md has an example',
    });
  }
  const now = clock.now();
  const cause = {
    key: 'test',
    event: 'failed',
    text: 'this is a test; nothing is wrong',
    count: null,
    since: now,
  } as const;
  const body = alertBody('test', cause, { machine: machineName(), now });
  const sender = await openAlertSender(runtime);
  return await Promise.all(
    config.alerts.map(async receiver => {
      const outcome = await sender.send(receiver, { event: 'test', body }, signal);
      signal.throwIfAborted();
      const to = receiverName(receiver);
      return outcome.kind === 'failed'
        ? { to, ok: false, detail: outcome.detail }
        : { to, ok: outcome.kind === 'sent' };
    }),
  );
}

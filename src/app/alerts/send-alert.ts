import { randomUUID } from 'node:crypto';
import type { AlertReceiver } from '../../config/config.ts';
import { parseRetryAfter } from '../../core/retry-after.ts';
import type { PostResult } from '../../core/webhook/post-result.ts';
import type { Runtime } from '../runtime.ts';
import { runCommand } from './run-command.ts';

/** What became of one try. `detail` is safe to show. */
export type AlertOutcome =
  | { kind: 'sent' }
  | { kind: 'failed'; detail: string; retryAfterMs?: number | undefined }
  | { kind: 'aborted' };

/** Sends alerts. */
export interface AlertSender {
  /** Never throws for what the service or the command does. */
  send(receiver: AlertReceiver, message: { event: string; body: string }, signal: AbortSignal): Promise<AlertOutcome>;
}

/** Over the connections that webhooks use. @throws AppError `CONFIG` */
export async function openAlertSender(runtime: Runtime): Promise<AlertSender> {
  const { env, redact, clock } = runtime;
  const { post } = await runtime.poster();
  return {
    async send({ to }, { event, body }, signal) {
      if ('command' in to) {
        const flaw = await runCommand(to.command, { event, body, env, signal });
        if (flaw === undefined) return { kind: 'sent' };
        return signal.aborted ? { kind: 'aborted' } : { kind: 'failed', detail: redact.excerpt(flaw) };
      }
      const timestampSeconds = Math.floor(clock.now() / 1000);
      const result = await post({ url: to.url, secrets: [], webhookId: randomUUID(), body, timestampSeconds, signal });
      return judge(result, runtime);
    },
  };
}

/** For people: the host of a URL, which is no secret; of a command its first word. */
export function receiverName({ to }: AlertReceiver): string {
  return 'url' in to ? new URL(to.url).host : (to.command.trim().split(/\s+/)[0] ?? to.command);
}

function judge(result: PostResult, { redact, clock }: Runtime): AlertOutcome {
  switch (result.kind) {
    case 'aborted':
      return { kind: 'aborted' };
    case 'timeout':
      return { kind: 'failed', detail: `no answer in ${result.timeoutMs / 1000} s` };
    case 'network':
      return { kind: 'failed', detail: redact.excerpt(result.message) };
    case 'answer': {
      const { status, body, truncated, retryAfter, date } = result;
      if (status >= 200 && status < 300) return { kind: 'sent' };
      const retryAfterMs = parseRetryAfter(retryAfter, date, clock.now());
      const said = body === '' ? '' : `: ${redact.excerpt(body, { truncated })}`;
      return { kind: 'failed', detail: `status ${status}${said}`, retryAfterMs };
    }
  }
}

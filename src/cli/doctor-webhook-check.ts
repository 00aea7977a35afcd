import { randomBytes, randomUUID } from 'node:crypto';
import type { Check, Finding } from '../app/doctor/check.ts';
import type { Config } from '../config/config.ts';
import { systemClock } from '../core/clock.ts';
import type { Endpoint } from '../core/webhook/endpoint.ts';
import type { TokenProbe } from '../core/webhook/probe-token.ts';
import { VERSION } from './program/version.ts';

/** Under the limit of a check, so that it is told as the webhook's own time-out. */
const POST_TIMEOUT_MS = 9_000;

/** Does the server lock strangers out, and let us in? A recording is made there only with `webhookTest`. */
export function webhookCheck(
  endpoint: Endpoint,
  config: Config,
  { env, ca, webhookTest }: { env: NodeJS.ProcessEnv; ca: string | undefined; webhookTest: boolean },
): Check {
  const name = `webhook ${endpoint.name}`;
  return {
    name,
    area: 'webhook',
    async run(outer) {
      const { createPoster, probeToken, testEndpoint, testPayload } = await import('./doctor-webhook-parts.ts');
      const userAgent = `recordupload/${VERSION}`;
      const poster = createPoster({ userAgent, ca, proxyEnv: env, timeoutMs: POST_TIMEOUT_MS });
      const inTime = AbortSignal.timeout(POST_TIMEOUT_MS);
      try {
        const unauthorized = !webhookTest || endpoint.token === undefined;
        const payload = testPayload({
          user: { username: config.user.name, email: config.user.email ?? 'nobody@example.com' },
          createdAtMs: Date.now(),
        });
        const deps = {
          post: poster.post,
          clock: systemClock,
          signal: outer,
          userAgent,
          newId: () => `msg_${randomUUID().replaceAll('-', '')}`,
          newToken: () => randomBytes(24).toString('hex'),
        };
        const checks = await testEndpoint(endpoint, payload, { unauthorized }, deps);
        const findings = checks.map(({ ok, kind, verdict }) => ({
          name,
          status: ok ? ('ok' as const) : ('failure' as const),
          detail: ok && kind === 'no-token' ? 'without a token the server answers 401, as it must' : verdict,
          ...(!ok && {
            mend: `recordupload webhook test${unauthorized ? ' --unauthorized' : ''} shows the whole exchange`,
          }),
        }));
        const isDone = !unauthorized || endpoint.token === undefined || checks.some(({ ok }) => !ok);
        if (isDone) return findings;
        const probe = await probeToken(endpoint, { ...deps, signal: AbortSignal.any([outer, inTime]) });
        return [...findings, tokenFinding(name, probe)];
      } finally {
        poster.close();
      }
    },
  };
}

function tokenFinding(name: string, { verdict, detail }: TokenProbe): Finding {
  if (verdict === 'refused')
    return { name, status: 'failure', detail, mend: 'recordupload webhook test shows the whole exchange' };
  return { name, status: 'ok', detail: verdict === 'accepted' ? detail : `${detail}: recordupload webhook test` };
}

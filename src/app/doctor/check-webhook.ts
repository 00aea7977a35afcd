import type { Endpoint } from '../../core/webhook/endpoint.ts';
import type { TokenProbe } from '../../core/webhook/probe-token.ts';
import type { Runtime } from '../runtime.ts';
import type { Check, Finding } from './check.ts';

/** Shorter than the time-out of a check, so that a slow server is reported as the webhook's own time-out. */
export const POST_TIMEOUT_MS = 9_000;

/**
 * Checks that the server refuses strangers and accepts our token. Only with `webhookTest` does the server store a
 * recording.
 */
export function webhookCheck(endpoint: Endpoint, runtime: Runtime, { webhookTest }: { webhookTest: boolean }): Check {
  const name = `webhook ${endpoint.name}`;
  return {
    name,
    area: 'webhook',
    async run(signal) {
      // Loaded here: the other checks do not wait for the webhook client.
      const [{ probeToken }, { testEndpoint }, { testPayload }, { testDeps }] = await Promise.all([
        import('../../core/webhook/probe-token.ts'),
        import('../../core/webhook/test-endpoint.ts'),
        import('../../core/webhook/test-payload.ts'),
        import('../test-endpoints.ts'),
      ]);
      const { config, clock } = runtime;
      const { post } = await runtime.poster();
      const inTime = AbortSignal.timeout(POST_TIMEOUT_MS);
      const unauthorized = !webhookTest || endpoint.token === undefined;
      const payload = testPayload({
        user: { username: config.user.name, email: config.user.email ?? 'nobody@example.com' },
        createdAtMs: clock.now(),
      });
      const deps = testDeps({ ...runtime, signal }, post);
      const checks = await testEndpoint(endpoint, payload, { unauthorized }, deps);
      const findings = checks.map(({ ok, kind, verdict }) => ({
        name,
        status: ok ? ('ok' as const) : ('failure' as const),
        detail: ok && kind === 'no-token' ? 'without a token the server answers 401, as it should' : verdict,
        ...(!ok && {
          fix: `recordupload webhook test${unauthorized ? ' --unauthorized' : ''} shows the whole exchange`,
        }),
      }));
      const isDone = !unauthorized || endpoint.token === undefined || checks.some(({ ok }) => !ok);
      if (isDone) return findings;
      const probe = await probeToken(endpoint, { ...deps, signal: AbortSignal.any([signal, inTime]) });
      return [...findings, tokenFinding(name, probe)];
    },
  };
}

function tokenFinding(name: string, { verdict, detail }: TokenProbe): Finding {
  if (verdict === 'refused')
    return { name, status: 'failure', detail, fix: 'recordupload webhook test shows the whole exchange' };
  return { name, status: 'ok', detail: verdict === 'accepted' ? detail : `${detail}: recordupload webhook test` };
}

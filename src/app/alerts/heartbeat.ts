import { openLink } from '../../core/http/open-link.ts';
import type { Runtime } from '../runtime.ts';

const TIMEOUT_MS = 10_000;

/**
 * Calls each `heartbeatUrl`: the services raise an alarm if no call comes for a while. Never throws; a call that fails is
 * said and not repeated, because the next pass calls again.
 */
export async function beat({ config, env, userAgent, signal, observer, redact }: Runtime): Promise<void> {
  if (config.heartbeatUrls.length === 0 || signal.aborted) return;
  const [{ openConnections }, { readCaFile }] = await Promise.all([
    import('../../core/http/connections.ts'),
    import('../../core/ca-file.ts'),
  ]);
  const connections = openConnections({ ca: readCaFile(config.caFile), proxyEnv: env, idleTimeoutMs: TIMEOUT_MS });
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
    await Promise.all(
      config.heartbeatUrls.map(async text => {
        const url = new URL(text);
        const flaw = await openLink(url, { connections, userAgent, signal: limit }).then(
          ({ status }) => (status < 400 ? undefined : `status ${status}`),
          (error: Error) => redact.excerpt(error.message),
        );
        if (flaw !== undefined && !signal.aborted)
          observer({ type: 'warning', message: `the heartbeat at ${url.host} could not be sent: ${flaw}` });
      }),
    );
  } finally {
    connections.close();
  }
}

import { readCaFile } from '../../core/ca-file.ts';
import { openConnections } from '../../core/http/connections.ts';
import { openLink } from '../../core/http/open-link.ts';
import type { Runtime } from '../runtime.ts';

const TIMEOUT_MS = 10_000;

/**
 * Calls each `heartbeatUrl`: the services raise an alarm if no call comes for a while. A call that fails is said and not
 * repeated, because the next pass calls again.
 * @throws AppError `CONFIG` if `caFile` cannot be used
 */
export async function beat({ config, env, userAgent, signal, observer, redact }: Runtime): Promise<void> {
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

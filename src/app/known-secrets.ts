import type { Config } from '../config/config.ts';
import { proxyPasswords } from '../core/http/proxies.ts';
import { endpointSecrets } from '../core/webhook/endpoint-secrets.ts';

/** All secrets that a run knows and may send somewhere: whoever gets one may put it into a response. */
export function knownSecrets({ webhooks, credentials, dashboard }: Config, env: NodeJS.ProcessEnv): string[] {
  const keys =
    credentials && 'secretAccessKey' in credentials
      ? [credentials.secretAccessKey, credentials.sessionToken ?? '']
      : [];
  return [...webhooks.flatMap(endpointSecrets), ...keys, dashboard.token ?? '', ...proxyPasswords(env)];
}

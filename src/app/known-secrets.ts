import type { Config } from '../config/config.ts';
import { proxyPasswords } from '../core/http/proxies.ts';
import { endpointSecrets } from '../core/webhook/endpoint-secrets.ts';

/** All secrets that a run knows and may send somewhere: whoever gets one may put it into a response. */
export function knownSecrets(
  { webhooks, credentials, alerts, heartbeatUrls, dashboard }: Config,
  env: NodeJS.ProcessEnv,
): string[] {
  const keys =
    credentials && 'secretAccessKey' in credentials
      ? [credentials.secretAccessKey, credentials.sessionToken ?? '']
      : [];
  const urls = [...alerts.flatMap(({ to }) => ('url' in to ? to.url : [])), ...heartbeatUrls];
  return [
    ...webhooks.flatMap(endpointSecrets),
    ...keys,
    dashboard.token ?? '',
    ...proxyPasswords(env),
    ...urls.flatMap(secretsOfUrl),
  ];
}

/** The part of a URL that lets its holder write to a channel: the last name of its path, and its query. */
function secretsOfUrl(text: string): string[] {
  const { pathname, search } = new URL(text);
  return [pathname.split('/').filter(Boolean).at(-1) ?? '', search.slice(1)].filter(part => part.length >= 8);
}

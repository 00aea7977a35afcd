import type { Config } from '../config/config.ts';
import { parseDatabaseUrl } from '../core/database-url.ts';
import { proxyPasswords } from '../core/http/proxies.ts';
import { endpointSecrets } from '../core/webhook/endpoint-secrets.ts';

/** All secrets that a run knows and may send somewhere: whoever gets one may put it into a response. */
export function knownSecrets(
  { webhooks, credentials, alerts, heartbeatUrls, dashboard, stateUrl }: Config,
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
    ...databasePasswords(stateUrl),
  ];
}

/** The password of the state's database, as it is and as its URL has it. */
function databasePasswords(stateUrl: string | undefined): string[] {
  const parsed = stateUrl === undefined ? undefined : parseDatabaseUrl(stateUrl);
  const password = parsed?.ok ? parsed.url.password : undefined;
  if (password === undefined) return [];
  const [, written = ''] = /^[^:]+:\/\/[^:@/?#]*:([^@/?#]*)@/.exec(stateUrl ?? '') ?? [];
  return [...new Set([password, encodeURIComponent(password), written])];
}

/** The part of a URL that lets its holder write to a channel: the last name of its path, and its query. */
function secretsOfUrl(text: string): string[] {
  const { pathname, search } = new URL(text);
  return [pathname.split('/').filter(Boolean).at(-1) ?? '', search.slice(1)].filter(part => part.length >= 8);
}

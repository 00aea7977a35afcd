import type { Config } from './config.ts';
import type { ListenAddress } from './listen.ts';
import { type Origin, originOf } from './origins.ts';
import { type Machine, resolvePath } from './paths.ts';
import { flawOfToken } from './secret-text.ts';
import { findSecret, secretOrigin } from './secrets.ts';
import { type Setting, settingsOf } from './sources/setting.ts';
import { flawOfNaming } from './trust/steering.ts';
import { withoutTrailingSlash } from './urls.ts';

/** Who can guess a shorter one has time for it. */
const SHORTEST_TOKEN = 16;

function flawOfSignInToken(text: string): string | undefined {
  const flaw = flawOfToken(text);
  if (flaw !== undefined || text.length >= SHORTEST_TOKEN) return flaw;
  return `is shorter than ${SHORTEST_TOKEN} characters (the value is not shown): make one with openssl rand -hex 32`;
}

/** Its plain values, after the schema. */
export interface DashboardValues {
  listen: ListenAddress;
  url?: string | undefined;
  trustedProxies: string[];
}

/**
 * The dashboard's settings, with its sign-in token and its certificate's files. What is wrong with the token concerns
 * nobody but the dashboard, which says so.
 */
export async function resolveDashboard(
  settings: readonly Setting[],
  machine: Machine,
  { values, distrusted, warnings }: { values: DashboardValues; distrusted: string[]; warnings: string[] },
): Promise<{ dashboard: Config['dashboard']; origins: Origin[] }> {
  const problems: string[] = [];
  const slot = { name: 'dashboard.token', forms: ['dashboard.tokenFile'], credential: 'dashboard-token' };
  const token = await findSecret(
    { ...slot, flawOf: flawOfSignInToken },
    settingsOf(settings, 'dashboard.tokenFile'),
    machine,
    { problems, distrusted, warnings },
  );
  const fileOf = (key: string): string | undefined => {
    const [setting] = settingsOf(settings, key);
    const flaw = flawOfNaming(setting);
    if (flaw !== undefined) distrusted.push(flaw);
    return setting && flaw === undefined ? resolvePath(String(setting.value), setting.folder, machine.home) : undefined;
  };
  const [certFile, keyFile] = [fileOf('dashboard.tlsCert'), fileOf('dashboard.tlsKey')];
  if ((certFile === undefined) !== (keyFile === undefined))
    problems.push('dashboard.tlsCert and dashboard.tlsKey belong together: set both');
  const url = values.url && withoutTrailingSlash(values.url);
  const shown: Record<string, unknown> = {
    'dashboard.tlsCert': certFile,
    'dashboard.tlsKey': keyFile,
    'dashboard.trustedProxies': values.trustedProxies,
    'dashboard.url': url,
  };
  const { host, port } = values.listen;
  const listens = originOf(
    'dashboard.listen',
    `${host.includes(':') ? `[${host}]` : host}:${port}`,
    settingsOf(settings, 'dashboard.listen'),
  );
  return {
    dashboard: {
      listen: values.listen,
      trustedProxies: values.trustedProxies,
      url,
      token: token?.values[0],
      tls: certFile !== undefined && keyFile !== undefined ? { certFile, keyFile } : undefined,
      problem: problems.length > 0 ? problems.join('\n') : undefined,
    },
    origins: [
      listens,
      secretOrigin('dashboard.token', token),
      ...Object.entries(shown).map(([key, value]) => originOf(key, value, settingsOf(settings, key))),
    ],
  };
}

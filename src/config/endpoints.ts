import { displayUrl } from '../core/redact.ts';
import type { Endpoint } from '../core/webhook/endpoint.ts';
import { ENDPOINT_KEYS } from './keys.ts';
import { type Origin, originOf } from './origins.ts';
import type { Machine } from './paths.ts';
import { checkSettings } from './problems.ts';
import { DEFAULTS } from './schema.ts';
import { flawOfSigningSecret, flawOfToken } from './secret-text.ts';
import { type FoundSecret, findSecret, secretOrigin, usesOf } from './secrets.ts';
import { endpointSettingsFromVariables, endpointVariable, type Variables } from './sources/environment.ts';
import { type Setting, settingsOf } from './sources/setting.ts';
import type { Steered } from './trust/steering.ts';
import { isInsecure } from './urls.ts';

/** Everything that `resolveEndpoints` looks at. */
export interface EndpointSources {
  settings: readonly Setting[];
  variables: readonly Variables[];
  machine: Machine;
  allowInsecure: boolean;
  problems: string[];
  /** Gets what is wrong with tokens and signing secrets. */
  secretProblems: string[];
  /** Gets one line for each value that counts only if its file is trusted. */
  distrusted: string[];
  /** Gets one line for each secret that another source sets as well, in another form. */
  warnings: string[];
}

/** The settings of one endpoint, by the fields' names. */
interface Draft {
  name: string;
  /** What its keys begin with in origins and problems. */
  prefix: string;
  settings: Setting[];
}

/** The endpoints, from `webhook` or the list `webhooks` and the variables that go with them. */
export async function resolveEndpoints(
  sources: EndpointSources,
): Promise<{ webhooks: Endpoint[]; origins: Origin[]; steered: Steered[] }> {
  const drafts = draftEndpoints(sources);
  const resolved = await Promise.all(drafts.map(draft => resolveEndpoint(draft, drafts.length === 1, sources)));
  return {
    webhooks: resolved.map(one => one.endpoint),
    origins: resolved.flatMap(one => one.origins),
    steered: resolved.map(one => one.steered),
  };
}

function draftEndpoints({ settings, variables, problems, secretProblems }: EndpointSources): Draft[] {
  const single = ENDPOINT_KEYS.flatMap(key =>
    settingsOf(settings, `webhook.${key.path}`).map(setting => ({ ...setting, path: key.path })),
  );
  const [list] = settingsOf(settings, 'webhooks');
  if (!list) return [{ name: 'default', prefix: 'webhook', settings: single }];

  const entries = list.value as readonly Record<string, unknown>[];
  const names = entries.map(entry => String(entry.name));
  for (const name of new Set(names.filter((name, index) => names.indexOf(name) !== index))) {
    problems.push(`${list.where}: two endpoints are called ${name}`);
  }
  const asVariables = names.map(name => endpointVariable(name, { path: '' }));
  const twin = asVariables.findIndex((name, index) => asVariables.indexOf(name) !== index);
  if (twin !== -1 && new Set(names).size === names.length) {
    problems.push(`${list.where}: the variables of ${names[twin]} and another endpoint would be the same: rename one`);
  }
  const drafts = entries.map((entry, index) => draftEntry(entry, index, list, variables, { problems, secretProblems }));
  // A list on the command line replaces all other settings of endpoints: no token of another endpoint may get into it.
  if (list.level === 'flag') return drafts.map(draft => ({ ...draft, settings: draft.settings.filter(isFlag) }));

  const [inFile] = single.filter(setting => setting.level === 'user' || setting.level === 'project');
  if (inFile) problems.push(`webhook (${inFile.source}) and webhooks (${list.source}) are both configured: keep one`);
  const others = single.filter(
    setting => setting !== inFile && setting.level !== 'user' && setting.level !== 'project',
  );
  const [only] = drafts;
  if (only && drafts.length === 1) return [{ ...only, settings: [...only.settings, ...others] }];
  for (const setting of drafts.length === 0 ? [] : others) {
    const instead = endpointVariable(names[0] ?? 'NAME', { path: setting.path });
    secretProblems.push(
      `${setting.where}: there are ${drafts.length} endpoints, it fits only one: name it, as in ${instead}`,
    );
  }
  return drafts;
}

function draftEntry(
  entry: Record<string, unknown>,
  index: number,
  list: Setting,
  variables: readonly Variables[],
  { problems, secretProblems }: Pick<EndpointSources, 'problems' | 'secretProblems'>,
): Draft {
  const name = String(entry.name);
  const inList = ENDPOINT_KEYS.filter(key => entry[key.path] !== undefined).map(key => ({
    ...list,
    path: key.path,
    value: entry[key.path],
    where: `${list.where}[${index}].${key.path}`,
    source: list.sourceOf?.(`webhooks.${index}.${key.path}`) ?? list.source,
  }));
  const named = variables.flatMap(one => endpointSettingsFromVariables(name, one, problems));
  const settings = [...checkSettings(named, problems, { inside: 'webhook.', secretProblems }), ...inList];
  return { name, prefix: `webhooks.${name}`, settings };
}

async function resolveEndpoint(
  { name, prefix, settings }: Draft,
  isOnly: boolean,
  { machine, allowInsecure, secretProblems, distrusted, warnings }: EndpointSources,
): Promise<{ endpoint: Endpoint; origins: Origin[]; steered: Steered }> {
  const urls = settingsOf(settings, 'url');
  const url = (urls[0]?.value as string | undefined) ?? DEFAULTS.webhookUrl;
  if (isInsecure(url) && !allowInsecure) {
    secretProblems.push(
      `${urls[0]?.where ?? `${prefix}.url`}: http:// would send the token in the clear: use https://, or set allowInsecure`,
    );
  }
  const switches = settingsOf(settings, 'enabled');
  const enabled = (switches[0]?.value as boolean | undefined) ?? true;
  const find = (field: string, forms: string[], credential: string, flawOf: (text: string) => string | undefined) =>
    findSecret(
      // Several endpoints cannot share the one file that systemd issues.
      { name: `${prefix}.${field}`, forms, credential: isOnly ? credential : undefined, flawOf },
      settingsOf(settings, ...forms),
      machine,
      { problems: secretProblems, distrusted, warnings },
    );
  const token = await find('token', ['token', 'tokenFile'], 'webhook-token', flawOfToken);
  const secret = await find('secret', ['secret', 'secrets', 'secretFile'], 'webhook-secret', flawOfSigningSecret);
  return {
    endpoint: {
      name,
      url,
      token: token?.values[0],
      ...(token && token.level !== 'flag' && { tokenFrom: placeOf(token) }),
      secrets: secret?.values ?? [],
      enabled,
    },
    steered: { by: urls[0], secrets: usesOf(token, secret) },
    origins: [
      originOf(`${prefix}.url`, displayUrl(url), urls),
      secretOrigin(`${prefix}.token`, token),
      secretOrigin(`${prefix}.secret`, secret),
      originOf(`${prefix}.enabled`, enabled, switches),
    ],
  };
}

function isFlag(setting: Setting): boolean {
  return setting.level === 'flag';
}

/** `.recorduploadrc: webhook.tokenFile` → `webhook.tokenFile in .recorduploadrc`; a variable is its name. */
function placeOf({ setting, origin }: FoundSecret): string {
  if (!setting) return origin.source;
  if (setting.variable === 'WEBHOOK_TOKEN') return 'webhook.token (WEBHOOK_TOKEN)';
  const [file = '', key] = setting.where.split(/: (?=[^:]*$)/);
  return key === undefined ? file : `${key} in ${file}`;
}

import type { Steers } from './trust/levels.ts';

/** How the text of a variable becomes a value. */
export type KeyKind = 'text' | 'number' | 'switch' | 'list';

/** One configuration key: its path in a file, and the variables that set it. */
export interface Key {
  /** As in a file, with dots: `webhook.url`. */
  path: string;
  kind: KeyKind;
  /** Further variables beside `RECORDUPLOAD_…`, the stronger first. */
  aliases: readonly string[];
  /** Its value is never shown. */
  secret: boolean;
  /** What the key decides about. A file of the working folder may set such a key only if it is trusted. */
  steers?: Steers | undefined;
}

function key(path: string, options: Partial<Omit<Key, 'path'>> = {}): Key {
  return { path, kind: 'text', aliases: [], secret: false, ...options };
}

const secret = { secret: true };

/** The fields of one endpoint, in `webhook` and in each entry of `webhooks`. */
export const ENDPOINT_KEYS: readonly Key[] = [
  key('url', { aliases: ['WEBHOOK_URL'], steers: 'endpoint' }),
  key('token', { aliases: ['WEBHOOK_TOKEN'], ...secret }),
  key('tokenFile', { aliases: ['WEBHOOK_TOKEN_FILE'], steers: 'file' }),
  key('secret', { aliases: ['WEBHOOK_SECRET'], ...secret }),
  key('secretFile', { aliases: ['WEBHOOK_SECRET_FILE'], steers: 'file' }),
  key('secrets', { kind: 'list', ...secret }),
  key('enabled', { kind: 'switch' }),
];

/** All keys except the list `webhooks`, whose entries have the fields of `ENDPOINT_KEYS` and a name. */
export const KEYS: readonly Key[] = [
  key('endpoint', { steers: 'keys' }),
  key('region', { aliases: ['AWS_REGION'] }),
  key('bucket'),
  key('publicBaseUrl', { steers: 'all' }),
  key('accessKeyId', { aliases: ['AWS_ACCESS_KEY_ID'], ...secret }),
  key('accessKeyIdFile', { steers: 'file' }),
  key('secretAccessKey', { aliases: ['AWS_SECRET_ACCESS_KEY'], ...secret }),
  key('secretAccessKeyFile', { steers: 'file' }),
  key('sessionToken', { aliases: ['AWS_SESSION_TOKEN'], ...secret }),
  key('awsProfile', { aliases: ['AWS_PROFILE'], steers: 'file' }),
  key('user.name'),
  key('user.email'),
  ...ENDPOINT_KEYS.map(field => ({ ...field, path: `webhook.${field.path}` })),
  key('stateDir', { steers: 'all' }),
  key('logFile', { steers: 'all' }),
  key('stateUrl', { steers: 'state', ...secret }),
  key('stateUrlFile', { steers: 'file' }),
  key('machine', { steers: 'state' }),
  key('sharedFolders', { kind: 'switch', steers: 'state' }),
  key('acl', { steers: 'keys' }),
  key('storageClass'),
  key('cacheControl'),
  key('uploadSource'),
  key('extraFiles', { kind: 'list' }),
  key('idPrefix'),
  key('allowInsecure', { kind: 'switch', steers: 'all' }),
  key('concurrency', { kind: 'number' }),
  key('bwlimit'),
  key('uploadRetryBudget'),
  key('settle'),
  key('watch.roots', { kind: 'list', steers: 'all' }),
  key('watch.marker', { steers: 'all' }),
  key('watch.quiet'),
  key('watch.liveBandwidth'),
  key('dashboard.listen', { steers: 'all' }),
  key('dashboard.url', { steers: 'all' }),
  key('dashboard.tokenFile', { steers: 'file' }),
  key('dashboard.tlsCert', { steers: 'file' }),
  key('dashboard.tlsKey', { steers: 'file' }),
  key('dashboard.trustedProxies', { kind: 'list', steers: 'all' }),
  key('alerts', { kind: 'list', steers: 'alerts' }),
  key('deleteAfter', { steers: 'files' }),
  key('webhookConcurrency', { kind: 'number' }),
  key('caFile', { steers: 'all' }),
];

/** `webhook.tokenFile` → `WEBHOOK_TOKEN_FILE`. */
export function upperSnake(path: string): string {
  return path
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[.-]/g, '_')
    .toUpperCase();
}

/** The variables that set a key, the stronger first: `RECORDUPLOAD_…`, then its aliases. */
export function variablesOf(key: Pick<Key, 'path' | 'aliases'>): string[] {
  return [`RECORDUPLOAD_${upperSnake(key.path)}`, ...key.aliases];
}

/** True where the last name of a path (`webhooks.0.token`, `webhook.secrets.1`) is a secret's. */
export function isSecretPath(path: readonly PropertyKey[]): boolean {
  const names = path.filter(part => typeof part === 'string' && !/^\d+$/.test(part));
  return SECRET_NAMES.has(String(names.at(-1)));
}

const SECRET_NAMES = new Set(KEYS.filter(entry => entry.secret).map(entry => entry.path.split('.').at(-1)));

/** True for variables that carry a secret themselves (not the path of a file with one). */
export function isSecretVariable(name: string): boolean {
  if (name === 'RECORDUPLOAD_ALERTS') return true;
  if (KEYS.some(entry => entry.secret && variablesOf(entry).includes(name))) return true;
  return /^RECORDUPLOAD_WEBHOOKS_.+_(?:TOKEN|SECRET|SECRETS)$/.test(name);
}

import path from 'node:path';
import type { Config } from './config.ts';
import type { DashboardValues } from './dashboard.ts';
import { KEYS } from './keys.ts';
import { type Origin, originOf } from './origins.ts';
import { type Machine, resolvePath, userFolders } from './paths.ts';
import { DEFAULTS, settingsSchema } from './schema.ts';
import { nest } from './sources/nested.ts';
import { type Setting, settingsOf } from './sources/setting.ts';
import { isInsecure, withoutBucket, withoutTrailingSlash } from './urls.ts';

type Plain = Omit<
  Config,
  | 'credentials'
  | 'credentialsProblem'
  | 'webhooks'
  | 'alerts'
  | 'heartbeatUrls'
  | 'dashboard'
  | 'stateUrl'
  | 'machine'
  | 'isMachineNamed'
>;
/** All values but those that have a module of their own; what the dashboard's files hold is read later. */
export type Values = Plain & { dashboard: DashboardValues };

/**
 * Resolves all values that are neither secrets nor part of an endpoint, each with its origin.
 * @param settings of all sources, each checked
 * @param problems gets one line for each value that does not fit the others
 */
export function resolveValues(
  settings: readonly Setting[],
  machine: Machine,
  problems: string[],
): { values: Values; machineName: string | undefined; origins: Origin[] } {
  const winners = KEYS.filter(key => !key.path.startsWith('webhook.')).flatMap(key =>
    settingsOf(settings, key.path).slice(0, 1),
  );
  const merged = settingsSchema.parse(
    winners.reduce<object>((data, { path, value }) => merge(data, nest(path, value)), {}),
  );
  const pathOf = (key: 'stateDir' | 'logFile' | 'caFile'): string | undefined => {
    const [setting] = settingsOf(settings, key);
    return setting && resolvePath(String(setting.value), setting.folder, machine.home);
  };
  // The provider issues keys for one region, so users who name the region need not name the endpoint.
  const endpoint = withoutTrailingSlash(merged.endpoint ?? `https://s3.${merged.region}.idrivee2.com`);
  if (isInsecure(endpoint) && !merged.allowInsecure) {
    const [setting] = settingsOf(settings, 'endpoint');
    problems.push(`${setting?.where}: http:// would send recordings in the clear: use https://, or set allowInsecure`);
  }
  const bare = merged.endpoint === undefined ? undefined : withoutBucket(endpoint, merged.bucket);
  if (bare !== undefined) {
    const [setting] = settingsOf(settings, 'endpoint');
    problems.push(`${setting?.where}: ${endpoint} already contains the bucket ${merged.bucket}: use ${bare}`);
  }
  const stateDir = pathOf('stateDir') ?? userFolders(machine).state;
  const values: Values = {
    endpoint,
    region: merged.region,
    bucket: merged.bucket,
    publicBaseUrl: withoutTrailingSlash(merged.publicBaseUrl ?? endpoint),
    user: merged.user,
    stateDir,
    logFile: pathOf('logFile') ?? path.join(stateDir, 'logs', 'app.log'),
    sharedFolders: merged.sharedFolders,
    acl: merged.acl,
    storageClass: merged.storageClass,
    cacheControl: merged.cacheControl,
    uploadSource: merged.uploadSource,
    extraFiles: merged.extraFiles,
    idPrefix: merged.idPrefix,
    allowInsecure: merged.allowInsecure,
    concurrency: merged.concurrency,
    bwlimit: merged.bwlimit,
    uploadRetryBudgetMs: merged.uploadRetryBudget,
    settleMs: merged.settle,
    watch: {
      roots: watchRoots(settings, machine.home),
      marker: merged.watch.marker,
      quietMs: merged.watch.quiet,
      liveBandwidth: merged.watch.liveBandwidth,
    },
    dashboard: merged.dashboard,
    deleteAfterMs: merged.deleteAfter.ms,
    webhookConcurrency: merged.webhookConcurrency,
    caFile: pathOf('caFile'),
  };
  const shown: Record<string, unknown> = {
    ...values,
    'user.name': merged.user.name,
    'user.email': merged.user.email,
    // Shown as the user wrote them.
    bwlimit: settingsOf(settings, 'bwlimit')[0]?.value,
    uploadRetryBudget: settingsOf(settings, 'uploadRetryBudget')[0]?.value ?? DEFAULTS.uploadRetryBudget,
    settle: settingsOf(settings, 'settle')[0]?.value ?? DEFAULTS.settle,
    'watch.roots': values.watch.roots,
    'watch.marker': values.watch.marker,
    'watch.quiet': settingsOf(settings, 'watch.quiet')[0]?.value ?? DEFAULTS.watchQuiet,
    'watch.liveBandwidth': settingsOf(settings, 'watch.liveBandwidth')[0]?.value,
    deleteAfter: settingsOf(settings, 'deleteAfter')[0]?.value ?? DEFAULTS.deleteAfter,
  };
  const origins = KEYS.filter(key => key.path in shown).map(key =>
    originOf(key.path, shown[key.path], settingsOf(settings, key.path)),
  );
  return { values, machineName: merged.machine, origins };
}

/** Relative ones start at the folder of their source. */
function watchRoots(settings: readonly Setting[], home: string): string[] {
  const [setting] = settingsOf(settings, 'watch.roots');
  if (!setting) return [];
  return (setting.value as readonly string[]).map(root => resolvePath(root, setting.folder, home));
}

function merge(data: object, more: unknown): object {
  const merged: Record<string, unknown> = { ...data };
  for (const [name, value] of Object.entries(more as object)) {
    const before = merged[name];
    const both = typeof before === 'object' && before !== null && typeof value === 'object' && !Array.isArray(value);
    merged[name] = both ? merge(before, value) : value;
  }
  return merged;
}

import { AppError, hasErrorCode } from '../core/errors.ts';
import { encodingOf, SAVE_AS_UTF8 } from '../core/file-text.ts';
import { readSmallFile, Unreadable } from '../core/read-file.ts';
import { resolveAlerts } from './alerts.ts';
import { ignoresEndpoints, settingsFromProfile } from './aws-settings.ts';
import type { Config } from './config.ts';
import { resolveCredentials } from './credentials.ts';
import { resolveDashboard } from './dashboard.ts';
import { resolveEndpoints } from './endpoints.ts';
import { resolveFleet } from './fleet.ts';
import { KEYS } from './keys.ts';
import type { LookedAt, Origin } from './origins.ts';
import { type Machine, machineOf } from './paths.ts';
import { checkSettings } from './problems.ts';
import { resolveValues } from './resolve-values.ts';
import type { ReadProfile } from './sources/aws-profile.ts';
import { KNOWN_VARIABLES, unknownVariables } from './sources/environment.ts';
import { readSources, type Sources } from './sources/read-sources.ts';
import { type Setting, settingsOf } from './sources/setting.ts';
import { closest } from './suggest.ts';
import {
  flawOfNaming,
  flawOfPlace,
  flawOfRemoval,
  flawOfSteering,
  type SecretUse,
  type Steered,
} from './trust/steering.ts';

/** Where `loadConfig` looks. */
export interface LoadOptions {
  cwd: string;
  env: NodeJS.ProcessEnv;
  /** Replaces the project's file; has to exist. */
  configFile?: string | undefined;
  /** The strongest source, by key: `{ 'user.email': 'ada@example.com' }`; undefined ones count as not given. */
  flags?: Readonly<Record<string, unknown>> | undefined;
  /** Report untrusted values in `distrusted` instead of failing. Callers must not use any secret then. */
  evenUntrusted?: boolean | undefined;
  /**
   * For commands that only read the state or the log: what is wrong with secrets is a warning, and untrusted values count.
   * Callers must not use any secret then.
   */
  withoutSecrets?: boolean | undefined;
  /** This machine's, unless a test says otherwise. */
  machine?: Partial<Omit<Machine, 'env'>> | undefined;
}

/** The configuration, and the source of each value. */
export interface LoadedConfig {
  config: Config;
  origins: Origin[];
  /** The files that were looked for, the weakest first. */
  files: LookedAt[];
  /** With `evenUntrusted`: one line for each value that counts only if its file is trusted. */
  distrusted: string[];
  /** One line each: variables that look like ours and are not, and secrets that a stronger source beats. */
  warnings: string[];
}

/**
 * Loads the configuration: defaults, the user's file, the project's, `.env`, the environment, flags, in rising precedence.
 * @throws AppError `CONFIG` with one line per problem, all of them; secrets are never shown
 */
export async function loadConfig(options: LoadOptions): Promise<LoadedConfig> {
  const { cwd, configFile, flags = {}, evenUntrusted = false, withoutSecrets = false } = options;
  const machine = machineOf(options.env, options.machine);
  const problems: string[] = [];
  const secretProblems: string[] = withoutSecrets ? [] : problems;
  const beaten: string[] = [];
  const read = await readSources({ cwd, machine, configFile, flags }, { problems, secretProblems });
  const { variables, files } = read;
  const distrusted: string[] = [];
  const profile = await readProfile(read.settings, cwd, machine, distrusted);
  const settings = withAwsSettings(read, profile, cwd, problems);
  const { values, machineName, origins } = resolveValues(settings, machine, problems);
  const caFlaw = values.caFile === undefined ? undefined : await flawOfCaFile(values.caFile);
  if (caFlaw !== undefined) {
    const [setting] = settingsOf(settings, 'caFile');
    problems.push(`${setting?.where}: ${values.caFile} ${caFlaw}`);
  }
  const { allowInsecure } = values;
  const endpoints = await resolveEndpoints({
    settings,
    variables,
    machine,
    allowInsecure,
    problems,
    secretProblems,
    distrusted,
    warnings: beaten,
  });
  const ofDashboard = { values: values.dashboard, distrusted, warnings: beaten };
  const dashboard = await resolveDashboard(settings, machine, ofDashboard);
  // Commands that only read the state need its URL, too.
  const stateProblems = { problems, distrusted: withoutSecrets ? problems : distrusted, warnings: beaten };
  const { fleet, origins: ofFleet } = await resolveFleet(settings, machine, machineName, stateProblems);
  const keys = await resolveCredentials({
    settings,
    profile,
    machine,
    problems: secretProblems,
    distrusted,
    warnings: beaten,
  });
  const alerts = resolveAlerts(settings, { allowInsecure, problems, distrusted });
  const found = await findDistrusted(settings, [...endpoints.steered], keys.secrets, machine);
  distrusted.push(...found.distrusted);
  // Not even a command that only reads looks at a state or a log that somebody else's file names.
  if (withoutSecrets) problems.push(...found.misplaced);
  if (!evenUntrusted && !withoutSecrets) problems.push(...distrusted);
  if (problems.length > 0) throw new AppError('CONFIG', [...new Set(problems)].join('\n'));

  const names = endpoints.webhooks.map(endpoint => endpoint.name);
  const unknown = variables.flatMap(one =>
    unknownVariables(one, names).map(name => {
      const meant = closest(name, KNOWN_VARIABLES);
      return `${one.sourceOf(name)}: sets nothing${meant === undefined ? '' : ` (did you mean ${meant}?)`}`;
    }),
  );
  return {
    config: {
      ...values,
      ...fleet,
      credentials: keys.credentials,
      credentialsProblem: keys.credentialsProblem,
      webhooks: endpoints.webhooks,
      alerts: alerts.alerts,
      heartbeatUrls: alerts.heartbeatUrls,
      dashboard: dashboard.dashboard,
    },
    origins: inOrder([
      ...origins,
      ...keys.origins,
      ...alerts.origins,
      ...dashboard.origins,
      ...ofFleet,
      ...endpoints.origins,
    ]),
    files,
    distrusted,
    warnings: [...(withoutSecrets ? [...new Set([...secretProblems, ...distrusted])] : []), ...beaten, ...unknown],
  };
}

/**
 * Returns one line for each value of the working folder's files that counts only if the file is trusted, and those among
 * them that place the state or the log outside of the folder.
 */
async function findDistrusted(
  settings: readonly Setting[],
  endpoints: readonly Steered[],
  keys: readonly SecretUse[],
  { home }: Machine,
): Promise<{ distrusted: string[]; misplaced: string[] }> {
  const all = [...keys, ...endpoints.flatMap(({ secrets }) => secrets)];
  const misplaced: string[] = [];
  const flaws: (string | undefined)[] = endpoints.map(({ by, secrets }) => flawOfSteering(by, secrets));
  for (const { path: key, steers } of KEYS) {
    const [winner] = settingsOf(settings, key);
    // `allowInsecure: false` is the default: it decides nothing.
    if (!winner || winner.value === false) continue;
    if (steers === 'files') flaws.push(flawOfRemoval(winner));
    if (steers === 'keys') flaws.push(flawOfSteering(winner, keys));
    if (steers !== 'all') continue;
    const isPlace = key === 'stateDir' || key === 'logFile';
    const place = isPlace || key === 'watch.roots' ? await flawOfPlace(winner, home) : undefined;
    if (isPlace && place !== undefined) misplaced.push(place);
    flaws.push(flawOfSteering(winner, all) ?? place);
  }
  return { distrusted: flaws.filter(flaw => flaw !== undefined), misplaced };
}

/** Reads the configured AWS profile. The reader is loaded only if there is one. */
async function readProfile(
  settings: readonly Setting[],
  cwd: string,
  machine: Machine,
  distrusted: string[],
): Promise<ReadProfile | undefined> {
  const [named] = settingsOf(settings, 'awsProfile');
  if (!named) return undefined;
  const flaw = flawOfNaming(named);
  if (flaw !== undefined) {
    distrusted.push(flaw);
    return undefined;
  }
  const { readAwsProfile } = await import('./sources/aws-profile.ts');
  return await readAwsProfile(String(named.value), cwd, machine);
}

/** Adds the profile's settings, and removes the endpoints of the AWS tools if the user has switched them off. */
function withAwsSettings(
  { settings, variables }: Sources,
  read: ReadProfile | undefined,
  cwd: string,
  problems: string[],
): Setting[] {
  const profile = read?.ok ? read.profile : undefined;
  const [named] = settingsOf(settings, 'awsProfile');
  const ofProfile = profile && named ? settingsFromProfile(profile, named, cwd, problems) : [];
  const all = [...settings, ...checkSettings(ofProfile, problems)];
  const isLeftOut = ({ path, level }: Setting) => path === 'endpoint' && level === 'aws';
  return ignoresEndpoints(variables, profile) ? all.filter(setting => !isLeftOut(setting)) : all;
}

/** Sorts origins in the order of the documentation; endpoints of a list come last. */
function inOrder(origins: Origin[]): Origin[] {
  const order = KEYS.map(key => key.path);
  const rank = (origin: Origin) => (order.includes(origin.path) ? order.indexOf(origin.path) : order.length);
  return origins.toSorted((a, b) => rank(a) - rank(b));
}

async function flawOfCaFile(file: string): Promise<string | undefined> {
  try {
    const encoding = encodingOf((await readSmallFile(file)).bytes);
    // Comments of other encodings do not matter in PEM.
    return encoding?.startsWith('utf-16') ? `is UTF-16; ${SAVE_AS_UTF8}` : undefined;
  } catch (error) {
    if (error instanceof AppError) throw error;
    if (error instanceof Unreadable) return error.flaw;
    if (hasErrorCode(error, 'EACCES', 'EPERM')) return 'cannot be read: permission denied';
    return 'does not exist or is not a file';
  }
}

import path from 'node:path';
import { hasErrorCode } from '../../core/errors.ts';
import type { LookedAt } from '../origins.ts';
import { displayPath, type Machine, resolvePath, userFolders } from '../paths.ts';
import { checkSettings } from '../problems.ts';
import { readTrusted, realFileOf, trustOf } from '../trust/trusted-files.ts';
import {
  type ConfigFile,
  findConfigFile,
  lookAtPlaces,
  PROJECT_PLACES,
  readConfigFile,
  USER_PLACES,
} from './config-file.ts';
import { readDotenv } from './dotenv.ts';
import { settingsFromVariables, type Variables } from './environment.ts';
import { settingsFromFile } from './file-settings.ts';
import type { Setting } from './setting.ts';

/** The settings of all sources, each source checked separately. */
export interface Sources {
  settings: Setting[];
  variables: Variables[];
  files: LookedAt[];
  /** The files of the working folder that configure something. */
  folderFiles: { file: string; sha256: string }[];
}

/** Where to look. */
export interface Places {
  cwd: string;
  machine: Machine;
  /** The file from `--config`: it replaces the project's file, and must exist. */
  configFile: string | undefined;
  flags: Readonly<Record<string, unknown>>;
}

/** Reads all sources. Wrong values become problems and are left out. */
export async function readSources(
  { cwd, machine, configFile, flags }: Places,
  { problems, secretProblems }: { problems: string[]; secretProblems: string[] },
): Promise<Sources> {
  const fileOptions = { cwd, machine, problems, secretProblems };
  const userFolder = userFolders(machine).config;
  const user = await readFolder(userFolder, USER_PLACES, 'user', fileOptions);
  const project =
    configFile === undefined
      ? await readFolder(cwd, PROJECT_PLACES, 'project', fileOptions, user.file)
      : await readNamed(resolvePath(configFile, cwd, machine.home), fileOptions);

  const found = await readDotenv(cwd, machine, { problems, secretProblems });
  const dotenv = found && {
    ...found,
    ...(await judgeTrust({ file: found.file ?? '', sha256: found.sha256 }, machine)),
  };
  const environment: Variables = {
    level: 'environment',
    trust: 'operator',
    values: machine.env,
    sourceOf: name => name,
    whereOf: name => name,
    folder: cwd,
  };
  const variables = [environment, ...(dotenv ? [dotenv] : [])];
  const [dotenvPlace] = await lookAtPlaces(cwd, ['.env']);
  const dotenvState = dotenv ? 'used' : dotenvPlace?.state === 'absent' ? 'absent' : 'not used';
  return {
    settings: [
      ...checkSettings(flagSettings(flags, cwd), problems),
      ...checkSettings(
        variables.flatMap(one => settingsFromVariables(one, problems)),
        problems,
        { secretProblems },
      ),
      ...project.settings,
      ...user.settings,
    ],
    variables,
    folderFiles: [
      ...(configFile === undefined && project.config ? [project.config] : []),
      ...(found?.file === undefined ? [] : [{ file: found.file, sha256: found.sha256 }]),
    ],
    files: [...user.files, ...project.files, { file: path.join(cwd, '.env'), level: 'dotenv', state: dotenvState }],
  };
}

type FileOptions = Omit<Parameters<typeof settingsFromFile>[1], 'level' | 'found' | 'trust'>;

interface FromFolder {
  settings: Setting[];
  files: LookedAt[];
  file?: string | undefined;
  config?: ConfigFile | undefined;
}

async function readFolder(
  folder: string,
  places: readonly string[],
  level: 'user' | 'project',
  options: FileOptions,
  alreadyRead?: string,
): Promise<FromFolder> {
  const looked = await lookAtPlaces(folder, places);
  // A home that is another user's, as after `su` without a dash.
  const isClosed = looked.every(place => place.state === 'unreadable');
  const unreadable = looked.filter(place => place.state === 'unreadable' && !place.file.endsWith('package.json'));
  for (const file of isClosed ? [folder] : unreadable.map(place => place.file)) {
    options.problems.push(`${displayPath(file, options.cwd)}: cannot be read: permission denied`);
  }
  const isNothing = isClosed || looked.every(place => place.state === 'absent');
  const found = isNothing ? undefined : await findConfigFile(folder, looked);
  // In the user's own configuration folder both searches find the same file.
  const config = found && found.file !== alreadyRead ? found : undefined;
  const trust = (one: ConfigFile) =>
    level === 'user' ? ({ trust: 'operator' } as const) : judgeTrust(one, options.machine);
  return {
    settings: config ? settingsFromFile(config, { ...options, level, found: true, ...(await trust(config)) }) : [],
    files: looked.map(({ file, state }) => ({
      file,
      level,
      state: state === 'absent' ? 'absent' : file === config?.file ? 'used' : 'not used',
    })),
    file: config?.file,
    config,
  };
}

async function readNamed(file: string, options: FileOptions): Promise<FromFolder> {
  let config: ConfigFile;
  try {
    config = await readConfigFile(file);
  } catch (error) {
    if (!hasErrorCode(error, 'ENOENT', 'ENOTDIR', 'EISDIR', 'EACCES', 'EPERM')) throw error;
    const why = hasErrorCode(error, 'ENOENT', 'ENOTDIR')
      ? 'does not exist'
      : `cannot be read: ${hasErrorCode(error, 'EISDIR') ? 'it is a folder' : 'permission denied'}`;
    options.problems.push(`${displayPath(file, options.cwd)}: ${why} (named by --config)`);
    return { settings: [], files: [{ file, level: 'project', state: 'absent' }] };
  }
  return {
    settings: // To name it is to trust it, for this run.
      settingsFromFile(config, { ...options, level: 'project', found: false, trust: 'operator' }),
    files: [{ file, level: 'project', state: 'used' }],
  };
}

/** Whether the operator trusts a file of the folder, as it is now. */
async function judgeTrust({ file, sha256 }: { file: string; sha256: string }, machine: Machine) {
  const realFile = await realFileOf(file);
  return trustOf({ realFile, sha256 }, await readTrusted(machine));
}

/** Flags that have another name than the key that they set. */
const FLAG_NAMES: Readonly<Record<string, string>> = {
  endpoint: '--endpoint-url',
  'webhook.url': '--webhook-url',
  'dashboard.listen': '--listen',
};

function flagSettings(flags: Readonly<Record<string, unknown>>, cwd: string): Setting[] {
  return Object.entries(flags)
    .filter(([, value]) => value !== undefined)
    .map(([path, value]) => ({
      path,
      value,
      level: 'flag' as const,
      trust: 'operator' as const,
      source: 'command line',
      where: FLAG_NAMES[path] ?? `--${path}`,
      folder: cwd,
    }));
}

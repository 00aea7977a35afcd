import path from 'node:path';
import { AppError, hasErrorCode } from '../../core/errors.ts';
import { displayUrl } from '../../core/redact.ts';
import { ENDPOINT_KEYS, KEYS } from '../keys.ts';
import { type Machine, resolvePath } from '../paths.ts';
import { readConfigFile } from '../sources/config-file.ts';
import { readDotenv } from '../sources/dotenv.ts';
import { settingsFromVariables } from '../sources/environment.ts';
import { settingsFromFile } from '../sources/file-settings.ts';
import { readSources } from '../sources/read-sources.ts';
import type { Setting } from '../sources/setting.ts';
import { realFileOf } from './trusted-files.ts';

/** A file that `config trust` is about. */
export interface FolderFile {
  /** Absolute. */
  file: string;
  realFile: string;
  sha256: string;
  /** What it says that counts only if it is trusted: `webhook.url = https://…`. Holds no secret. */
  steers: string[];
}

/**
 * The files of the working folder that configure something.
 * @throws AppError `CONFIG` if they cannot be read, or there are none
 */
export async function readFolderFiles(cwd: string, machine: Machine): Promise<FolderFile[]> {
  const problems: string[] = [];
  const { settings, folderFiles } = await readSources(
    { cwd, machine, configFile: undefined, flags: {} },
    { problems, secretProblems: problems },
  );
  if (problems.length > 0) throw wrong(problems);
  if (folderFiles.length === 0) {
    throw new AppError('CONFIG', 'no configuration file is in this folder', {
      hint: 'name the file: recordupload config trust <file>',
    });
  }
  return await Promise.all(folderFiles.map(one => described(one, settings)));
}

/**
 * A file that is named.
 * @throws AppError `CONFIG` if it cannot be read, or says nothing
 */
export async function readNamedFile(named: string, cwd: string, machine: Machine): Promise<FolderFile> {
  const file = resolvePath(named, cwd, machine.home);
  const problems: string[] = [];
  const read = path.basename(file) === '.env' ? readVariables : readFile;
  const found = await read(file, cwd, machine, problems);
  if (problems.length > 0) throw wrong(problems);
  return await described({ file, sha256: found.sha256 }, found.settings);
}

function wrong(problems: readonly string[]): AppError {
  return new AppError('CONFIG', problems.join('\n'), { hint: 'correct the file first: recordupload config validate' });
}

interface Found {
  sha256: string;
  settings: Setting[];
}

async function readFile(file: string, cwd: string, machine: Machine, problems: string[]): Promise<Found> {
  try {
    const config = await readConfigFile(file);
    const options = {
      level: 'project',
      trust: 'folder',
      found: true,
      cwd,
      machine,
      problems,
      secretProblems: problems,
    } as const;
    return { sha256: config.sha256, settings: settingsFromFile(config, options) };
  } catch (error) {
    if (!hasErrorCode(error, 'ENOENT', 'ENOTDIR', 'EISDIR', 'EACCES', 'EPERM')) throw error;
    const why = hasErrorCode(error, 'ENOENT', 'ENOTDIR') ? 'does not exist' : 'cannot be read';
    throw new AppError('CONFIG', `${file} ${why}`, { hint: 'check the path and its permissions' });
  }
}

async function readVariables(file: string, _cwd: string, machine: Machine, problems: string[]): Promise<Found> {
  const found = await readDotenv(path.dirname(file), machine, { problems, secretProblems: problems });
  if (found) return { sha256: found.sha256, settings: settingsFromVariables(found, problems) };
  throw new AppError('CONFIG', `${file} does not exist, or sets nothing of recordupload`, { hint: 'check the path' });
}

async function described(
  { file, sha256 }: { file: string; sha256: string },
  settings: readonly Setting[],
): Promise<FolderFile> {
  const steers = settings.filter(setting => setting.file === file).flatMap(steeringOf);
  return { file, realFile: await realFileOf(file), sha256, steers };
}

function steeringOf({ path: key, value }: Setting): string[] {
  if (key === 'alerts') return (value as readonly Record<string, unknown>[]).map(alertOf);
  if (key !== 'webhooks') return STEERING.has(key) ? [`${key} = ${shown(key, value)}`] : [];
  return (value as readonly Record<string, unknown>[]).flatMap(entry =>
    ENDPOINT_KEYS.filter(field => field.steers && entry[field.path] !== undefined).map(
      field => `webhooks.${String(entry.name)}.${field.path} = ${shown(field.path, entry[field.path])}`,
    ),
  );
}

/** A command is shown, because whoever trusts the file lets it run; of a URL, which is a secret, only the host is. */
function alertOf({ command, url, heartbeatUrl }: Record<string, unknown>): string {
  if (command !== undefined) return `alerts: run ${String(command)}`;
  return `alerts: tell ${new URL(String(url ?? heartbeatUrl)).host}`;
}

const STEERING = new Set(KEYS.filter(key => key.steers).map(key => key.path));

function shown(key: string, value: unknown): string {
  return /url$|^endpoint$/i.test(key) ? displayUrl(String(value)) : String(value);
}

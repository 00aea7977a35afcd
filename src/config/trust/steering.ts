import { realpath } from 'node:fs/promises';
import path from 'node:path';
import { hasErrorCode } from '../../core/errors.ts';
import { shellQuoted } from '../../core/shell-quoted.ts';
import { resolvePath } from '../paths.ts';
import type { Setting } from '../sources/setting.ts';

/** A secret that is in use, and its source. */
export interface SecretUse {
  /** `webhook.token`, `secretAccessKey`. */
  name: string;
  /** For people: `~/.config/recordupload/config.yaml:3`. */
  source: string;
  /** Undefined: a file in `$CREDENTIALS_DIRECTORY`, which the environment names. */
  setting: Pick<Setting, 'level' | 'file'> | undefined;
}

/** A value, and the secrets whose destination it decides. */
export interface Steered {
  /** Undefined if the value is a default. */
  by: Setting | undefined;
  secrets: SecretUse[];
}

/**
 * Why a value may not steer these secrets: it comes from a folder's file that is not trusted, and one of them comes from
 * elsewhere. Undefined: it may.
 * @param setting the source of the value; undefined if it is a default
 */
export function flawOfSteering(setting: Setting | undefined, secrets: readonly SecretUse[]): string | undefined {
  if (setting?.trust !== 'folder') return undefined;
  const other = secrets.find(secret => !isFromEnvironment(secret) && secret.setting?.file !== setting.file);
  if (!other) return undefined;
  return `${setting.where}: ${distrust(setting)} may not steer ${other.name}, which comes from ${other.source}: ${wayOut(setting)}`;
}

const MAY_NOT: Readonly<Record<string, string>> = {
  awsProfile: 'choose a profile',
  alerts: 'say who gets alerts, or which command runs',
  stateUrl: 'say where the state is kept',
  machine: 'say which machine of a fleet this is',
  sharedFolders: "have another machine's uploads taken over",
};

/** Why a value may not name a file with a secret, or a profile; undefined: it may. Checked before that file is opened. */
export function flawOfNaming(setting: Setting | undefined): string | undefined {
  if (setting?.trust !== 'folder') return undefined;
  const what = MAY_NOT[setting.path] ?? 'name a file to be read as a secret';
  return `${setting.where}: ${distrust(setting)} may not ${what}: ${wayOut(setting)}`;
}

/** Why a value may not have files removed; undefined: it may, or it has none removed. */
export function flawOfRemoval(setting: Setting | undefined): string | undefined {
  if (setting?.trust !== 'folder' || setting.value === 'never') return undefined;
  return `${setting.where}: ${distrust(setting)} may not have local files removed: ${wayOut(setting)}`;
}

/** Why the state, the log or a root may not be there: an untrusted file may only place them inside its own folder. */
export async function flawOfPlace(setting: Setting | undefined, home: string): Promise<string | undefined> {
  if (setting?.trust !== 'folder') return undefined;
  const folder = await realPlace(setting.folder);
  const values: readonly unknown[] = Array.isArray(setting.value) ? setting.value : [setting.value];
  const places = await Promise.all(values.map(value => realPlace(resolvePath(String(value), setting.folder, home))));
  if (places.every(place => place.startsWith(folder + path.sep))) return undefined;
  return `${setting.where}: ${distrust(setting)} may not place it outside of its folder: ${wayOut(setting)}`;
}

/** The path with its links resolved; of a path that does not exist yet, those of its existing part. */
async function realPlace(place: string): Promise<string> {
  try {
    return await realpath(place);
  } catch (error) {
    const parent = path.dirname(place);
    if (parent === place || !hasErrorCode(error, 'ENOENT')) return place;
    return path.join(await realPlace(parent), path.basename(place));
  }
}

function isFromEnvironment({ setting }: SecretUse): boolean {
  return setting === undefined || setting.level === 'environment' || setting.level === 'flag';
}

function distrust({ hasChanged }: Setting): string {
  return hasChanged ? 'this file has changed since you trusted it, and' : 'a file of the working folder';
}

function wayOut({ file = '', folder, level }: Setting): string {
  const name = shellQuoted(path.relative(folder, file));
  const byName = level === 'project' ? `, or give --config ${name}` : '';
  return `if you trust it, run recordupload config trust ${name}${byName}`;
}

import { randomBytes } from 'node:crypto';
import { access, link, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, hasErrorCode } from '../core/errors.ts';
import type { ConfigAnswers, SecretName } from './config-answers.ts';

/** Where a new configuration goes: the file, and the files of its secrets beside it. */
export interface ConfigPlace {
  folder: string;
  file: string;
  secretFiles: Record<SecretName, string>;
}

/** In the working directory: names that nobody else uses. */
export function projectPlace(cwd: string): ConfigPlace {
  return {
    folder: cwd,
    file: '.recorduploadrc',
    secretFiles: {
      token: '.recordupload-token',
      accessKeyId: '.recordupload-access-key-id',
      secretAccessKey: '.recordupload-secret-access-key',
    },
  };
}

/** In the user's own configuration folder. */
export function userPlace(folder: string): ConfigPlace {
  return {
    folder,
    file: 'config.yaml',
    secretFiles: { token: 'webhook-token', accessKeyId: 'access-key-id', secretAccessKey: 'secret-access-key' },
  };
}

const SECRET_KEYS: Record<SecretName, string> = {
  token: 'webhook.tokenFile',
  accessKeyId: 'accessKeyIdFile',
  secretAccessKey: 'secretAccessKeyFile',
};

/** @throws AppError `USAGE` where the file is there already: before anything is asked */
export async function refuseExisting({ folder, file }: ConfigPlace, { force }: { force: boolean }): Promise<void> {
  if (force) return;
  const path = join(folder, file);
  const exists = await access(path).then(
    () => true,
    error => !hasErrorCode(error, 'ENOENT', 'ENOTDIR'),
  );
  if (exists) throw alreadyThere(path);
}

function alreadyThere(path: string): AppError {
  return new AppError('USAGE', `${path} exists, and is left as it is`, { hint: 'replace it with --force' });
}

/**
 * Writes the secrets, each into a file that its owner alone can read, then the configuration that names them.
 * @returns the absolute paths, the configuration's first
 * @throws AppError `USAGE` where one of them exists and `force` is not set; `CONFIG` where they cannot be written
 */
export async function writeConfig(
  place: ConfigPlace,
  { values, secrets }: ConfigAnswers,
  { force }: { force: boolean },
): Promise<string[]> {
  const { folder, file, secretFiles } = place;
  const all = new Map(values);
  for (const name of secrets.keys()) all.set(SECRET_KEYS[name], secretFiles[name]);
  const files = [
    ...[...secrets].map(([name, secret]) => ({ path: join(folder, secretFiles[name]), text: `${secret}\n` })),
    { path: join(folder, file), text: yamlOf(all) },
  ];
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const { path, text } of files) await writePrivate(path, text, { force });
  } catch (error) {
    // Node says ENOENT of a folder that it may not make, on a read-only disk above all.
    if (!hasErrorCode(error, 'EACCES', 'EPERM', 'EROFS', 'ENOENT', 'ENOSPC', 'ENOTDIR', 'EDQUOT')) throw error;
    throw new AppError('CONFIG', `the configuration cannot be written: ${error.message}`, {
      hint: 'run it in a folder that you may write',
      cause: error,
    });
  }
  return files.map(({ path }) => path).reverse();
}

/** All of it or nothing: a new file takes the place of the old one, whose mode and links do not matter. */
async function writePrivate(path: string, text: string, { force }: { force: boolean }): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await writeFile(temporary, text, { mode: 0o600, flag: 'wx' });
    if (force) await rename(temporary, path);
    // Unlike rename, a link never replaces what somebody else has put there meanwhile.
    else await link(temporary, path);
  } catch (error) {
    if (hasErrorCode(error, 'EEXIST')) throw alreadyThere(path);
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

/** `user.email` → a mapping `user` with `email` in it. */
function yamlOf(values: ReadonlyMap<string, string>): string {
  const lines = ['# Configuration of recordupload; every key is explained in .recorduploadrc.example'];
  const groups = new Set<string>();
  for (const [key, value] of values) {
    const [first = '', second] = key.split('.');
    if (second === undefined) lines.push(`${first}: ${scalar(value)}`);
    else if (!groups.has(first)) {
      groups.add(first);
      lines.push(`${first}:`);
      for (const [other, text] of values) {
        if (other.startsWith(`${first}.`)) lines.push(`  ${other.slice(first.length + 1)}: ${scalar(text)}`);
      }
    }
  }
  return `${lines.join('\n')}\n`;
}

/** Plain where YAML takes it for nothing but text; else in double quotes, whose escapes YAML shares with JSON. */
function scalar(text: string): string {
  const isPlain = /^[A-Za-z./][\w./@:+-]*$/.test(text) && !/^(?:true|false|null|yes|no|on|off|[.]\w+)$|:$/i.test(text);
  return isPlain ? text : JSON.stringify(text);
}

import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { access, link, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AppError, hasErrorCode, isSystemError } from '../../../../core/errors.ts';
import { makeFolder } from '../../../../core/make-folder.ts';
import { whyNotWritten } from '../../../../core/write-failure.ts';
import type { ConfigAnswers, SecretName } from './answers.ts';

/** Where a new configuration goes: the file, and the files of its secrets beside it. */
export interface ConfigPlace {
  folder: string;
  /** It is the user's own, where a file counts in every working folder. */
  isOwn: boolean;
  file: string;
  secretFiles: Record<SecretName, string>;
}

/** In the working directory: names that nobody else uses. */
export function projectPlace(cwd: string): ConfigPlace {
  return {
    folder: cwd,
    isOwn: false,
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
    isOwn: true,
    file: 'config.yaml',
    secretFiles: { token: 'webhook-token', accessKeyId: 'access-key-id', secretAccessKey: 'secret-access-key' },
  };
}

const SECRET_KEYS: Record<SecretName, string> = {
  token: 'webhook.tokenFile',
  accessKeyId: 'accessKeyIdFile',
  secretAccessKey: 'secretAccessKeyFile',
};

const FOLDER_HINT = 'run it in a folder that you may write';
const OWN_HINT = 'check that folder, or write into the working folder with --here';

/** Called before anything is asked. @throws AppError `USAGE` if the file exists already */
export async function refuseExisting({ folder, file }: ConfigPlace, { force }: { force: boolean }): Promise<void> {
  if (force) return;
  const path = join(folder, file);
  const exists = await access(path).then(
    () => true,
    error => !hasErrorCode(error, 'ENOENT', 'ENOTDIR'),
  );
  if (exists) throw alreadyExists(path);
}

function alreadyExists(path: string): AppError {
  return new AppError('USAGE', `${path} exists and is not replaced`, { hint: 'replace it with --force' });
}

/**
 * Writes the secrets, each into a file that its owner alone can read, then the configuration that names them.
 * @returns the absolute paths, the configuration's first
 * @throws AppError `USAGE` if one of them exists and `force` is not set; `CONFIG` if they cannot be written
 */
export async function writeConfig(
  place: ConfigPlace,
  { values, secrets }: ConfigAnswers,
  { force }: { force: boolean },
): Promise<string[]> {
  const { folder, file, secretFiles, isOwn } = place;
  const all = new Map(values);
  for (const name of secrets.keys()) all.set(SECRET_KEYS[name], secretFiles[name]);
  const files = [
    ...[...secrets].map(([name, secret]) => ({ path: join(folder, secretFiles[name]), text: `${secret}\n` })),
    { path: join(folder, file), text: yamlOf(all) },
  ];
  const missing = missingFolders(folder);
  const written: string[] = [];
  try {
    makeFolder(folder, 0o700);
    for (const { path, text } of files) {
      await writePrivate(path, text, { force });
      written.push(path);
    }
  } catch (error) {
    // With --force they have replaced older ones, which nothing brings back.
    if (!force) await removeConfig(written);
    for (const made of missing) await rmdir(made).catch(() => {});
    if (!isSystemError(error)) throw error;
    throw new AppError(
      'CONFIG',
      `the configuration cannot be written: ${folder}: ${whyNotWritten(error, join(folder, file))}`,
      {
        hint: hasErrorCode(error, 'ENOSPC', 'EDQUOT') ? 'make room there' : isOwn ? OWN_HINT : FOLDER_HINT,
        cause: error,
      },
    );
  }
  return files.map(({ path }) => path).reverse();
}

/** Removes files that were just written. */
export async function removeConfig(files: readonly string[]): Promise<void> {
  for (const file of files) await rm(file, { force: true });
}

/** The folder and those above it that do not exist, the innermost first. */
function missingFolders(folder: string): string[] {
  return existsSync(folder) || dirname(folder) === folder ? [] : [folder, ...missingFolders(dirname(folder))];
}

/** Writes all of it or nothing: a new file replaces the old one, whatever the mode and links of that. */
async function writePrivate(path: string, text: string, { force }: { force: boolean }): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await writeFile(temporary, text, { mode: 0o600, flag: 'wx' });
    if (force) await rename(temporary, path);
    // Unlike rename, link never replaces a file that somebody else has created meanwhile.
    else await link(temporary, path);
  } catch (error) {
    if (hasErrorCode(error, 'EEXIST')) throw alreadyExists(path);
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

/** Plain if YAML can only read it as text; otherwise in double quotes, whose escapes are those of JSON. */
function scalar(text: string): string {
  const isPlain = /^[A-Za-z./][\w./@:+-]*$/.test(text) && !/^(?:true|false|null|yes|no|on|off|[.]\w+)$|:$/i.test(text);
  return isPlain ? text : JSON.stringify(text);
}

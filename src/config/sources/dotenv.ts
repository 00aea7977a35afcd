import path from 'node:path';
import { parseEnv } from 'node:util';
import { hasErrorCode } from '../../core/errors.ts';
import { type ReadFile, readSmallFile, Unreadable } from '../../core/read-file.ts';
import { isSecretVariable } from '../keys.ts';
import { displayPath, type Machine } from '../paths.ts';
import { flawOfPrivacy, flawOfTrust } from '../permissions.ts';
import { hashOf } from '../trust/trusted-files.ts';
import { KNOWN_VARIABLES, type Variables } from './environment.ts';

/** What `.env` in the working directory sets; undefined where there is none, or it is no concern of ours. */
export async function readDotenv(
  cwd: string,
  machine: Machine,
  problems: string[],
): Promise<(Variables & { sha256: string }) | undefined> {
  const file = path.join(cwd, '.env');
  let read: ReadFile;
  try {
    read = await readSmallFile(file);
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT', 'ENOTDIR', 'EISDIR')) return undefined;
    if (error instanceof Unreadable) problems.push(`.env: ${error.flaw}`);
    else problems.push(`.env: cannot be read: ${hasErrorCode(error, 'EACCES') ? 'permission denied' : String(error)}`);
    return undefined;
  }
  const text = read.bytes.toString('utf8');
  const values = parseEnv(text.replace(/^\ufeff/, ''));
  // Working directories have `.env` files for other programs; without one of our names it is not ours to judge.
  const names = Object.keys(values).filter(
    name => values[name] && (KNOWN_VARIABLES.includes(name) || name.startsWith('RECORDUPLOAD_')),
  );
  if (names.length === 0) return undefined;
  const { stats } = read;
  const shown = displayPath(file, cwd);
  const flaw =
    flawOfTrust(stats, shown, machine) ??
    (names.some(isSecretVariable) ? flawOfPrivacy(stats, shown, machine) : undefined);
  if (flaw !== undefined) {
    problems.push(`.env: ${flaw}`);
    return undefined;
  }
  const lines = text.split('\n');
  const lineOf = (name: string) =>
    lines.findLastIndex(line => new RegExp(`^\\s*(?:export\\s+)?${name}\\s*=`).test(line)) + 1;
  return {
    level: 'dotenv',
    trust: 'folder',
    file,
    // What other programs have in it may change.
    sha256: hashOf(JSON.stringify(names.sort().map(name => [name, values[name]]))),
    values,
    sourceOf: name => `.env:${lineOf(name)} (${name})`,
    whereOf: name => `.env: ${name}`,
    folder: cwd,
  };
}

import path from 'node:path';
import { parseEnv } from 'node:util';
import { AppError, hasErrorCode } from '../../core/errors.ts';
import { decodeTextOrAdvise } from '../../core/file-text.ts';
import { type ReadFile, readSmallFile, Unreadable } from '../../core/read-file.ts';
import { isSecretVariable } from '../keys.ts';
import { displayPath, type Machine } from '../paths.ts';
import { flawOfPrivacy, flawOfTrust } from '../permissions.ts';
import { hashOf } from '../trust/trusted-files.ts';
import { KNOWN_VARIABLES, type Variables } from './environment.ts';

/** Reads `.env` in the working directory; undefined if there is none, or if it sets nothing of recordupload. */
export async function readDotenv(
  cwd: string,
  machine: Machine,
  { problems, secretProblems }: { problems: string[]; secretProblems: string[] },
): Promise<(Variables & { sha256: string }) | undefined> {
  const file = path.join(cwd, '.env');
  let read: ReadFile;
  try {
    read = await readSmallFile(file);
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT', 'ENOTDIR', 'EISDIR')) return undefined;
    if (error instanceof AppError) throw error;
    if (error instanceof Unreadable) problems.push(`.env: ${error.flaw}`);
    else problems.push(`.env: cannot be read: ${hasErrorCode(error, 'EACCES') ? 'permission denied' : String(error)}`);
    return undefined;
  }
  const decoded = decodeTextOrAdvise(read.bytes);
  // What is not UTF-8 is read all the same, to know whether it is any concern of ours.
  const text = decoded.ok ? decoded.text : read.bytes.toString('latin1').replace(/^\u00ff\u00fe|^\u00fe\u00ff|\0/g, '');
  const lines = text.split(/\r?\n/);
  const values = withHashes(parseEnv(text), lines);
  // Other programs have `.env` files too. One that sets nothing of recordupload is not checked.
  const names = Object.keys(values).filter(
    name => values[name] && (KNOWN_VARIABLES.includes(name) || name.startsWith('RECORDUPLOAD_')),
  );
  if (names.length === 0) return undefined;
  const { stats } = read;
  const shown = displayPath(file, cwd);
  const flaw = (decoded.ok ? undefined : decoded.flaw) ?? flawOfTrust(stats, shown, machine);
  if (flaw !== undefined) {
    problems.push(`.env: ${flaw}`);
    return undefined;
  }
  const leak = names.some(isSecretVariable) ? flawOfPrivacy(stats, shown, machine) : undefined;
  if (leak !== undefined) secretProblems.push(`.env: ${leak}`);
  const lineOf = (name: string) => lines.findLastIndex(line => nameIn(line) === name) + 1;
  return {
    level: 'dotenv',
    trust: 'folder',
    file,
    // Only our variables: the file stays trusted if another program's variables change.
    sha256: hashOf(JSON.stringify(names.sort().map(name => [name, values[name]]))),
    values,
    sourceOf: name => `.env:${lineOf(name)} (${name})`,
    whereOf: name => `.env: ${name}`,
    folder: cwd,
  };
}

const LINE = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=(.*)$/;
const nameIn = (line: string) => LINE.exec(line)?.[1];

/**
 * The values with the `#` that belong to them. Node cuts a value without quotes at its first `#`; a shell, and most other
 * readers of such files, take `#` for a comment only behind white space, and a token may contain one.
 */
function withHashes(values: NodeJS.Dict<string>, lines: readonly string[]): NodeJS.Dict<string> {
  const whole = { ...values };
  for (const line of lines) {
    const [, name = '', rest = ''] = LINE.exec(line) ?? [];
    const value = rest.replace(/(^|\s)\s*#.*$/, '').trim();
    const isCut = rest.trimStart().startsWith('#') ? rest.startsWith('#') : /\S#/.test(value);
    const text = rest.startsWith('#') ? rest.replace(/\s+#.*$/, '').trim() : value;
    // A quoted value is as Node reads it; so is a line inside of one that has several lines.
    if (isCut && !/^\s*["'`]/.test(rest) && text.split('#')[0]?.trim() === values[name]) whole[name] = text;
  }
  return whole;
}

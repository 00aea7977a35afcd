import path from 'node:path';
import { KEYS } from '../keys.ts';
import { displayPath, type Machine } from '../paths.ts';
import { flawOfPrivacy, flawOfTrust } from '../permissions.ts';
import { checkData } from '../problems.ts';
import type { Trust } from '../trust/levels.ts';
import type { ConfigFile } from './config-file.ts';
import { valueAt, withoutNulls } from './nested.ts';
import type { Setting } from './setting.ts';

/**
 * The settings from a configuration file. Wrong values become problems and are left out.
 * @param options.found the file was found by its name; false if the user named it
 */
export function settingsFromFile(
  config: ConfigFile,
  options: {
    level: 'user' | 'project';
    trust: Trust;
    hasChanged?: boolean;
    found: boolean;
    cwd: string;
    machine: Machine;
    problems: string[];
    /** Gets what is wrong with secrets, and with who can read them. */
    secretProblems: string[];
  },
): Setting[] {
  const { level, trust, hasChanged, found, cwd, machine, problems, secretProblems } = options;
  const shown = displayPath(config.file, cwd);
  const distrust = found ? flawOfTrust(config.stats, shown, machine) : undefined;
  if (distrust !== undefined) {
    problems.push(`${shown}: ${distrust}`);
    return [];
  }
  if (config.flaw !== undefined) {
    // `file:line:column`-like, so that editors and terminals can open it.
    const place = /^line (\d+), column (\d+): /.exec(config.flaw);
    const rest = place ? config.flaw.slice(place[0].length) : config.flaw;
    problems.push(place ? `${shown}: line ${place[1]}: ${rest} (column ${place[2]})` : `${shown}: ${rest}`);
    return [];
  }
  const data = withoutNulls(config.data);
  if (data === undefined || data === null) return [];
  if (hasSecret(data)) {
    const flaw = flawOfPrivacy(config.stats, shown, machine);
    if (flaw !== undefined) secretProblems.push(`${shown}: ${flaw}`);
  }
  const place = (shownPath: string) => {
    const names = shownPath.replace(/\[(\d+)\]/g, '.$1').split('.');
    // A missing key has no line; the mapping that lacks it has one.
    const paths = names.map((_, index) => names.slice(0, names.length - index).join('.'));
    const [line] = paths.flatMap(keyPath => config.lineOf(keyPath) ?? []);
    return line === undefined ? shown : `${shown}: line ${line}`;
  };
  const at = (keyPath: string) => (keyPath === '' ? shown : `${place(keyPath)}: ${keyPath}`);
  const { bad } = checkData(data, at, problems, secretProblems);
  const sourceOf = (keyPath: string) => {
    const line = config.lineOf(keyPath);
    return line === undefined ? shown : `${shown}:${line}`;
  };
  const isBad = (keyPath: string) => bad.some(path => path === keyPath || path.startsWith(`${keyPath}.`));
  return [...KEYS.map(key => key.path), 'webhooks'].flatMap(keyPath => {
    const value = valueAt(data, keyPath.split('.'));
    if (value === undefined || isBad(keyPath)) return [];
    const where = `${shown}: ${keyPath}`;
    const folder = path.dirname(config.file);
    const { file } = config;
    return [
      { path: keyPath, value, level, trust, hasChanged, file, source: sourceOf(keyPath), where, folder, sourceOf },
    ];
  });
}

function hasSecret(data: unknown): boolean {
  if (KEYS.some(key => key.secret && valueAt(data, key.path.split('.')) !== undefined)) return true;
  const holds = (list: string, names: readonly string[]) => {
    const entries = valueAt(data, [list]);
    return Array.isArray(entries) && entries.some(entry => names.some(name => valueAt(entry, [name]) !== undefined));
  };
  return holds('webhooks', ['token', 'secret', 'secrets']) || holds('alerts', ['url', 'heartbeatUrl']);
}

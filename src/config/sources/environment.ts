import { ENDPOINT_KEYS, KEYS, type Key, upperSnake, variablesOf } from '../keys.ts';
import type { Trust } from '../trust/levels.ts';
import type { Level, Setting } from './setting.ts';

/** Variables, from the process or from a `.env` file. */
export interface Variables {
  level: Level & ('environment' | 'dotenv');
  trust: Trust;
  /** The `.env` file; undefined for the environment. */
  file?: string | undefined;
  /** The file was trusted with other content. */
  hasChanged?: boolean | undefined;
  values: Readonly<Record<string, string | undefined>>;
  /** A variable's name as the source of a value, and at the start of a problem. */
  sourceOf: (name: string) => string;
  whereOf: (name: string) => string;
  folder: string;
}

/** Variables of the AWS tools, used if none of ours sets the key; the stronger first. */
const AWS_FALLBACKS: Readonly<Record<string, string[]>> = {
  endpoint: ['AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL'],
  region: ['AWS_DEFAULT_REGION'],
};

/** The settings from variables. Values that cannot be parsed become problems. */
export function settingsFromVariables(variables: Variables, problems: string[]): Setting[] {
  const settings = KEYS.flatMap(key => readKey(key, key.path, variablesOf(key), variables, problems));
  const aws = Object.entries(AWS_FALLBACKS).flatMap(([path, names]) =>
    readKey({ ...plainKey, path }, path, names, variables, problems),
  );
  return [...settings, ...aws.map(setting => ({ ...setting, level: 'aws' as const }))];
}

/** What `RECORDUPLOAD_WEBHOOKS_<NAME>_…` set for one endpoint of the list, with the fields' names as paths. */
export function endpointSettingsFromVariables(name: string, variables: Variables, problems: string[]): Setting[] {
  return ENDPOINT_KEYS.flatMap(key => readKey(key, key.path, [endpointVariable(name, key)], variables, problems));
}

/** `ops` and `tokenFile` → `RECORDUPLOAD_WEBHOOKS_OPS_TOKEN_FILE`. */
export function endpointVariable(name: string, field: Pick<Key, 'path'>): string {
  return `RECORDUPLOAD_WEBHOOKS_${upperSnake(name)}_${upperSnake(field.path)}`;
}

/** Variables that look like ours but set nothing; users are warned, because a misspelt name has no effect. */
export function unknownVariables(variables: Variables, endpointNames: readonly string[]): string[] {
  const known = new Set([
    ...KEYS.flatMap(variablesOf),
    ...endpointNames.flatMap(name => ENDPOINT_KEYS.map(key => endpointVariable(name, key))),
  ]);
  return Object.keys(variables.values).filter(
    name => name.startsWith('RECORDUPLOAD_') && variables.values[name] && !known.has(name) && !OURS.has(name),
  );
}

/** All variables that can set something: for suggestions, and to find out whether a `.env` file is for recordupload. */
export const KNOWN_VARIABLES: readonly string[] = [
  ...KEYS.flatMap(variablesOf),
  ...Object.values(AWS_FALLBACKS).flat(),
];

/** The launcher's own. */
const OURS = new Set(['RECORDUPLOAD_HANDED_OVER']);

const plainKey: Omit<Key, 'path'> = { kind: 'text', aliases: [], secret: false };

function readKey(key: Key, path: string, names: string[], variables: Variables, problems: string[]): Setting[] {
  const settings: Setting[] = [];
  for (const name of names) {
    const text = variables.values[name];
    if (text === undefined || text === '') continue;
    const where = variables.whereOf(name);
    const value = parse(text, key);
    if (value === undefined) {
      const expected = key.kind === 'number' ? 'a number' : 'true or false';
      problems.push(`${where}: expected ${expected}, got ${JSON.stringify(text)}`);
      continue;
    }
    const { level, trust, file, hasChanged, folder } = variables;
    const source = variables.sourceOf(name);
    settings.push({ path, value, level, trust, file, hasChanged, source, where, variable: name, folder });
  }
  return settings;
}

function parse(text: string, { kind }: Pick<Key, 'kind'>): unknown {
  switch (kind) {
    case 'text':
      return text;
    case 'number':
      return /^\s*-?\d+(?:\.\d+)?\s*$/.test(text) ? Number(text) : undefined;
    case 'switch':
      if (/^(?:true|1|yes|on)$/i.test(text.trim())) return true;
      return /^(?:false|0|no|off)$/i.test(text.trim()) ? false : undefined;
    case 'list':
      return splitList(text);
  }
}

/** `a, b` or a JSON list; commas inside braces belong to a glob such as `notes.{md,pdf}`. */
function splitList(text: string): unknown[] {
  if (text.trimStart().startsWith('[')) {
    try {
      const list: unknown = JSON.parse(text);
      if (Array.isArray(list)) return list;
    } catch {
      // A glob may begin with a bracket too.
    }
  }
  return text
    .split(/,(?![^{]*\})/)
    .map(item => item.trim())
    .filter(item => item !== '');
}

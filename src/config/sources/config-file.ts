import type { Stats } from 'node:fs';
import { access, constants, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Loader, PublicExplorer } from 'cosmiconfig';
// Not by cosmiconfig(): that first looks for `.config/config.js` and the like in the working directory, and runs it.
import * as explorer from 'cosmiconfig/dist/Explorer.js';
import { hasErrorCode } from '../../core/errors.ts';
import { findJsonFlaw } from '../../core/json-flaw.ts';

const NAME = 'recordupload';
const LARGEST_FILE_BYTES = 1024 * 1024;

/** Where a project's configuration is looked for, in the working directory only: the first that has any is used. */
export const PROJECT_PLACES = [`.${NAME}rc`, `.${NAME}rc.json`, `.${NAME}rc.yaml`, `.${NAME}rc.yml`, 'package.json'];

/** Where the user's configuration is looked for, in the user's configuration folder. */
export const USER_PLACES = ['config.yaml', 'config.yml', 'config.json', `.${NAME}rc`];

/** A configuration file as it was read. */
export interface ConfigFile {
  file: string;
  stats: Stats;
  /** What it says; undefined where it says nothing, or cannot be parsed. */
  data: unknown;
  /** The line of a value, by its path; undefined where it cannot be told. */
  lineOf: (path: string) => number | undefined;
  /** Why it cannot be parsed; its text is not repeated, it may be a secret. */
  flaw: string | undefined;
}

/** What our loaders hand through cosmiconfig; wrapped, so that its `$import` finds nothing to follow. */
interface Parsed {
  data?: unknown;
  text: string;
  prefix: string;
  flaw?: string;
}

/** The first of `places` in `folder` that holds configuration; undefined: none does. */
export async function findConfigFile(folder: string, places: readonly string[]): Promise<ConfigFile | undefined> {
  const result = await explorerFor(places).search(folder);
  return result ? await configFile(result.filepath, result.config as Parsed) : undefined;
}

/**
 * A file given by name.
 * @throws the system's error where it cannot be read
 */
export async function readConfigFile(file: string): Promise<ConfigFile> {
  const result = await explorerFor([]).load(file);
  const empty: Parsed = { text: '', prefix: '' };
  return await configFile(file, (result?.config as Parsed | undefined) ?? empty);
}

/** What is at each of the places: cosmiconfig passes over files that we may not read in silence. */
export async function lookAtPlaces(
  folder: string,
  places: readonly string[],
): Promise<{ file: string; state: 'present' | 'absent' | 'unreadable' }[]> {
  return await Promise.all(
    places.map(async place => {
      const file = path.join(folder, place);
      try {
        await access(file, constants.R_OK);
        return { file, state: 'present' as const };
      } catch (error) {
        return { file, state: hasErrorCode(error, 'EACCES', 'EPERM') ? ('unreadable' as const) : ('absent' as const) };
      }
    }),
  );
}

async function configFile(file: string, { data, text, prefix, flaw }: Parsed): Promise<ConfigFile> {
  const { lineNumbers } = await import('./line-numbers.ts');
  let lines: Map<string, number> | undefined;
  const lineOf = (path: string) => {
    lines ??= lineNumbers(text);
    return lines.get(prefix + path);
  };
  return { file, stats: await stat(file), data, lineOf, flaw };
}

function explorerFor(searchPlaces: readonly string[]): PublicExplorer {
  const { Explorer } = explorer as unknown as { Explorer: new (options: object) => PublicExplorer };
  const extensions = ['.js', '.cjs', '.mjs', '.ts', '.cts', '.mts'];
  return new Explorer({
    moduleName: NAME,
    searchPlaces,
    ignoreEmptySearchPlaces: true,
    cache: false,
    transform: (result: unknown) => result,
    loaders: {
      noExt: loadYaml,
      default: loadYaml,
      '.yaml': loadYaml,
      '.yml': loadYaml,
      '.json': loadJson,
      ...Object.fromEntries(extensions.map(extension => [extension, refuseProgram])),
    },
    metaConfigFilePath: null,
    mergeImportArrays: false,
    mergeSearchPlaces: false,
    searchStrategy: 'none',
  });
}

const refuseProgram: Loader = (file, text) =>
  wrap(file, { text, prefix: '', flaw: 'is a program: configuration is data (YAML or JSON) and never executed' });

const loadYaml: Loader = async (file, text) => {
  // Loaded with the first file that needs it.
  const yaml = await import('js-yaml');
  return wrap(
    file,
    parse(text, source => parseYaml(source, yaml)),
  );
};

const loadJson: Loader = (file, text) => wrap(file, parse(text, parseJson));

function parse(source: string, parser: (text: string) => Omit<Parsed, 'text' | 'prefix'>): Parsed {
  const text = source.replace(/^\ufeff/, '');
  if (text.length > LARGEST_FILE_BYTES) return { text: '', prefix: '', flaw: 'is larger than 1 MiB' };
  return { text, prefix: '', ...parser(text) };
}

function parseYaml(
  text: string,
  { loadAll, YAMLException }: typeof import('js-yaml'),
): { data: unknown } | { flaw: string } {
  try {
    const documents = loadAll(text, { maxAliases: 100, maxDepth: 20 });
    return documents.length > 1 ? { flaw: 'holds more than one YAML document' } : { data: documents[0] };
  } catch (error) {
    if (!(error instanceof YAMLException)) return { flaw: 'not valid YAML' };
    const place = error.mark ? `line ${error.mark.line + 1}, column ${error.mark.column + 1}: ` : '';
    // Some reasons quote the text, which may be a secret.
    return { flaw: `${place}not valid YAML: ${error.reason.replace(/["!<].*$/s, '…')}` };
  }
}

function parseJson(text: string): { data: unknown } | { flaw: string } {
  try {
    return { data: JSON.parse(text) };
  } catch {
    return { flaw: `${findJsonFlaw(text) ?? 'line 1'}: not valid JSON` };
  }
}

/** Of a package.json cosmiconfig takes one key; our wrapping has to be inside it. */
function wrap(file: string, parsed: Parsed): Parsed | Record<string, Parsed> {
  if (path.basename(file, path.extname(file)) !== 'package') return parsed;
  const data = parsed.data;
  if (parsed.flaw === undefined && !(isMapping(data) && Object.hasOwn(data, NAME))) return {};
  return { [NAME]: { ...parsed, data: isMapping(data) ? data[NAME] : undefined, prefix: `${NAME}.` } };
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

import type { Stats } from 'node:fs';
import path from 'node:path';
import type { Loader, PublicExplorer } from 'cosmiconfig';
// The public `cosmiconfig()` is not used: it looks for `.config/config.js` in the working directory, and executes it.
import * as explorer from 'cosmiconfig/dist/Explorer.js';
import { AppError, hasErrorCode } from '../../core/errors.ts';
import { decodeTextOrAdvise } from '../../core/file-text.ts';
import { findJsonFlaw } from '../../core/json-flaw.ts';
import { type ReadFile, readSmallFile, Unreadable } from '../../core/read-file.ts';
import { hashOf } from '../trust/trusted-files.ts';

const NAME = 'recordupload';

/** Names of a project's configuration file, in the working directory only; the first that contains any is used. */
export const PROJECT_PLACES = [`.${NAME}rc`, `.${NAME}rc.json`, `.${NAME}rc.yaml`, `.${NAME}rc.yml`, 'package.json'];

/** Names of the user's configuration file, in the user's configuration folder. */
export const USER_PLACES = ['config.yaml', 'config.yml', 'config.json', `.${NAME}rc`];

/** A configuration file as it was read. */
export interface ConfigFile {
  file: string;
  stats: Stats;
  /** Its parsed content; undefined if it is empty or cannot be parsed. */
  data: unknown;
  /** The line of a value, by its path; undefined if it is not known. */
  lineOf: (path: string) => number | undefined;
  /** SHA-256 of its content; of a package.json only of the key `recordupload`. */
  sha256: string;
  /** Why it cannot be parsed. Never quotes the text, which may be a secret. */
  flaw: string | undefined;
}

/** What our loaders return to cosmiconfig: wrapped, so that cosmiconfig finds no `$import` to follow. */
interface Parsed {
  data?: unknown;
  text: string;
  prefix: string;
  flaw?: string;
}

/** A possible configuration file, and what was read from it. */
export interface Place {
  file: string;
  state: 'present' | 'absent' | 'unreadable';
  /** Undefined where there is no file that can be read. */
  read: ReadFile | undefined;
  /** It is a named pipe or the like, or too large. */
  unfit: Unreadable | undefined;
}

/** Finds the first file in a folder that contains configuration; undefined if none does. */
export async function findConfigFile(folder: string, places: readonly Place[]): Promise<ConfigFile | undefined> {
  const reads = new Map(places.flatMap(({ file, read }) => (read ? [[file, read] as const] : [])));
  const names = [...reads.keys()].map(file => path.relative(folder, file));
  const result = names.length > 0 ? await explorerFor(names, reads).search(folder) : null;
  const order = places.map(({ file }) => file);
  const unfit = places.find(place => place.unfit);
  if (unfit?.unfit && !(result && order.indexOf(result.filepath) < order.indexOf(unfit.file))) {
    return await unfitFile(unfit.file, unfit.unfit);
  }
  const read = result && reads.get(result.filepath);
  return read ? await configFile(result.filepath, read.stats, result.config as Parsed) : undefined;
}

/**
 * A file given by name.
 * @throws the system's error where it cannot be read
 */
export async function readConfigFile(file: string): Promise<ConfigFile> {
  let read: ReadFile;
  try {
    read = await readSmallFile(file);
  } catch (error) {
    if (error instanceof Unreadable) return await unfitFile(file, error);
    throw error;
  }
  const result = await explorerFor([], new Map([[file, read]])).load(file);
  const empty: Parsed = { text: '', prefix: '' };
  return await configFile(file, read.stats, (result?.config as Parsed | undefined) ?? empty);
}

/**
 * Reads each possible file once; cosmiconfig's loaders then use these bytes. cosmiconfig itself silently skips files that
 * cannot be read, waits for ever for a named pipe, and does not report the owner of the file that it has read.
 */
export async function lookAtPlaces(folder: string, places: readonly string[]): Promise<Place[]> {
  return await Promise.all(
    places.map(async place => {
      const file = path.join(folder, place);
      const empty = { file, read: undefined, unfit: undefined };
      try {
        return { ...empty, state: 'present' as const, read: await readSmallFile(file) };
      } catch (error) {
        if (error instanceof AppError) throw error;
        if (error instanceof Unreadable) return { ...empty, state: 'present' as const, unfit: error };
        if (hasErrorCode(error, 'EISDIR')) return { ...empty, state: 'present' as const };
        return {
          ...empty,
          state: hasErrorCode(error, 'EACCES', 'EPERM') ? ('unreadable' as const) : ('absent' as const),
        };
      }
    }),
  );
}

async function unfitFile(file: string, { flaw, stats }: Unreadable): Promise<ConfigFile> {
  return await configFile(file, stats, { text: '', prefix: '', flaw });
}

async function configFile(file: string, stats: Stats, { data, text, prefix, flaw }: Parsed): Promise<ConfigFile> {
  const { lineNumbers } = await import('./line-numbers.ts');
  let lines: Map<string, number> | undefined;
  const lineOf = (path: string) => {
    lines ??= lineNumbers(text);
    return lines.get(prefix + path);
  };
  const sha256 = hashOf(prefix === '' ? text : JSON.stringify(data));
  return { file, stats, data, lineOf, sha256, flaw };
}

/** @param reads the bytes of each file that it may find: they count, and not what it reads itself */
function explorerFor(searchPlaces: readonly string[], reads: ReadonlyMap<string, ReadFile>): PublicExplorer {
  const { Explorer } = explorer as unknown as { Explorer: new (options: object) => PublicExplorer };
  const read =
    (loader: Loader): Loader =>
    file => {
      const decoded = decodeTextOrAdvise(reads.get(file)?.bytes ?? Buffer.alloc(0));
      return decoded.ok ? loader(file, decoded.text) : wrap(file, { text: '', prefix: '', flaw: decoded.flaw });
    };
  const extensions = ['.js', '.cjs', '.mjs', '.ts', '.cts', '.mts'];
  return new Explorer({
    moduleName: NAME,
    searchPlaces,
    ignoreEmptySearchPlaces: true,
    cache: false,
    transform: (result: unknown) => result,
    loaders: {
      noExt: read(loadYaml),
      default: read(loadYaml),
      '.yaml': read(loadYaml),
      '.yml': read(loadYaml),
      '.json': read(loadJson),
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

function parse(text: string, parser: (text: string) => Omit<Parsed, 'text' | 'prefix'>): Parsed {
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

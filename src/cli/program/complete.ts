import { GROUPS } from './command.ts';
import type { ArgSpec, CommandSpec, OptionSpec } from './command-spec.ts';
import type { Shell } from './shells.ts';

/** A word that completes the command line. */
export interface Candidate {
  value: string;
  about: string;
}

export interface Completion {
  candidates: Candidate[];
  /** True: the shell also offers file names. */
  files: boolean;
}

export interface CompletionSources {
  shell: Shell;
  commands: readonly CommandSpec[];
  recordingIds(prefix: string): Promise<string[]>;
  endpointNames(): Promise<string[]>;
}

const NOTHING: Completion = { candidates: [], files: false };
const FILES: Completion = { candidates: [], files: true };
const ALWAYS: readonly OptionSpec[] = [
  { flags: '--help', purpose: 'print help' },
  { flags: '--no-color', purpose: 'no colours' },
];

/** Finds what the last of the words after `recordupload` can become. */
export async function complete(typed: readonly string[], sources: CompletionSources): Promise<Completion> {
  const { shell, commands } = sources;
  const all = shell === 'bash' ? joinAtEquals(typed) : [...typed];
  // PowerShell drops empty arguments, so its script appends a character, which is removed here.
  const current = shell === 'powershell' ? (all.pop() ?? '_').slice(0, -1) : (all.pop() ?? '');
  const { names, spec, rest } = findCommand(all, commands);
  const options = [...(spec?.options ?? []), ...ALWAYS];

  const pending = spec && optionOf(all.at(-1), options);
  if (pending && takesValue(pending)) return startingWith(current, await valuesOf(pending, current, sources));
  const [, flag, text] = /^(--[\w-]+)=(.*)$/s.exec(current) ?? [];
  if (flag !== undefined && text !== undefined) {
    const option = optionOf(flag, options);
    const { candidates, files } = option ? await valuesOf(option, text, sources) : NOTHING;
    // For bash, the word starts after the "=".
    const prefix = shell === 'bash' ? '' : `${flag}=`;
    const values = candidates.filter(({ value }) => value.startsWith(text));
    return { candidates: values.map(one => ({ ...one, value: prefix + one.value })), files };
  }
  if (current.startsWith('-') && !all.includes('--')) {
    const used = options.filter(({ flags }) => all.includes(nameOf(flags)) && !flags.includes('...'));
    const free = options.filter(option => !used.includes(option));
    return startingWith(current, listed(free.map(({ flags, purpose }) => ({ value: nameOf(flags), about: purpose }))));
  }
  // The arguments of `help` are the name of another command.
  if (spec?.name === 'help') return startingWith(current, listed(nextNames(rest, commands)));
  if (!spec) return startingWith(current, listed(nextNames(names, commands)));
  const operands = operandsOf(rest, options);
  const argument = spec.args[operands.length] ?? spec.args.findLast(({ name }) => name.includes('...'));
  if (!argument) return NOTHING;
  return startingWith(current, await named(argument, operands, current, sources));
}

/** bash splits words at "=" (`--endpoint`, `=`, `ops`); this joins them again. */
function joinAtEquals(words: readonly string[]): string[] {
  const joined: string[] = [];
  for (const word of words) {
    const last = joined.at(-1);
    if (last?.startsWith('--') && (word === '=' || last.endsWith('='))) joined[joined.length - 1] = last + word;
    else joined.push(word);
  }
  return joined;
}

/** The command that the words name, and the words after its name. */
function findCommand(words: readonly string[], commands: readonly CommandSpec[]) {
  const names: string[] = [];
  for (const [index, word] of words.entries()) {
    if (word.startsWith('-')) continue;
    names.push(word);
    const spec = commands.find(({ name }) => name === names.join(' '));
    if (spec) return { names, spec, rest: words.slice(index + 1) };
  }
  return { names, spec: undefined, rest: [] };
}

/** The next word of each command whose name begins with these words. */
function nextNames(words: readonly string[], commands: readonly CommandSpec[]): Candidate[] {
  const found = new Map<string, string>();
  for (const { name, summary } of commands) {
    const parts = name.split(' ');
    const next = parts[words.length];
    if (next === undefined || words.some((word, index) => word !== parts[index])) continue;
    const isGroup = parts.length > words.length + 1;
    if (!found.has(next)) found.set(next, isGroup ? (GROUPS[next] ?? '') : summary);
  }
  return [...found].map(([value, about]) => ({ value, about }));
}

/** `--title <text>` → `--title` */
function nameOf(flags: string): string {
  return /--[\w-]+/.exec(flags)?.[0] ?? flags;
}

function takesValue({ flags }: OptionSpec): boolean {
  return /[<[]/.test(flags);
}

function optionOf(word: string | undefined, options: readonly OptionSpec[]): OptionSpec | undefined {
  return word?.startsWith('--') ? options.find(({ flags }) => nameOf(flags) === word) : undefined;
}

/** The words after the command that are neither options nor their values. */
function operandsOf(words: readonly string[], options: readonly OptionSpec[]): string[] {
  return words.filter((word, index) => {
    const before = optionOf(words[index - 1], options);
    return !word.startsWith('-') && !(before && takesValue(before));
  });
}

async function valuesOf(option: OptionSpec, text: string, sources: CompletionSources): Promise<Completion> {
  if (option.choices) return listed(option.choices.map(value => ({ value, about: '' })));
  if (/<(?:file|dir)>/.test(option.flags)) return FILES;
  if (option.flags === '--endpoint <name>') return listed(plain(await sources.endpointNames()));
  return option.flags.includes('<id>') ? listed(plain(await sources.recordingIds(text))) : NOTHING;
}

async function named(
  { name, purpose, choices }: ArgSpec,
  operands: readonly string[],
  text: string,
  sources: CompletionSources,
): Promise<Completion> {
  if (choices) return listed(plain(choices));
  const kinds = name.replace(/[<>[\].]/g, '').split('|');
  const files = kinds.includes('dir') || kinds.includes('file');
  if (kinds.includes('id')) {
    const ids = (await sources.recordingIds(text)).filter(id => !operands.includes(id));
    return { candidates: plain(ids), files };
  }
  if (kinds.includes('name')) return listed(plain(await sources.endpointNames()));
  if (kinds.includes('shell')) return listed(plain(purpose.split(', ')));
  return files ? FILES : NOTHING;
}

function plain(values: readonly string[]): Candidate[] {
  return values.map(value => ({ value, about: '' }));
}

function listed(candidates: Candidate[]): Completion {
  return { candidates, files: false };
}

function startingWith(text: string, { candidates, files }: Completion): Completion {
  return { candidates: candidates.filter(({ value }) => value.startsWith(text)), files };
}

import { maskedUrl } from '../core/redact.ts';
import { shellQuoted } from '../core/shell-quoted.ts';
import type { CommandSpec } from './program/command-spec.ts';
import { unbroken } from './terminal/wrap.ts';

/** Completes the commands that a text advises. */
export interface GivenOptions {
  inText(text: string): string;
  /** The same in a document of JSON, where people read it: in hints, reasons and the like. */
  inJson(document: string): string;
}

/** The options that say where a command works, by name. Those of other kinds are about what one command does. */
const PLACES: Readonly<Record<string, (value: unknown) => string>> = {
  config: file => `--config ${shellQuoted(String(file))}`,
  bucket: name => `--bucket ${shellQuoted(String(name))}`,
  endpointUrl: url => `--endpoint-url ${shellQuoted(maskedUrl(String(url)))}`,
  webhookUrl: url => `--webhook-url ${shellQuoted(maskedUrl(String(url)))}`,
  sandbox: isWanted => (isWanted ? '--sandbox' : ''),
};

/**
 * The options that say something about a recording, or how to upload it, by name. They come along where the same command is
 * advised again: nobody else knows of them.
 */
const SAID: Readonly<Record<string, (value: unknown) => string>> = {
  id: id => `--id ${shellQuoted(String(id))}`,
  title: text => `--title ${shellQuoted(String(text))}`,
  email: address => `--email ${shellQuoted(String(address))}`,
  username: name => `--username ${shellQuoted(String(name))}`,
  createdAt: time => `--created-at ${shellQuoted(String(time))}`,
  duration: time => `--duration ${shellQuoted(String(time))}`,
  webhook: isWanted => (isWanted === false ? '--no-webhook' : ''),
  finished: () => '--finished',
};

/** Words that can only be arguments of a command: options, numbers, placeholders, quoted texts, paths. */
const ARGUMENT = String.raw`--?[a-z][\w-]*|\d+[smhdw]?|<[^>]+>|\$'(?:\\.|[^'\\])*'|(?:'[^']*'|\\')+|[^\s"'\`,;)]*\/[^\s"'\`,;)]*`;

const insideJson = (text: string) => JSON.stringify(text).slice(1, -1);

/** A line of `--progress json`. */
const isJson = (text: string) => text.startsWith('{"');

/** A payload, or a line of one. */
const DATA = /^\s*(?:"[^"]*": |[{[])/;

const READ_BY_PEOPLE = /^\s*"(?:hint|fix|mend|detail|message|reason|error)": ".*recordupload .*$/gm;

/**
 * What is advised has to work where this command did: if it was given a file with `--config`, `recordupload retry 3`
 * becomes `recordupload retry --config /etc/rec.json 3`. The rest of the program writes commands without such options.
 * They come right behind the command's name, because a text does not show where a command ends.
 */
export function givenOptions(
  { command, options }: { command: string; options: Readonly<Record<string, unknown>> },
  commands: readonly Pick<CommandSpec, 'name' | 'options'>[],
): GivenOptions {
  const written = (table: typeof PLACES) =>
    Object.entries(table).flatMap(([name, write]) => {
      const flag = options[name] === undefined ? '' : write(options[name]);
      return flag === '' ? [] : [flag];
    });
  const [places, said] = [written(PLACES), written(SAID)];
  const complete = (text: string, shown: (command: string) => string) =>
    text.replace(patternOf(commands), (_, name: string, rest: string) => {
      const known = commands.find(command => command.name === name)?.options ?? [];
      const flags = [...places, ...(name === command ? said : [])].filter(text => {
        const [flag = ''] = text.split(' ');
        return known.some(option => option.flags.split(' ').includes(flag)) && !isPointless(flag, ` ${rest} `);
      });
      return shown(['recordupload', name, ...flags].join(' ')) + shown(rest);
    });
  return {
    inText(text) {
      if (!text.includes('recordupload ')) return text;
      if (isJson(text)) return complete(text, insideJson);
      const lines = text.split('\n').map(line => (DATA.test(line) ? line : complete(line, unbroken)));
      return lines.join('\n');
    },
    inJson: document => document.replace(READ_BY_PEOPLE, line => complete(line, insideJson)),
  };
}

/** An option that the command has already; or one ID for several recordings. */
function isPointless(flag: string, rest: string): boolean {
  return rest.includes(` ${flag} `) || (flag === '--id' && rest.includes(' --recursive '));
}

/** A command in a text, not a line's beginning such as `recordupload retry: …`, and not a part of a path. */
function patternOf(commands: readonly Pick<CommandSpec, 'name'>[]): RegExp {
  // `webhook test` before a command that would be called `webhook`.
  const names = commands.map(({ name }) => name).sort((a, b) => b.length - a.length);
  return new RegExp(`(?<=^|[\\s"'\`(])recordupload (${names.join('|')})(?![\\w:-])((?: (?:${ARGUMENT}))*)`, 'gm');
}

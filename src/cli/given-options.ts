import { maskedUrl } from '../core/redact.ts';
import { shellQuoted } from '../core/text.ts';
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
  sandbox: () => '--sandbox',
};

/** Words that can only be arguments of a command: options, numbers, placeholders, quoted texts, paths. */
const ARGUMENT = String.raw`--?[a-z][\w-]*|\d+[smhdw]?|<[^>]+>|\$'(?:\\.|[^'\\])*'|(?:'[^']*'|\\')+|[^\s"'\`,;)]*\/[^\s"'\`,;)]*`;

const insideJson = (text: string) => JSON.stringify(text).slice(1, -1);

/** A line of `--progress json`. */
const isJson = (text: string) => text.startsWith('{"');

/** A line of a payload. */
const DATA = /^\s*"[^"]*": /;

const READ_BY_PEOPLE = /^\s*"(?:hint|fix|mend|detail|message|reason|error)": ".*recordupload .*$/gm;

/**
 * What is advised has to work where this command did: if it was given a file with `--config`, `recordupload retry 3`
 * becomes `recordupload retry --config /etc/rec.json 3`. The rest of the program writes commands without such options.
 * They come right behind the command's name, because a text does not show where a command ends.
 */
export function givenOptions(
  options: Readonly<Record<string, unknown>>,
  commands: readonly Pick<CommandSpec, 'name' | 'options'>[],
): GivenOptions {
  const given = Object.entries(PLACES).flatMap(([name, write]) => {
    const value = options[name];
    return value === undefined || value === false ? [] : [write(value)];
  });
  const complete = (text: string, written: (command: string) => string) =>
    text.replace(patternOf(commands), (_, name: string, rest: string) => {
      const known = commands.find(command => command.name === name)?.options ?? [];
      const flags = given.filter(text => {
        const [flag = ''] = text.split(' ');
        return known.some(option => option.flags.split(' ').includes(flag)) && !` ${rest} `.includes(` ${flag} `);
      });
      return written(['recordupload', name, ...flags].join(' ')) + written(rest);
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

/** A command in a text, not a line's beginning such as `recordupload retry: …`, and not a part of a path. */
function patternOf(commands: readonly Pick<CommandSpec, 'name'>[]): RegExp {
  // `webhook test` before a command that would be called `webhook`.
  const names = commands.map(({ name }) => name).sort((a, b) => b.length - a.length);
  return new RegExp(`(?<=^|[\\s"'\`(])recordupload (${names.join('|')})(?![\\w:-])((?: (?:${ARGUMENT}))*)`, 'gm');
}

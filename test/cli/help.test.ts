import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { COMMANDS } from '../../src/cli/commands/index.ts';
import { EXIT, EXIT_MEANINGS } from '../../src/cli/exit-codes.ts';
import { type Command, GROUPS } from '../../src/cli/program/command.ts';
import { manPage } from '../../src/cli/program/man-page.ts';
import { buildProgram, parseCommandLine } from '../../src/cli/program/program.ts';
import { VERSION } from '../../src/cli/program/version.ts';
import { KEYS, variablesOf } from '../../src/config/keys.ts';
import { runCli } from '../support/run-cli.ts';

/** The help of a command, by its words, as it is printed 80 columns wide. */
function helpOf(...words: string[]): string {
  let command = buildProgram(COMMANDS);
  for (const word of words) command = command.commands.find(one => one.name() === word) ?? command;
  let text = '';
  command.configureOutput({ writeOut: chunk => (text += chunk), getOutHelpWidth: () => 80 });
  command.outputHelp();
  return text;
}

/** Text in one line: help is wrapped. */
const flat = (text: string) => text.replace(/\s+/g, ' ');

/** What a misspelt command line is told. */
function hintOf(line: string): string | undefined {
  try {
    parseCommandLine(line.split(' '), COMMANDS);
  } catch (error) {
    return (error as { hint?: string }).hint;
  }
  throw new Error(`${line}: was taken`);
}

describe('help', () => {
  test.each(COMMANDS)(
    '$name: purpose, arguments, options, numbered examples, exit status and where to read on',
    spec => {
      const help = helpOf(...spec.name.split(' '));
      const text = flat(help);
      for (const { name, purpose } of spec.args) {
        expect(text).toContain(`${name.replace(/[<>[\].]/g, '')} `);
        expect(text).toContain(flat(purpose));
      }
      for (const { flags, purpose } of spec.options) expect(text).toContain(flat(`${flags} ${purpose}`));
      expect(spec.examples.length).toBeGreaterThan(0);
      for (const [index, { does, line }] of spec.examples.entries()) {
        expect(text).toContain(`${index + 1}. ${flat(does)} $ ${flat(line)} `);
        // In one line, to be copied.
        expect(help).toContain(`\n     $ ${line}\n`);
      }
      for (const exit of ['done' as const, 'bug' as const, ...spec.exits]) {
        expect(text).toContain(`${EXIT[exit]} ${EXIT_MEANINGS[exit]}`);
      }
      expect(help).toContain('Read on:');
      // One line of purpose each, without a full stop.
      for (const words of [spec.summary, ...[...spec.args, ...spec.options].map(one => one.purpose)]) {
        expect(words).toMatch(/^[^\n]{5,100}[^.\n]$/);
      }
    },
  );

  test.each(Object.keys(GROUPS))('the group %s lists its commands, with an example of each', group => {
    const text = flat(helpOf(group));
    const members = COMMANDS.filter(({ name }) => name.startsWith(`${group} `));
    for (const { summary, examples } of members) {
      expect(text).toContain(summary);
      expect(text).toContain(examples[0]?.line);
    }
  });

  test('the overview lists every command and every exit status, with first steps', () => {
    const text = flat(helpOf());
    for (const { name, summary } of COMMANDS) {
      expect(text).toContain(name.includes(' ') ? GROUPS[name.split(' ')[0] ?? ''] : `${name} `);
      if (!name.includes(' ')) expect(text).toContain(summary);
    }
    for (const meaning of Object.values(EXIT_MEANINGS)) expect(text).toContain(meaning);
    expect(text).toContain('1. try it without any account $ recordupload upload recordings/42 --sandbox');
  });

  test('in a pipe, help is 80 columns wide', async () => {
    for (const [words, help] of [
      [['--help'], helpOf()],
      [['webhook', '--help'], helpOf('webhook')],
      [['help', 'upload'], helpOf('upload')],
    ] as const) {
      expect(await runCli(words)).toEqual({ code: 0, stdout: help, stderr: '' });
    }
  });

  test('the launcher prints the version, and the program prints the same', async () => {
    const version = { code: 0, stdout: `${VERSION}\n`, stderr: '' };
    for (const words of [['--version'], ['-V'], ['--no-color', '--version']])
      expect(await runCli(words)).toEqual(version);
  });

  test('the options and arguments of the examples exist', () => {
    const examples = COMMANDS.filter(({ name }) => name !== 'help').flatMap(one =>
      one.examples.map(({ line }) => line),
    );
    for (const line of examples) {
      // One program of a pipe, without cron's times, redirections and quotes.
      const called = line.split(/\s*(?:\||>>?)\s*/).find(part => /(^|[\s(])recordupload /.test(part)) ?? '';
      const words = called
        .replace(/^.*?recordupload /, '')
        .replace(/\)"'$/, '')
        .split(' ');
      expect({ line, parsed: parseCommandLine(words, COMMANDS) }).toMatchObject({
        parsed: { spec: expect.anything() },
      });
    }
  });

  test('--help, help and a missing command', async () => {
    const [option, command, nothing] = await Promise.all([
      runCli(['webhook', 'test', '--help']),
      runCli(['help', 'webhook', 'test']),
      runCli([]),
    ]);
    expect(option.code).toBe(0);
    expect(command).toEqual(option);
    expect([nothing.code, nothing.stdout]).toEqual([2, '']);
    expect(nothing.stderr).toContain('Usage: recordupload');
  });

  test('nothing but the parser is needed for help and version: no command is loaded', () => {
    const specs = COMMANDS.map(
      (spec): Command => ({ ...spec, load: () => Promise.reject(new Error(`${spec.name} was loaded`)) }),
    );
    expect(buildProgram(specs).commands.length).toBeGreaterThan(5);
  });
});

describe('what is misspelt', () => {
  test.each([
    ['webhok test', 'did you mean recordupload webhook test?'],
    ['webhook tets', 'did you mean recordupload webhook test?'],
    ['webhok', 'did you mean recordupload webhook?'],
    ['test', 'did you mean recordupload webhook test?'],
    ['uplaod recordings/42', 'did you mean recordupload upload?'],
    ['help uplaod', 'did you mean recordupload upload?'],
    ['retry --jsn', 'did you mean --json?'],
    ['upload recordings/42 --dryrun', 'did you mean --dry-run?'],
    ['config nothing-like-it', 'see recordupload config --help'],
    ['nothing-like-it', 'see recordupload --help'],
    ['upload', 'see recordupload upload --help'],
    ['webhook send', 'see recordupload webhook send --help'],
  ])('%s: %s', (line, hint) => {
    expect(hintOf(line)).toBe(hint);
  });
});

describe('the manual page', () => {
  const page = manPage(COMMANDS, '1.2.3');
  /** As text, without roff's escapes. */
  const text = page
    .replaceAll('\\(aq', "'")
    .replaceAll('\\(dq', '"')
    .replaceAll('\\(ga', '`')
    .replaceAll('\\(cq', '’')
    .replaceAll('\\(ti', '~')
    .replaceAll('\\-', '-');

  test('tells of every command, argument, option and example', () => {
    for (const { name, summary, args, options, examples } of COMMANDS) {
      expect(text).toContain(`.SS recordupload ${name} `);
      expect(text.toLowerCase()).toContain(`${summary}.`.toLowerCase());
      for (const one of [...args.map(({ name }) => name), ...options.map(({ flags }) => flags)]) {
        expect(text).toContain(`.B ${one}\n`);
      }
      for (const { line } of examples) expect(text).toContain(line.replaceAll('…', '...'));
    }
  });

  test('tells of every exit status and variable', () => {
    for (const name of Object.keys(EXIT) as (keyof typeof EXIT)[]) {
      expect(text).toContain(`.B ${EXIT[name]}\n${EXIT_MEANINGS[name]}`);
    }
    for (const key of KEYS) expect(text).toContain(variablesOf(key).join(', '));
  });

  test('is printed by recordupload man', async () => {
    const { stdout, code } = await runCli(['man']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\.TH RECORDUPLOAD 1 /);
  });
});

describe('what is thrown at users', () => {
  const SRC = join(import.meta.dirname, '../../src');

  /** Messages that say themselves what to do, or have nothing to add; by file, with how many. */
  const WITHOUT_HINT: Readonly<Record<string, { count: number; why: string }>> = {
    'config/load-config.ts': { count: 1, why: 'each line says what is expected where, and what was meant' },
    'state/postgres/settings.ts': { count: 1, why: 'it says what is expected; the configuration has found it before' },
  };

  test('says what to do next: every AppError has a hint, or is known to need none', () => {
    const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.ts'));
    const counted: Record<string, number> = {};
    for (const file of files) {
      const lacking = appErrors(readFileSync(join(SRC, file), 'utf8')).filter(
        call => !/\bhint\b|,\s*(?:\.\.\.)?options\b/.test(call),
      );
      if (lacking.length > 0) counted[file] = lacking.length;
    }
    expect(counted).toEqual(Object.fromEntries(Object.entries(WITHOUT_HINT).map(([file, { count }]) => [file, count])));
  });
});

/** The text of each `new AppError(…)`. */
function appErrors(source: string): string[] {
  return [...source.matchAll(/new AppError\(/g)].map(({ index }) => {
    let depth = 0;
    for (let end = index; end < source.length; end++) {
      if (source[end] === '(') depth++;
      if (source[end] === ')' && --depth === 0) return source.slice(index, end + 1);
    }
    return source.slice(index);
  });
}

import { Argument, Command, type CommanderError, Option } from 'commander';
import { closest } from '../../config/suggest.ts';
import { AppError } from '../../core/errors.ts';
import { EXIT, EXIT_MEANINGS, type ExitCode } from '../exit-codes.ts';
import { type Command as CliCommand, GROUPS } from './command.ts';
import type { CommandSpec, OptionSpec } from './command-spec.ts';
import { suggestCommand } from './suggest-command.ts';
import { VERSION } from './version.ts';

/** What was asked for on the command line; the options are parsed. */
export interface ParsedCommand<Spec extends CommandSpec = CliCommand> {
  spec: Spec;
  args: string[];
  options: Record<string, unknown>;
}

/** What the program is for. */
export const PURPOSE = 'Uploads finished meeting recordings to S3-compatible storage and tells the recordings server.';

/** The first steps, for the overview of all commands. */
export const FIRST_STEPS: CommandSpec['examples'] = [
  { does: 'try it without any account', line: 'recordupload upload recordings/42 --sandbox' },
  { does: 'write a configuration file and test it', line: 'recordupload config init --test' },
  { does: 'upload a recording and tell the server', line: 'recordupload upload recordings/42' },
  { does: 'from cron: finish what was left unfinished', line: '*/5 * * * * recordupload retry --quiet' },
];

/** The whole command tree. `onCommand` gets the command that the arguments name. */
export function buildProgram<Spec extends CommandSpec>(
  commands: readonly Spec[],
  onCommand: (parsed: ParsedCommand<Spec>) => void = () => {},
): Command {
  const program = new Command('recordupload')
    .description(PURPOSE)
    .version(VERSION, '-V, --version', 'print the version')
    .option('--no-color', 'no colours (also: NO_COLOR)')
    .helpOption('-h, --help', 'print help')
    .helpCommand(false)
    .addHelpText(
      'after',
      tail(FIRST_STEPS, Object.keys(EXIT) as ExitName[], [
        'recordupload help <command>',
        'recordupload man | man -l -',
        'configuration: .recorduploadrc.example, recordupload config show',
      ]),
    );
  const groups = new Map<string, Command>();
  for (const spec of commands) {
    const [group, name] = spec.name.includes(' ') ? spec.name.split(' ') : [undefined, spec.name];
    addCommand(group ? groupOf(program, groups, group, commands) : program, name as string, spec, onCommand);
  }
  for (const command of [
    program,
    ...groups.values(),
    ...program.commands,
    ...[...groups.values()].flatMap(one => one.commands),
  ]) {
    command
      .exitOverride()
      .configureOutput({ outputError: () => {} })
      // commander does not break lines at words in narrower columns.
      .configureHelp({ subcommandTerm, minWidthToWrap: 12 });
  }
  return program;
}

/** A command in a list. Leaves out `[options]`: all commands have some, and the space is needed for the summary. */
function subcommandTerm(command: Command): string {
  const args = command.registeredArguments.map(argument => {
    const text = `${argument.name()}${argument.variadic ? '...' : ''}`;
    return argument.required ? `<${text}>` : `[${text}]`;
  });
  return [command.name(), ...args].join(' ');
}

function groupOf(
  program: Command,
  groups: Map<string, Command>,
  name: string,
  commands: readonly CommandSpec[],
): Command {
  const known = groups.get(name);
  if (known) return known;
  const members = commands.filter(spec => spec.name.startsWith(`${name} `));
  const examples = members.flatMap(spec => spec.examples.slice(0, 1));
  const exits = (Object.keys(EXIT) as ExitName[]).filter(exit => members.some(({ exits }) => exits.includes(exit)));
  const summary = GROUPS[name] ?? '';
  const group = program
    .command(name)
    .description(sentence(summary))
    .summary(summary)
    .helpOption('-h, --help', 'print help')
    .helpCommand(false)
    .addHelpText('after', tail(examples, ['done', 'bug', ...exits], [`recordupload help ${name} <command>`]));
  groups.set(name, group);
  return group;
}

function addCommand<Spec extends CommandSpec>(
  parent: Command,
  name: string,
  spec: Spec,
  onCommand: (parsed: ParsedCommand<Spec>) => void,
): void {
  const command = parent
    .command(name)
    .description(sentence(spec.summary))
    .summary(spec.summary)
    .helpOption('-h, --help', 'print help')
    .addHelpText('after', tail(spec.examples, ['done', 'bug', ...spec.exits], ['recordupload man | man -l -']));
  for (const { name: argument, purpose, choices } of spec.args) {
    const operand = new Argument(argument, purpose);
    command.addArgument(choices ? operand.choices(choices) : operand);
  }
  for (const option of spec.options) command.addOption(parserOf(option));
  command.option('--no-color', 'no colours');
  command.action(() => onCommand({ spec, args: command.args, options: command.optsWithGlobals() }));
}

function parserOf({ flags, purpose, choices, parse }: OptionSpec): Option {
  const option = new Option(flags, purpose);
  if (choices) option.choices([...choices]);
  if (parse) option.argParser(text => parse(text, option.long ?? flags));
  return option;
}

function sentence(summary: string): string {
  return `${summary[0]?.toUpperCase() ?? ''}${summary.slice(1)}.`;
}

/** The text below the options. Made when it is printed, because only then the width is known. */
function tail(examples: CommandSpec['examples'], exits: readonly ExitName[], readOn: readonly string[]) {
  return ({ command }: { command: Command }) => {
    const columns = command.configureOutput().getOutHelpWidth?.() || 80;
    const numbered = examples.flatMap(({ does, line }, index) => [
      hanging(`  ${index + 1}. `, does, columns),
      // Never broken, so that it can be copied.
      `     $ ${line}`,
    ]);
    return [
      '',
      'Examples:',
      ...numbered,
      '',
      'Exit status:',
      ...exits.map(name => hanging(`  ${String(EXIT[name]).padEnd(4)} `, EXIT_MEANINGS[name], columns)),
      '',
      'Read on:',
      ...readOn.map(line => `  ${line}`),
    ].join('\n');
  };
}

/** A text after its label; further lines are indented as far as the first. */
function hanging(label: string, text: string, columns: number): string {
  const lines = text.match(new RegExp(`.{1,${Math.max(10, columns - label.length)}}(?= |$)`, 'g')) ?? [];
  return label + lines.map(line => line.trim()).join(`\n${' '.repeat(label.length)}`);
}

type ExitName = keyof typeof EXIT;

/**
 * Parses the command line.
 * @returns the command, or the exit status if help or the version was printed
 * @throws AppError `USAGE`
 */
export function parseCommandLine(argv: readonly string[], commands: readonly CliCommand[]): ParsedCommand | ExitCode {
  let parsed: ParsedCommand | undefined;
  const program = buildProgram(commandsFor(argv, commands), command => {
    parsed = command;
  });
  try {
    program.parse(argv, { from: 'user' });
    if (parsed?.spec.name === 'help') return printHelp(program, parsed.args, commands);
  } catch (error) {
    const { code, message, exitCode } = error as CommanderError;
    if (!code?.startsWith('commander.')) throw error;
    if (exitCode === 0) return EXIT.done;
    // There was no command, and commander has printed the help to stderr.
    if (code === 'commander.help') return EXIT.usage;
    throw usageError(message, argv, commands);
  }
  return parsed ?? EXIT.usage;
}

/** If the first words name a command, only that one: building all of them takes 10 ms. */
function commandsFor(argv: readonly string[], commands: readonly CliCommand[]): readonly CliCommand[] {
  const named = commands.filter(({ name }) => name !== 'help' && `${argv.join(' ')} `.startsWith(`${name} `));
  return named.length > 0 ? named : commands;
}

function printHelp(program: Command, names: readonly string[], commands: readonly CommandSpec[]): ExitCode {
  let command = program;
  for (const name of names) {
    const next = command.commands.find(one => one.name() === name);
    if (!next) throw usageError(`unknown command '${names.join(' ')}'`, names, commands);
    command = next;
  }
  command.outputHelp();
  return EXIT.done;
}

/** commander's suggestion, unless it is far off: for `--bucket` it would be `--quiet`. */
function nearOption(given: string | undefined, suggested: string | undefined): string | undefined {
  return given !== undefined && suggested !== undefined ? closest(given, [suggested]) : undefined;
}

/** commander's message; the hint is what the user probably meant, or where to look. */
function usageError(message: string, argv: readonly string[], commands: readonly CommandSpec[]): AppError {
  const [text = '', ...rest] = message.replace(/^error: /, '').split('\n');
  const known = commands.find(({ name }) => `${argv.join(' ')} `.startsWith(`${name} `))?.name;
  const suggestion = text.startsWith('unknown command')
    ? suggestCommand(argv, commands)
    : nearOption(/^unknown option '([^']*)'/.exec(text)?.[1], /\(Did you mean (.+?)\?\)/.exec(rest.join(' '))?.[1]);
  const group = GROUPS[argv[0] ?? ''] === undefined ? undefined : argv[0];
  const help = ['recordupload', ...[known ?? group ?? []].flat(), '--help'].join(' ');
  return new AppError('USAGE', text, { hint: suggestion ? `did you mean ${suggestion}?` : `see ${help}` });
}

import { Command, type CommanderError, Option } from 'commander';
import { AppError } from '../core/errors.ts';
import { type CommandSpec, GROUPS } from './command.ts';
import { EXIT, EXIT_MEANINGS, type ExitCode } from './exit-codes.ts';
import { suggestCommand } from './suggest-command.ts';
import { VERSION } from './version.ts';

/** What was asked for on the command line. */
export interface ParsedCommand {
  spec: CommandSpec;
  args: string[];
  options: Record<string, unknown>;
}

/** In one sentence. */
export const PURPOSE = 'Uploads finished meeting recordings to S3-compatible storage and tells the recordings server.';

/** First steps, for the overview. */
export const FIRST_STEPS: CommandSpec['examples'] = [
  { does: 'try it without any account', line: 'recordupload upload recordings/42 --sandbox' },
  { does: 'write a configuration, and test it', line: 'recordupload config init --test' },
  { does: 'upload a recording and tell the server', line: 'recordupload upload recordings/42' },
  { does: 'finish what was left, from cron', line: '*/5 * * * * recordupload retry --quiet' },
];

/** The whole command tree. `onCommand` is told which command the arguments name. */
export function buildProgram(
  commands: readonly CommandSpec[],
  onCommand: (parsed: ParsedCommand) => void = () => {},
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
      .configureHelp({ subcommandTerm });
  }
  return program;
}

/** A command in a list: without `[options]`, which all have and which leaves no room for its purpose. */
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

function addCommand(
  parent: Command,
  name: string,
  spec: CommandSpec,
  onCommand: (parsed: ParsedCommand) => void,
): void {
  const command = parent
    .command(name)
    .description(sentence(spec.summary))
    .summary(spec.summary)
    .helpOption('-h, --help', 'print help')
    .addHelpText('after', tail(spec.examples, ['done', 'bug', ...spec.exits], ['recordupload man | man -l -']));
  for (const { name: argument, purpose } of spec.args) command.argument(argument, purpose);
  for (const { flags, purpose, choices } of spec.options) {
    const option = new Option(flags, purpose);
    command.addOption(choices ? option.choices([...choices]) : option);
  }
  command.option('--no-color', 'no colours');
  command.action(() => onCommand({ spec, args: command.args, options: command.optsWithGlobals() }));
}

function sentence(summary: string): string {
  return `${summary[0]?.toUpperCase() ?? ''}${summary.slice(1)}.`;
}

/** What stands below the options; written when it is asked for. */
function tail(examples: CommandSpec['examples'], exits: readonly ExitName[], readOn: readonly string[]): () => string {
  return () => tailText(examples, exits, readOn);
}

function tailText(examples: CommandSpec['examples'], exits: readonly ExitName[], readOn: readonly string[]): string {
  const numbered = examples.map(({ does, line }, index) => `  ${index + 1}. ${does}\n     $ ${line}`);
  return [
    '',
    'Examples:',
    ...numbered,
    '',
    'Exit status:',
    ...exits.map(name => `  ${String(EXIT[name]).padEnd(4)} ${wrap(EXIT_MEANINGS[name], 73).join('\n       ')}`),
    '',
    'Read on:',
    ...readOn.map(line => `  ${line}`),
  ].join('\n');
}

/** A text in lines of at most so many characters. */
function wrap(text: string, width: number): string[] {
  return text.match(new RegExp(`.{1,${width}}(?= |$)`, 'g'))?.map(line => line.trim()) ?? [];
}

type ExitName = keyof typeof EXIT;

/**
 * Parses the command line.
 * @returns the command, or the exit status where help or the version was printed
 * @throws AppError `USAGE`
 */
export function parseCommandLine(argv: readonly string[], commands: readonly CommandSpec[]): ParsedCommand | ExitCode {
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
    // Called without a command: help was printed to stderr already.
    if (code === 'commander.help') return EXIT.usage;
    throw usageError(message, argv, commands);
  }
  return parsed ?? EXIT.usage;
}

/** The commands that a command line needs: where the first words name one, no others. Building all takes 10 ms. */
function commandsFor(argv: readonly string[], commands: readonly CommandSpec[]): readonly CommandSpec[] {
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

/** commander's message; the hint is what was probably meant, or where to look. */
function usageError(message: string, argv: readonly string[], commands: readonly CommandSpec[]): AppError {
  const [text = '', ...rest] = message.replace(/^error: /, '').split('\n');
  const known = commands.find(({ name }) => `${argv.join(' ')} `.startsWith(`${name} `))?.name;
  const suggestion = text.startsWith('unknown command')
    ? suggestCommand(argv, commands)
    : /\(Did you mean (.+?)\?\)/.exec(rest.join(' '))?.[1];
  const group = GROUPS[argv[0] ?? ''] === undefined ? undefined : argv[0];
  const help = ['recordupload', ...[known ?? group ?? []].flat(), '--help'].join(' ');
  return new AppError('USAGE', text, { hint: suggestion ? `did you mean ${suggestion}?` : `see ${help}` });
}

import { Command, type CommanderError } from 'commander';
import { AppError } from '../core/errors.ts';
import type { CommandSpec } from './command.ts';
import { COMMANDS } from './commands/index.ts';
import { EXIT, EXIT_MEANINGS, type ExitCode } from './exit-codes.ts';
import { VERSION } from './version.ts';

/** What was asked for on the command line. */
export interface ParsedCommand {
  spec: CommandSpec;
  args: string[];
  options: Record<string, unknown>;
}

/** The whole command tree. `onCommand` is told which command the arguments name. */
export function buildProgram(onCommand: (parsed: ParsedCommand) => void): Command {
  const program = new Command('recordupload')
    .description('Uploads finished meeting recordings to S3-compatible storage and tells the recordings server.')
    .version(VERSION, '-V, --version', 'print the version')
    .option('--no-color', 'no colours (also: NO_COLOR)')
    .helpOption('-h, --help', 'print help')
    .helpCommand(false)
    .addHelpText(
      'after',
      [
        '',
        'Exit status:',
        ...exitLines(Object.keys(EXIT) as ExitName[]),
        '',
        'Configuration: see .recorduploadrc.example',
      ].join('\n'),
    );
  const groups = new Map<string, Command>();
  for (const spec of COMMANDS) {
    const [group, name] = spec.name.includes(' ') ? spec.name.split(' ') : [undefined, spec.name];
    addCommand(group ? groupOf(program, groups, group) : program, name as string, spec, onCommand);
  }
  for (const command of [
    program,
    ...groups.values(),
    ...program.commands,
    ...[...groups.values()].flatMap(one => one.commands),
  ]) {
    command.exitOverride().configureOutput({ outputError: () => {} });
  }
  return program;
}

function groupOf(program: Command, groups: Map<string, Command>, name: string): Command {
  const known = groups.get(name);
  if (known) return known;
  const group = program
    .command(name)
    .description(GROUPS[name] ?? '')
    .helpOption('-h, --help', 'print help')
    .helpCommand(false);
  groups.set(name, group);
  return group;
}

const GROUPS: Record<string, string> = {
  config: 'show, check and write the configuration',
  webhook: 'send, test and look after webhooks',
};

function addCommand(
  parent: Command,
  name: string,
  spec: CommandSpec,
  onCommand: (parsed: ParsedCommand) => void,
): void {
  const command = parent
    .command(name)
    .description(`${spec.summary[0]?.toUpperCase()}${spec.summary.slice(1)}.`)
    .summary(spec.summary)
    .helpOption('-h, --help', 'print help')
    .addHelpText('after', helpTail(spec));
  for (const { name: argument, purpose } of spec.args) command.argument(argument, purpose);
  for (const { flags, purpose } of spec.options) command.option(flags, purpose);
  command.option('--no-color', 'no colours');
  command.action(() => onCommand({ spec, args: command.args, options: command.optsWithGlobals() }));
}

function helpTail({ examples, exits }: CommandSpec): string {
  const numbered = examples.map(({ does, line }, index) => `  ${index + 1}. ${does}\n     $ ${line}`);
  return ['', 'Examples:', ...numbered, '', 'Exit status:', ...exitLines(['done', 'bug', ...exits])].join('\n');
}

type ExitName = keyof typeof EXIT;

function exitLines(names: readonly ExitName[]): string[] {
  return names.map(name => `  ${String(EXIT[name]).padEnd(4)} ${EXIT_MEANINGS[name]}`);
}

/**
 * Parses the command line.
 * @returns the command, or the exit status where help or the version was printed
 * @throws AppError `USAGE`
 */
export function parseCommandLine(argv: readonly string[]): ParsedCommand | ExitCode {
  let parsed: ParsedCommand | undefined;
  const program = buildProgram(command => {
    parsed = command;
  });
  try {
    program.parse(argv, { from: 'user' });
  } catch (error) {
    const { code, message, exitCode } = error as CommanderError;
    if (!code?.startsWith('commander.')) throw error;
    if (exitCode === 0) return EXIT.done;
    // Called without a command: help was printed to stderr already.
    if (code === 'commander.help') return EXIT.usage;
    throw usageError(message, argv);
  }
  return parsed ?? EXIT.usage;
}

/** commander's message, its suggestion as the hint. */
function usageError(message: string, argv: readonly string[]): AppError {
  const [text = '', ...rest] = message.replace(/^error: /, '').split('\n');
  const suggestion = /\(Did you mean (.+?)\?\)/.exec(rest.join(' '))?.[1];
  const known = COMMANDS.find(({ name }) => `${argv.join(' ')} `.startsWith(`${name} `))?.name;
  const help = ['recordupload', ...(known ? [known] : []), '--help'].join(' ');
  return new AppError('USAGE', text, { hint: suggestion ? `did you mean ${suggestion}?` : `see ${help}` });
}

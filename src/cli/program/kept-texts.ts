import type { Command } from 'commander';
import type { CommandSpec } from './command-spec.ts';
import { buildProgram } from './program.ts';

/** As wide as help is where nobody looks: in a pipe or a file. */
const COLUMNS = 80;

/**
 * What the program prints for command lines that ask for help or the version, by command line. The build keeps these
 * texts beside the program, so that the launcher can print them without loading it.
 */
export function keptTexts(commands: readonly CommandSpec[], version: string): Record<string, string> {
  const texts: Record<string, string> = { '--version': `${version}\n`, '-V': `${version}\n` };
  const keep = (command: Command, words: readonly string[]) => {
    const text = helpOf(command);
    for (const line of [
      ['help', ...words],
      [...words, '--help'],
      [...words, '-h'],
    ])
      texts[line.join(' ')] = text;
    for (const member of command.commands) keep(member, [...words, member.name()]);
  };
  keep(buildProgram(commands), []);
  return texts;
}

/** A command's help, as it is printed in a pipe. */
export function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: chunk => (text += chunk), getOutHelpWidth: () => COLUMNS });
  command.outputHelp();
  return text;
}

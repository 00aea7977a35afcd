import { COMMANDS } from './commands/index.ts';
import type { ExitCode } from './exit-codes.ts';
import { reportFailure } from './failure.ts';
import { givenOptions } from './given-options.ts';
import { onInterruption } from './interruption.ts';
import { parseCommandLine } from './program/program.ts';
import { processTerminal } from './terminal/terminal.ts';

/** The program: command line → command → exit status. The only place that catches everything. */
export async function run(argv: readonly string[]): Promise<ExitCode> {
  const isJson = argv.includes('--json');
  let given = givenOptions({ command: '', options: {} }, COMMANDS);
  const terminal = processTerminal({
    color: !argv.includes('--no-color'),
    finish: { text: text => given.inText(text), document: text => (isJson ? given.inJson(text) : text) },
  });
  let command = 'recordupload';
  try {
    const parsed = parseCommandLine(argv, COMMANDS);
    if (typeof parsed === 'number') return parsed;
    const { spec, args, options } = parsed;
    command = spec.name;
    given = givenOptions({ command, options }, COMMANDS);
    const { run: runCommand } = await spec.load();
    const signal = onInterruption(spec);
    return await runCommand({ command, args, options, terminal, commands: COMMANDS, signal });
  } catch (error) {
    return reportFailure(error, terminal, { json: isJson, command });
  }
}

import { AppError } from '../core/errors.ts';
import { COMMANDS } from './commands/index.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { reportFailure } from './failure.ts';
import { parseCommandLine } from './program/program.ts';
import { processTerminal } from './terminal/terminal.ts';

/** The program: command line → command → exit status. The only place that catches everything. */
export async function run(argv: readonly string[]): Promise<ExitCode> {
  const terminal = processTerminal({ color: !argv.includes('--no-color') });
  let command = 'recordupload';
  try {
    const parsed = parseCommandLine(argv, COMMANDS);
    if (typeof parsed === 'number') return parsed;
    const { spec, args, options } = parsed;
    command = spec.name;
    const { run: runCommand } = await spec.load();
    return await runCommand({ command, args, options, terminal, commands: COMMANDS, signal: interruptSignal() });
  } catch (error) {
    return reportFailure(error, terminal, { json: argv.includes('--json'), command });
  }
}

/** Aborts on the first Ctrl-C or SIGTERM, so that the command can tidy up; the second ends the process at once. */
function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  const exits = { SIGINT: EXIT.interrupted, SIGTERM: EXIT.terminated, SIGHUP: EXIT.terminated };
  for (const [name, exitCode] of Object.entries(exits)) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(exitCode);
      const by = name === 'SIGHUP' ? 'SIGTERM (hang-up)' : name;
      const hint = 'what is done is kept: the same command goes on with it';
      controller.abort(new AppError('INTERRUPTED', `interrupted by ${by}`, { hint }));
    });
  }
  return controller.signal;
}

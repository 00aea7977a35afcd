import { AppError, InterruptedError } from '../core/errors.ts';
import { printable } from '../core/text.ts';
import { EXIT, EXIT_OF_SIGNAL, type ExitCode, exitCodeOf } from './exit-codes.ts';
import { jsonDocument } from './json/document.ts';
import { errorJson } from './json/error.ts';
import { VERSION } from './program/version.ts';
import type { Terminal } from './terminal/terminal.ts';

/** An error as people see it: what, where, what next, in one line for each problem. */
export function errorText(error: AppError): string {
  const message = error.message.split('\n').map(printable).join('\n  ');
  return error.hint ? `${message} (${printable(error.hint)})` : message;
}

/** Prints a failure, as text or JSON; a bug with its stack. @returns the exit status */
export function reportFailure(
  error: unknown,
  terminal: Terminal,
  { json, command }: { json: boolean; command: string },
): ExitCode {
  const known = error instanceof AppError;
  const exitCode = known ? exitCodeOfError(error) : EXIT.bug;
  if (json) {
    const shown = known ? errorJson(error) : { code: 'BUG', message: String(error) };
    terminal.document(jsonDocument(command, exitCode, { error: shown }));
  } else if (known) {
    terminal.err(errorLine(error, terminal));
  } else {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    terminal.err(
      `${terminal.paint.err.red('bug in recordupload')} ${VERSION} (nothing is lost: run the command again)\n${stack.split('\n').map(printable).join('\n')}`,
    );
  }
  return exitCode;
}

/**
 * An error as a line of its own. An interruption is shown as a notice, because the user asked for it.
 * @param where what it is about (`<folder>: `); may be any text
 */
export function errorLine(error: AppError, { paint: { err: paint } }: Terminal, where = ''): string {
  const text = `${printable(where)}${errorText(error)}`;
  if (error.code === 'INTERRUPTED') return paint.yellow(text);
  return `${paint.red('error:')} ${text}`;
}

/** The exit status of a failure; an interruption's is its signal's. */
export function exitCodeOfError(error: AppError): ExitCode {
  return error instanceof InterruptedError ? EXIT_OF_SIGNAL[error.signal] : exitCodeOf(error.code);
}

/** The exit status that the signal asks for; 0 where nobody interrupted. */
export function exitCodeOfSignal({ aborted, reason }: AbortSignal): ExitCode {
  return aborted && reason instanceof AppError ? exitCodeOfError(reason) : EXIT.done;
}

import { AppError } from '../core/errors.ts';
import { EXIT, type ExitCode, exitCodeOf } from './exit-codes.ts';
import { VERSION } from './program/version.ts';
import { printable } from './terminal/format.ts';
import type { Terminal } from './terminal/terminal.ts';

/** An error as scripts see it. */
export interface JsonError {
  code: string;
  message: string;
  hint?: string;
}

export function jsonError(error: AppError): JsonError {
  return { code: error.code, message: error.message, ...(error.hint && { hint: error.hint }) };
}

/** An error as people see it: what, where, what next, in one line for each problem. */
export function errorText(error: AppError): string {
  const message = error.message.split('\n').map(printable).join('\n  ');
  return error.hint ? `${message} (${printable(error.hint)})` : message;
}

/** Tells a failure, as text or JSON, and says which exit status it is. A bug is shown with where it happened. */
export function reportFailure(
  error: unknown,
  terminal: Terminal,
  { json, command }: { json: boolean; command: string },
): ExitCode {
  const known = error instanceof AppError;
  const exitCode = known ? exitCodeOfError(error) : EXIT.bug;
  if (json) {
    const told = known ? jsonError(error) : { code: 'BUG', message: String(error) };
    terminal.document(jsonDocument(command, exitCode, { error: told }));
  } else if (known) {
    terminal.err(errorLine(error, terminal));
  } else {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    terminal.err(
      `${terminal.paint.err.red('bug in recordupload')} ${VERSION} (nothing is lost: run the command again)\n${stack}`,
    );
  }
  return exitCode;
}

/** An error as a line of its own; `where` (`<folder>: `) may be any text. Being interrupted is none: it was asked for. */
export function errorLine(error: AppError, { paint: { err: paint } }: Terminal, where = ''): string {
  const text = `${printable(where)}${errorText(error)}`;
  if (error.code === 'INTERRUPTED') return paint.yellow(text);
  return `${paint.red('error:')} ${text}`;
}

/** The exit status of a failure; an interruption's is its signal's. */
export function exitCodeOfError(error: AppError): ExitCode {
  if (error.code !== 'INTERRUPTED') return exitCodeOf(error.code);
  return error.message.includes('SIGTERM') ? EXIT.terminated : EXIT.interrupted;
}

/** The exit status that the signal asks for; 0 where nobody interrupted. */
export function exitCodeOfSignal({ aborted, reason }: AbortSignal): ExitCode {
  return aborted && reason instanceof AppError ? exitCodeOfError(reason) : EXIT.done;
}

/** The one JSON document of a command; `version` changes when something in it is renamed or removed. */
export function jsonDocument(
  command: string,
  exitCode: ExitCode,
  content: { result?: unknown; error?: JsonError },
): string {
  return JSON.stringify({ version: 1, command, ok: exitCode === EXIT.done, exitCode, ...content }, null, 2);
}

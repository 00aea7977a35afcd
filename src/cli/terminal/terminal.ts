import { Chalk, type ChalkInstance } from 'chalk';
import { EXIT } from '../exit-codes.ts';
import { unmarked, wrapText } from './wrap.ts';

/** What commands know about the process: streams, environment, working directory. */
export interface Terminal {
  /** Prints the result for people; on a terminal, lines are broken at words. */
  out(text: string): void;
  /** Prints the result for programs, or text to be copied, unchanged. */
  document(text: string): void;
  /** Prints everything else for people; broken like `out`. */
  err(text: string): void;
  /** True if stderr is a terminal that can redraw lines. */
  readonly live: boolean;
  /** Colours for stdout and stderr; plain text if colours are off. */
  readonly paint: { out: ChalkInstance; err: ChalkInstance };
  readonly columns: () => number;
  readonly stdin: NodeJS.ReadStream;
  readonly stderr: NodeJS.WriteStream;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
}

/** What is done to every text before it is printed. */
export interface Finish {
  /** Text for people. */
  text(text: string): string;
  document(text: string): string;
}

/** The process's own terminal. */
export function processTerminal({ color, finish }: { color: boolean; finish: Finish }): Terminal {
  const { stdout, stderr, env } = process;
  const dumb = env.TERM === 'dumb';
  const colored = (stream: NodeJS.WriteStream) => color && !env.NO_COLOR && !env.CI && !dumb && Boolean(stream.isTTY);
  const fitted = (text: string, { isTTY, columns }: NodeJS.WriteStream) =>
    isTTY && columns > 0 ? wrapText(finish.text(text), columns) : unmarked(finish.text(text));
  watchOutput(process);
  return {
    out: text => {
      stdout.write(`${fitted(text, stdout)}\n`);
    },
    document: text => {
      stdout.write(`${finish.document(text)}\n`);
    },
    err: text => {
      stderr.write(`${fitted(text, stderr)}\n`);
    },
    // A terminal that reports a width of 0 cannot be redrawn, because the number of rows that a text needs is unknown.
    live: Boolean(stderr.isTTY) && stderr.columns > 0 && !dumb && !env.CI,
    paint: { out: new Chalk({ level: colored(stdout) ? 1 : 0 }), err: new Chalk({ level: colored(stderr) ? 1 : 0 }) },
    columns: () => stderr.columns || 80,
    // Opened only when it is needed, because hardly any command reads it.
    get stdin() {
      return process.stdin;
    },
    stderr,
    env,
    cwd: process.cwd(),
  };
}

/**
 * Keeps working when output cannot be written. A reader that has ended (`| head -1`) is not an error. A result that is
 * lost (a full disk behind `>`) is one, and reported on stderr.
 */
function watchOutput({ stdout, stderr }: NodeJS.Process): void {
  let isTold = false;
  stderr.on('error', () => {});
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE' || isTold) return;
    isTold = true;
    stderr.write(`error: the output cannot be written: ${error.message} (what was done is kept; run it again)\n`);
    // At the end, because the command's own exit status comes first.
    process.once('exit', code => {
      if (code === EXIT.done) process.exitCode = EXIT.usage;
    });
  });
}

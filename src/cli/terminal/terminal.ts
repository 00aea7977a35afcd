import { Chalk, type ChalkInstance } from 'chalk';
import { EXIT } from '../exit-codes.ts';
import { wrapText } from './wrap.ts';

/** What the commands know of the world outside: streams, environment, working directory. */
export interface Terminal {
  /** The result for people; on a terminal its lines are broken at words. */
  out(text: string): void;
  /** The result for programs, or to be copied: as it is. */
  document(text: string): void;
  /** Everything else, for people; broken like `out`. */
  err(text: string): void;
  /** True where stderr is a terminal that can redraw lines. */
  readonly live: boolean;
  /** Colours for stdout and stderr; plain where colours are off. */
  readonly paint: { out: ChalkInstance; err: ChalkInstance };
  readonly columns: () => number;
  readonly stdin: NodeJS.ReadStream;
  readonly stderr: NodeJS.WriteStream;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
}

/** The process's own terminal. */
export function processTerminal({ color }: { color: boolean }): Terminal {
  const { stdout, stderr, env } = process;
  const dumb = env.TERM === 'dumb';
  const colored = (stream: NodeJS.WriteStream) => color && !env.NO_COLOR && !env.CI && !dumb && Boolean(stream.isTTY);
  const fitted = (text: string, { isTTY, columns }: NodeJS.WriteStream) =>
    isTTY && columns > 0 ? wrapText(text, columns) : text;
  watchOutput(process);
  return {
    out: text => {
      stdout.write(`${fitted(text, stdout)}\n`);
    },
    document: text => {
      stdout.write(`${text}\n`);
    },
    err: text => {
      stderr.write(`${fitted(text, stderr)}\n`);
    },
    // A terminal that does not tell its width (0) cannot be redrawn: how many lines a text takes is not known.
    live: Boolean(stderr.isTTY) && stderr.columns > 0 && !dumb && !env.CI,
    paint: { out: new Chalk({ level: colored(stdout) ? 1 : 0 }), err: new Chalk({ level: colored(stderr) ? 1 : 0 }) },
    columns: () => stderr.columns || 80,
    // Opened when it is first asked for: hardly any command reads it.
    get stdin() {
      return process.stdin;
    },
    stderr,
    env,
    cwd: process.cwd(),
  };
}

/**
 * Output that cannot be written must not end the work. A reader that has gone away (`| head -1`) is no error; a result
 * that is lost (a full disk behind `>`) is one, and said where it still can be.
 */
function watchOutput({ stdout, stderr }: NodeJS.Process): void {
  let isTold = false;
  stderr.on('error', () => {});
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE' || isTold) return;
    isTold = true;
    stderr.write(`error: the output cannot be written: ${error.message} (what was done is kept; run it again)\n`);
    // At the end: the command has its own to say until then.
    process.once('exit', code => {
      if (code === EXIT.done) process.exitCode = EXIT.usage;
    });
  });
}

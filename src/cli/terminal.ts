import { Chalk, type ChalkInstance } from 'chalk';

/** What the commands know of the world outside: streams, environment, working directory. */
export interface Terminal {
  /** The result: text for people or one JSON document. */
  out(text: string): void;
  /** Everything else, for people. */
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
  const colored = (stream: NodeJS.WriteStream) => color && !env.NO_COLOR && !dumb && Boolean(stream.isTTY);
  // A reader that has gone away (`| head -1`) is no error.
  for (const stream of [stdout, stderr]) {
    stream.on('error', error => {
      if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
    });
  }
  return {
    out: text => {
      stdout.write(`${text}\n`);
    },
    err: text => {
      stderr.write(`${text}\n`);
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

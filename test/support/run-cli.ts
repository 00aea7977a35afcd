import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { afterAll } from '@jest/globals';
import { programCommand, publicProgram } from './built-program.ts';

/** What a finished run left: its status and everything it printed. */
export interface CliResult {
  /** Exit status; null where a signal ended it. */
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface CliOptions {
  /** The whole environment, beside `PATH`. */
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** Runs it as this user and group; only where the tests run as root. */
  user?: number | undefined;
  /** Closes its stdout before it writes anything. */
  closeStdout?: boolean;
  /** A file that its stdout goes to. */
  stdout?: string;
  /** Reads nothing of its stdout before `readStdout` is called. */
  holdStdout?: boolean;
  /** How many files and connections it may have open at once (`ulimit -n`). */
  openFiles?: number;
  /** How large a file it may write, in KiB (`ulimit -f`). */
  fileKib?: number;
  /** How many inotify watches or instances its user may have: it runs in a user namespace of its own then. */
  inotify?: { watches?: number; instances?: number } | undefined;
  /** How many addresses it may reserve, in KiB (`ulimit -v`). */
  addressKib?: number;
}

/** A run under way. */
export interface RunningCli {
  readonly pid: number;
  readonly result: Promise<CliResult>;
  kill(signal: NodeJS.Signals): void;
  /** Resolves once `text` was printed to stderr, with all that was by then. @throws where the program ends without */
  prints(text: string): Promise<string>;
  /** The same for stdout. */
  printed(text: string): Promise<string>;
  /** With `holdStdout`: resolves once there is something to read. */
  writes(): Promise<void>;
  readStdout(): void;
}

const running = new Set<ChildProcess>();
afterAll(() => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts the built program with a clean environment. */
export function startCli(args: readonly string[], options: CliOptions = {}): RunningCli {
  const { env = {}, cwd, user } = options;
  const file = options.stdout === undefined ? undefined : openSync(options.stdout, 'w');
  const limits = [
    ...(options.openFiles === undefined ? [] : [`ulimit -n ${options.openFiles}`]),
    // A shell counts in blocks of 512 bytes (POSIX) or 1,024 (bash).
    ...(options.fileKib === undefined ? [] : [`ulimit -f ${options.fileKib * 2}`]),
    ...(options.addressKib === undefined ? [] : [`ulimit -v ${options.addressKib}`]),
  ];
  const inotify = Object.entries(options.inotify ?? {});
  limits.push(...inotify.map(([kind, most]) => `echo ${most} > /proc/sys/user/max_inotify_${kind}`));
  const namespace = inotify.length > 0 ? ['unshare', '-U', '-r'] : [];
  const limited = limits.length === 0 ? [] : [...namespace, 'sh', '-c', `${limits.join('; ')}; exec "$0" "$@"`];
  const command = user === undefined ? programCommand : publicProgram();
  const [program = '', ...words] = [...limited, ...command, ...args];
  const child = spawn(program, words, {
    env: { PATH: process.env.PATH, ...env },
    cwd,
    stdio: ['ignore', file ?? 'pipe', 'pipe'],
    ...(user !== undefined && { uid: user, gid: user }),
  });
  if (file !== undefined) closeSync(file);
  running.add(child);
  const output = { stdout: '', stderr: '' };
  let ended = false;
  const waiting: {
    stream: keyof typeof output;
    text: string;
    resolve(all: string): void;
    reject(error: Error): void;
  }[] = [];
  const settle = () => {
    for (const { stream, text, resolve, reject } of waiting) {
      if (output[stream].includes(text)) resolve(output[stream]);
      else if (ended) reject(new Error(`never printed ${text}: ${output.stdout}${output.stderr}`));
    }
  };
  const waitFor = (stream: keyof typeof output, text: string) =>
    new Promise<string>((resolve, reject) => {
      waiting.push({ stream, text, resolve, reject });
      settle();
    });
  const read = (stream: keyof typeof output) => {
    child[stream]?.setEncoding('utf8').on('data', (text: string) => {
      output[stream] += text;
      settle();
    });
  };
  read('stderr');
  if (!options.holdStdout) read('stdout');
  if (options.closeStdout) child.stdout?.destroy();
  const result = new Promise<CliResult>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', code => {
      running.delete(child);
      ended = true;
      settle();
      resolve({ code, ...output });
    });
  });
  return {
    pid: child.pid ?? 0,
    result,
    kill: signal => {
      child.kill(signal);
    },
    prints: text => waitFor('stderr', text),
    printed: text => waitFor('stdout', text),
    writes: async () => {
      if (child.stdout) await once(child.stdout, 'readable');
    },
    readStdout: () => read('stdout'),
  };
}

/** Runs the built program to its end. */
export function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return startCli(args, options).result;
}

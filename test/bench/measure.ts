import { spawn } from 'node:child_process';

/** One run of a program, as the operating system accounts for it. */
export interface Run {
  wallMs: number;
  /** Of the program and of the processes that it waited for. */
  cpuMs: number;
  /** Of the largest process. */
  peakRssBytes: number;
}

/** A program to run, in exactly this environment. */
export interface Program {
  /** The first word is a path: nothing looks it up. */
  command: readonly [string, ...string[]];
  env: Readonly<Record<string, string>>;
}

/**
 * Runs a program to its end.
 * @throws Error where its exit status is not 0, with the end of its standard error
 */
export type Measure = (program: Program) => Promise<Run>;

/** How much of a failed program's standard error is shown. */
const SHOWN_CHARACTERS = 2_000;

/** @param timed the program that `timed.c` makes */
export function createMeasure(timed: string): Measure {
  return ({ command, env }) => {
    const child = spawn(timed, command, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const kill = () => child.kill('SIGKILL');
    process.once('exit', kill);
    let result = '';
    let errors = '';
    child.stdout.on('data', chunk => {
      result += chunk;
    });
    child.stderr.on('data', chunk => {
      errors = `${errors}${chunk}`.slice(-SHOWN_CHARACTERS);
    });
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', () => {
        process.off('exit', kill);
        const { exitCode, ...run } = result
          ? (JSON.parse(result) as Run & { exitCode: number })
          : { exitCode: 'timed' };
        if (exitCode === 0) resolve(run as Run);
        else reject(new Error(`${command.slice(0, 4).join(' ')} … ended with ${exitCode}: ${errors.trim()}`));
      });
    });
  };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** One run of a program, as the operating system accounts for it. */
export interface Run {
  wallMs: number;
  cpuMs: number;
  /** Of the largest process. */
  peakRssBytes: number;
  exitCode: number;
}

/** A program to run, in a clean environment. */
export interface Program {
  command: readonly string[];
  env: Record<string, string>;
  cwd?: string;
}

const POLL_RSS_MS = 10;

/** Runs a program to its end; its output is thrown away. */
export function measure({ command, env, cwd }: Program): Promise<Run> {
  // bash's own `time` tells the processor time of what it waited for.
  const child = spawn('/bin/bash', ['-c', 'TIMEFORMAT="%U %S"; time "$@" >/dev/null 2>&1', 'bash', ...command], {
    env,
    cwd,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const startedAt = performance.now();
  let times = '';
  let peakRssBytes = 0;
  child.stderr.on('data', data => {
    times += data;
  });
  const poll = setInterval(() => {
    peakRssBytes = Math.max(peakRssBytes, ...childrenOf(child.pid).map(rssPeak));
  }, POLL_RSS_MS);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', code => {
      clearInterval(poll);
      const wallMs = performance.now() - startedAt;
      const [user = 0, system = 0] = times.trim().split(/\s+/).slice(-2).map(Number);
      resolve({ wallMs, cpuMs: (user + system) * 1000, peakRssBytes, exitCode: code ?? 1 });
    });
  });
}

function childrenOf(pid: number | undefined): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** The process's high-water mark so far. */
function rssPeak(pid: number): number {
  try {
    return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Counts } from './race.ts';

const here = fileURLToPath(new URL('.', import.meta.url));

/** An S3 server in a process of its own. */
export interface Store {
  url: string;
  /** Forgets all objects and counters. */
  reset(): Promise<void>;
  /** Counts anew; the objects stay. */
  resetCounters(): Promise<void>;
  /** What it saw since the last reset, but for the requests that ask for that; undefined where it does not count. */
  stats(): Promise<Counts | undefined>;
  pid(): number | undefined;
  stop(): void;
}

/** Where a sink runs; in this very network unless said. */
export interface Place {
  host: string;
  /** What goes before its command. */
  within: readonly string[];
}

const HERE: Place = { host: 'localhost', within: [] };

/** The libraries that each of the C programs beside this file needs. */
const LIBRARIES = { timed: [], line: [], s3sink: ['-lpthread', '-lssl', '-lcrypto', '-lz'] } as const;

/**
 * Compiles a C program beside this file.
 * @returns its path
 * @throws Error that says what to install
 */
export function compile(name: keyof typeof LIBRARIES, folder: string): string {
  const binary = join(folder, name);
  const args = ['-O2', '-o', binary, join(here, `${name}.c`), ...LIBRARIES[name]];
  const { status, stderr, error } = spawnSync('cc', args, { encoding: 'utf8' });
  if (status === 0) return binary;
  throw new Error(
    `the benchmark needs a C compiler, OpenSSL and zlib (Debian: apt-get install gcc libc6-dev libssl-dev zlib1g-dev): ${error?.message ?? stderr}`,
  );
}

/** Starts the sink, a look-alike of S3 that costs next to nothing; `options` are its own (`--rtt 20`, …). */
export async function startSink(
  binary: string,
  port: number,
  options: readonly string[] = [],
  { host, within }: Place = HERE,
): Promise<Store> {
  const [program = '', ...args] = [...within, binary, '--port', String(port), ...options];
  const child = spawn(program, host === 'localhost' ? args : [...args, '--host', host], { stdio: 'ignore' });
  const tls = options.includes('--tls');
  const url = `${tls ? 'https' : 'http'}://${host}:${port}`;
  const call = async (method: string, path: string) => {
    const { request } = tls ? await import('node:https') : await import('node:http');
    return new Promise<string>((resolve, reject) => {
      // A connection of its own: the sink leaves out the one that asks for the counters.
      const sent = request(`${url}${path}`, { method, rejectUnauthorized: false, agent: false }, answer => {
        let text = '';
        answer.on('data', data => {
          text += data;
        });
        answer.on('end', () => resolve(text));
      });
      sent.on('error', reject);
      sent.end();
    });
  };
  for (let tries = 0; ; tries++) {
    try {
      await call('GET', '/__stats');
      break;
    } catch (error) {
      if (tries === 50) throw error;
      await new Promise(resolve => setTimeout(resolve, 50));
    }
  }
  let since = { requests: 0, connections: 0 };
  const counters = async () =>
    JSON.parse(await call('GET', '/__stats')) as Counts & { firstBodyMs: number; lastBodyMs: number };
  return {
    url,
    async reset() {
      await call('POST', '/__reset');
      since = { requests: 0, connections: 0 };
    },
    async resetCounters() {
      const { requests, connections } = await counters();
      // The connection of this question counts from now on.
      since = { requests, connections: connections + 1 };
    },
    async stats() {
      const { requests, connections, firstBodyMs, lastBodyMs } = await counters();
      return {
        requests: requests - since.requests,
        connections: connections - since.connections,
        firstByteAt: firstBodyMs,
        lastByteAt: lastBodyMs,
      };
    },
    pid: () => child.pid,
    stop: () => child.kill(),
  };
}

/** The embedded sandbox in a process of its own: S3 where there is no sink, and the recordings server. */
export async function startSandboxProcess(
  cli: readonly string[],
): Promise<{ environment: Record<string, string>; pid: number | undefined; stop(): void }> {
  const [program = '', ...args] = cli;
  const child = spawn(program, [...args, 'sandbox', '--json', '--discard'], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  for await (const chunk of child.stdout) {
    text += chunk;
    try {
      const { result } = JSON.parse(text) as { result: { environment: Record<string, string> } };
      return { environment: result.environment, pid: child.pid, stop: () => child.kill() };
    } catch {
      // not all of it yet
    }
  }
  throw new Error('the sandbox did not start');
}

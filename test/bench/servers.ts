import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));

/** An S3 look-alike that costs next to nothing, in a process of its own. */
export interface Sink {
  url: string;
  /** Forgets all objects and counters. */
  reset(): Promise<void>;
  /** Counts anew; the objects stay. */
  resetCounters(): Promise<void>;
  /** Requests and connections since the last reset, but for those that ask for them. */
  stats(): Promise<{ requests: number; connections: number }>;
  pid: number | undefined;
  stop(): void;
}

/** The libraries that each of the C programs beside this file needs. */
const LIBRARIES = { timed: [], s3sink: ['-lpthread', '-lssl', '-lcrypto', '-lz'] } as const;

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

/** Starts the sink; `options` are its own (`--rtt 20`, …). */
export async function startSink(binary: string, port: number, options: readonly string[] = []): Promise<Sink> {
  const child = spawn(binary, ['--port', String(port), ...options], { stdio: 'ignore' });
  const tls = options.includes('--tls');
  const url = `${tls ? 'https' : 'http'}://localhost:${port}`;
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
  const counters = async () => JSON.parse(await call('GET', '/__stats')) as { requests: number; connections: number };
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
      const { requests, connections } = await counters();
      return { requests: requests - since.requests, connections: connections - since.connections };
    },
    pid: child.pid,
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

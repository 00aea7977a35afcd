import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
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
  stop(): void;
}

/** Builds `s3sink.c`; undefined where no C compiler or OpenSSL is there. */
export function buildSink(folder: string): string | undefined {
  const binary = join(folder, 's3sink');
  const built = spawnSync('cc', ['-O2', '-o', binary, join(here, 's3sink.c'), '-lpthread', '-lssl', '-lcrypto', '-lz']);
  return built.status === 0 ? binary : undefined;
}

/** Starts the sink; `options` are its own (`--rtt 20`, …). */
export async function startSink(binary: string, port: number, options: readonly string[] = []): Promise<Sink> {
  const child = spawn(binary, ['--port', String(port), ...options], { stdio: 'ignore' });
  const tls = options.includes('--tls');
  const url = `${tls ? 'https' : 'http'}://localhost:${port}`;
  const call = async (method: string, path: string) => {
    const { request } = tls ? await import('node:https') : await import('node:http');
    return new Promise<string>((resolve, reject) => {
      const sent = request(`${url}${path}`, { method, rejectUnauthorized: false }, answer => {
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
      since = await counters();
    },
    async stats() {
      const { requests, connections } = await counters();
      return { requests: requests - since.requests, connections: connections - since.connections };
    },
    stop: () => child.kill(),
  };
}

/** The embedded sandbox in a process of its own: S3 where there is no sink, and the recordings server. */
export async function startSandboxProcess(
  cli: readonly string[],
): Promise<{ environment: Record<string, string>; child: ChildProcess }> {
  const [program = '', ...args] = cli;
  const child = spawn(program, [...args, 'sandbox', '--json', '--discard'], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  for await (const chunk of child.stdout) {
    text += chunk;
    try {
      const { result } = JSON.parse(text) as { result: { environment: Record<string, string> } };
      return { environment: result.environment, child };
    } catch {
      // not all of it yet
    }
  }
  throw new Error('the sandbox did not start');
}

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Delivery } from '../../../src/core/delivery/delivery.ts';
import { contentHash } from '../../../src/core/payload/payload.ts';
import { openState } from '../../../src/state/open.ts';
import type { State } from '../../../src/state/state.ts';

const root = resolve(import.meta.dirname, '../../..');
const launcher = join(process.env.RECORDUPLOAD_TEST_ROOT ?? root, 'bin/recordupload.js');

export const EMAIL = 'operator@example.com';
export const TOKEN = 'fake-token-for-campaign';
const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

/** What a campaign has running and made; all of it ends with `clear`. */
const children = new Set<ChildProcess>();
let base: string | undefined;
const mounts = new Set<string>();

/** A small disk in memory, in a folder of its own. */
export function mountDisk(size: string): string {
  const dir = tempDir();
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=0700`, 'tmpfs', dir]);
  mounts.add(dir);
  return dir;
}

export function unmountDisk(dir: string): void {
  execFileSync('umount', [dir]);
  mounts.delete(dir);
}

/** A new folder in the campaign's own. */
export function tempDir(): string {
  base ??= mkdtempSync(join(tmpdir(), 'recordupload-campaign-'));
  return mkdtempSync(join(base, 'stage-'));
}

export async function clear(): Promise<void> {
  for (const child of children) child.kill('SIGKILL');
  await Promise.all([...children].map(child => (child.exitCode ?? child.signalCode) === null && once(child, 'exit')));
  for (const dir of mounts) unmountDisk(dir);
  if (base !== undefined) rmSync(base, { recursive: true, force: true });
  base = undefined;
}

export interface Received {
  recordingId: string;
  webhookId: string;
  /** Milliseconds since 1970. */
  at: number;
}

export interface ReceiverProcess {
  url: string;
  received(): Promise<Received[]>;
}

/** Starts a receiver; `delay` is milliseconds for each answer. */
export async function startReceiver(delay: number | 'never' = 0): Promise<ReceiverProcess> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'receiver-process.ts'), String(delay)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.add(child);
  const [port] = (await once(child.stdout, 'data')) as [Buffer];
  const url = `http://127.0.0.1:${Number(port.toString())}/recordings/webhook/`;
  return { url, received: async () => (await (await fetch(url)).json()) as Received[] };
}

export interface Run {
  child: ChildProcess;
  /** Milliseconds from start to end; status null where it was killed. */
  result: Promise<{ code: number | null; stdout: string; stderr: string; durationMs: number }>;
}

/** Starts the built program. */
export function start(args: readonly string[], env: NodeJS.ProcessEnv): Run {
  const startedAt = performance.now();
  const child = spawn(process.execPath, [launcher, ...args], {
    env: { PATH: process.env.PATH, HOME: '/nonexistent', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: tmpdir(),
  });
  children.add(child);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const result = once(child, 'close').then(([code]) => {
    children.delete(child);
    return { code: code as number | null, stdout, stderr, durationMs: performance.now() - startedAt };
  });
  return { child, result };
}

/** The environment of a machine with one endpoint; requests are signed, so that the receiver sees the webhook-id. */
export function machine(stateDir: string, url: string, more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  return {
    RECORDUPLOAD_STATE_DIR: stateDir,
    WEBHOOK_URL: url,
    WEBHOOK_TOKEN: TOKEN,
    WEBHOOK_SECRET: SECRET,
    ...more,
  };
}

const QUEUED_AT_ONCE = 250;

/** Queues `count` deliveries of recordings 1 … count in a state folder. */
export async function queue(stateDir: string, count: number, endpoints?: readonly string[]): Promise<void> {
  const state = await openState(stateDir);
  await queueIn(state, count, endpoints);
  await state.close();
}

export async function queueIn(
  state: Pick<State, 'outbox'>,
  count: number,
  endpoints: readonly string[] = ['default'],
): Promise<void> {
  const ids = Array.from({ length: count }, (_, index) => index + 1);
  // Those of one turn share a commit of SQLite; PostgreSQL has four connections for them.
  for (let from = 0; from < count; from += QUEUED_AT_ONCE) {
    await Promise.all(
      ids.slice(from, from + QUEUED_AT_ONCE).map(id => {
        const payload = { recording_id: id, title: `Meeting ${id}`, user_info: { email: EMAIL } };
        return state.outbox.enqueue({
          recordingId: String(id),
          endpoints,
          payload: JSON.stringify(payload),
          contentHash: contentHash(payload as never),
          now: Date.now(),
        });
      }),
    );
  }
}

/** All deliveries of a state folder. */
export async function deliveriesOf(stateDir: string): Promise<Delivery[]> {
  const state = await openState(stateDir);
  try {
    return await state.outbox.list({});
  } finally {
    await state.close();
  }
}

export function countBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  return Map.groupBy(items, key);
}

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Sandbox, startSandbox } from '../../../src/sandbox/sandbox.ts';
import { makeOld } from '../../support/make-old.ts';
import type { Command, Plan } from './plan.ts';

const root = resolve(import.meta.dirname, '../../..');
/** The built program; another build's where `RECORDUPLOAD_TEST_ROOT` names its folder. */
const launcher = join(process.env.RECORDUPLOAD_TEST_ROOT ?? root, 'bin/recordupload.js');

/** What the recording is called, in numbers and words; the server is told exactly this. */
export const ID = '42';
export const DETAILS = {
  title: 'Quarterly review',
  createdAt: '2025-10-25 01:55:59.374860',
  durationSeconds: 77,
  email: 'operator@example.com',
} as const;

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const children = new Set<ChildProcess>();
const folders = new Set<string>();

/** Ends what runs and removes what was made. */
export async function clear(): Promise<void> {
  for (const child of children) child.kill('SIGKILL');
  await Promise.all([...children].map(child => (child.exitCode ?? child.signalCode) === null && once(child, 'exit')));
  for (const dir of folders) rmSync(dir, { recursive: true, force: true });
}

export interface Ended {
  /** Null where a signal ended it. */
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface Run {
  kill(signal: NodeJS.Signals): void;
  hasEnded(): boolean;
  ended: Promise<Ended>;
}

/** A recorder's machine with one recording on it, a bucket and a recordings server. */
export interface Machine {
  sandbox: Sandbox;
  /** The recording's folder. */
  dir: string;
  stateDir: string;
  start(command: Command): Run;
  /** As if so much time had passed, as far as the servers can tell. */
  passTime(ms: number): void;
  remove(): Promise<void>;
}

export async function setUp({ seed, files, concurrency, etags }: Plan): Promise<Machine> {
  const home = realpathSync(mkdtempSync(join(tmpdir(), 'recordupload-crash-')));
  folders.add(home);
  let passedMs = 0;
  const sandbox = await startSandbox({
    s3: { etags },
    receiver: { signature: { secrets: [SECRET] } },
    now: () => Date.now() + passedMs,
  });
  const { s3, receiver } = sandbox;
  const dir = join(home, ID);
  mkdirSync(dir);
  for (const [name, sizeBytes] of Object.entries(files)) writeFileSync(join(dir, name), contents(sizeBytes, seed));
  makeOld(dir);

  const stateDir = join(home, 'state');
  const env = {
    PATH: process.env.PATH,
    HOME: home,
    RECORDUPLOAD_STATE_DIR: stateDir,
    RECORDUPLOAD_ENDPOINT: s3.url,
    RECORDUPLOAD_REGION: s3.region,
    RECORDUPLOAD_BUCKET: s3.bucket,
    RECORDUPLOAD_USER_EMAIL: DETAILS.email,
    AWS_ACCESS_KEY_ID: s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
    WEBHOOK_URL: receiver.url,
    WEBHOOK_TOKEN: receiver.token,
    WEBHOOK_SECRET: SECRET,
    ...(concurrency !== undefined && { RECORDUPLOAD_CONCURRENCY: String(concurrency) }),
  };
  const { title, createdAt, durationSeconds } = DETAILS;
  const details = ['--title', title, '--created-at', createdAt, '--duration', String(durationSeconds)];
  const args = { upload: ['upload', dir, ...details, '--json'], retry: ['retry', '--now', '--json'] };
  return {
    sandbox,
    dir,
    stateDir,
    start: command => startProgram(args[command], env, home),
    passTime: ms => {
      passedMs += ms;
    },
    async remove() {
      await sandbox.close();
      rmSync(home, { recursive: true, force: true });
      folders.delete(home);
    },
  };
}

/** Bytes in which no two places look alike. */
function contents(sizeBytes: number, seed: number): Buffer {
  const bytes = Buffer.alloc(sizeBytes, seed % 251);
  for (let at = 0; at + 8 <= sizeBytes; at += 4096) {
    bytes.writeUInt32LE(at, at);
    bytes.writeUInt32LE(Math.imul(at + seed, 2_654_435_761) >>> 0, at + 4);
  }
  return bytes;
}

function startProgram(args: readonly string[], env: NodeJS.ProcessEnv, cwd: string): Run {
  const child = spawn(process.execPath, [launcher, ...args], { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  children.add(child);
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  let over = false;
  const ended = once(child, 'close').then(([code, signal]): Ended => {
    over = true;
    children.delete(child);
    return { code: code as number | null, signal: signal as NodeJS.Signals | null, stdout, stderr };
  });
  return {
    kill: signal => {
      child.kill(signal);
    },
    hasEnded: () => over,
    ended,
  };
}

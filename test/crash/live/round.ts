import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Sandbox, startSandbox } from '../../../src/sandbox/sandbox.ts';
import { type Clip, startWriter, type Writer } from '../../support/ffmpeg-writer.ts';
import type { LivePlan } from './plan.ts';

export interface LiveResult {
  plan: LivePlan;
  kills: number;
  problems: string[];
  /** Parts that were in the bucket before the recording was finished. */
  keptParts: number;
  log: string[];
}

const ID = '42';
const LATE_ID = '43';
/** So long after the last event all has to be in the bucket, on a busy machine too. */
const PATIENCE_MS = 90_000;
const STOPS_WITHIN_MS = 20_000;

/** Records, kills, waits for the end, and looks at everything that is left. */
export async function playLiveRound(plan: LivePlan, main: string, clip: Clip): Promise<LiveResult> {
  const home = mkdtempSync(join(tmpdir(), 'live-'));
  const sandbox = await startSandbox({ receiver: { users: 'any' } });
  const worker = new Worker(main, home, sandbox);
  const writers: Writer[] = [];
  const problems: string[] = [];
  let kills = 0;
  try {
    const dir = join(worker.root, ID);
    mkdirSync(dir, { recursive: true });
    worker.start();
    const begin = () => {
      const writer = startWriter(plan.container, dir, clip, plan);
      writers.push(writer);
      return writer;
    };
    const startedAt = performance.now();
    const until = (atMs: number) => sleep(Math.max(0, startedAt + atMs - performance.now()));
    const writing = async () => {
      const first = begin();
      if (!plan.writerKill) return void (await first.ended);
      await Promise.race([until(plan.writerKill.atMs), first.ended]);
      if (first.child.kill('SIGKILL')) kills++;
      await first.ended;
      if (plan.writerKill.again) await begin().ended;
    };
    const killing = async () => {
      for (const { atMs, pauseMs } of plan.workerKills) {
        await until(atMs);
        if (await worker.kill()) kills++;
        await sleep(pauseMs);
        worker.start();
      }
    };
    const recording = async () => {
      await writing();
      if (plan.lateId) writeFileSync(join(dir, 'recording.json'), JSON.stringify({ recording_id: Number(LATE_ID) }));
      if (plan.isEnqueued) problems.push(...(await worker.run(['enqueue', dir])));
    };
    await Promise.all([recording(), killing()]);
    const path = writers.at(-1)?.path ?? '';
    // A writer that is killed at once has written nothing.
    const bytes = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
    if (bytes.length > 0) problems.push(...(await isWhole(sandbox, plan, bytes, path)));
    problems.push(...(await worker.stop()));
    if (bytes.length > 0 && problems.length === 0) problems.push(...stateProblems(worker.stateDir));
    const log = worker.log();
    if (problems.length === 0) await rm(home);
    return { plan, kills, problems, keptParts: keptIn(log), log };
  } finally {
    for (const { child } of writers) child.kill('SIGKILL');
    await worker.kill();
    await sandbox.close();
    await rm(home);
  }
}

const rm = async (dir: string) => rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

/** Waits until the bucket has the file's bytes, nothing else is left in it, and the server knows. */
async function isWhole(
  { s3, receiver }: Sandbox,
  { lateId }: LivePlan,
  bytes: Buffer,
  path: string,
): Promise<string[]> {
  const name = path.split('/').at(-1);
  const [id, other] = lateId ? [LATE_ID, ID] : [ID, LATE_ID];
  let problems: string[] = [];
  for (const until = performance.now() + PATIENCE_MS; performance.now() < until; await sleep(100)) {
    problems = [];
    const object = await s3.read(`${id}/${name}`).catch(() => undefined);
    if (!object) problems.push(`${id}/${name} is not in the bucket`);
    else if (digest(object) !== digest(bytes)) problems.push(`${id}/${name} has other bytes`);
    if (!lateId && s3.objects().some(({ key }) => key.startsWith(`${other}/`))) problems.push('objects of another ID');
    for (const { key, parts } of s3.uploads()) problems.push(`an upload of ${key} with ${parts.length} parts is left`);
    const told = receiver.recording(Number(id))?.payload as { file_info?: { total_size_mb: number } } | undefined;
    const mebibytes = Math.round((bytes.length / 1024 / 1024) * 100) / 100;
    if (told?.file_info?.total_size_mb !== mebibytes) problems.push(`the server knows ${JSON.stringify(told)}`);
    if (problems.length === 0) return [];
  }
  return problems;
}

function stateProblems(stateDir: string): string[] {
  const sql = new DatabaseSync(join(stateDir, 'state.db'), { readOnly: true });
  try {
    const rows = (query: string) =>
      sql
        .prepare(query)
        .all()
        .map(row => Object.values(row).join(' '));
    return [
      ...rows('PRAGMA integrity_check').filter(text => text !== 'ok'),
      ...rows(
        "SELECT 'recording', id, state, claimed_by FROM recordings WHERE state <> 'done' OR claimed_by IS NOT NULL",
      ),
      ...rows("SELECT 'open upload', name, upload_id FROM multipart_uploads"),
      ...rows("SELECT 'part', name, number FROM parts"),
      ...rows("SELECT 'queue', dir, state, reason FROM queue"),
    ];
  } finally {
    sql.close();
  }
}

function keptIn(log: readonly string[]): number {
  return log
    .map(line => JSON.parse(line) as { keptParts?: number })
    .reduce((sum, { keptParts = 0 }) => sum + keptParts, 0);
}

/** `recordupload watch` over a folder; it can be killed and started again. */
class Worker {
  readonly root: string;
  readonly stateDir: string;
  readonly #main: string;
  readonly #env: NodeJS.ProcessEnv;
  #child: ChildProcess | undefined;
  #said = '';

  constructor(main: string, home: string, { s3, receiver }: Sandbox) {
    this.#main = main;
    this.root = join(home, 'recordings');
    this.stateDir = join(home, 'state');
    this.#env = {
      PATH: process.env.PATH,
      HOME: home,
      RECORDUPLOAD_STATE_DIR: this.stateDir,
      RECORDUPLOAD_ENDPOINT: s3.url,
      RECORDUPLOAD_BUCKET: s3.bucket,
      RECORDUPLOAD_USER_EMAIL: 'operator@example.com',
      RECORDUPLOAD_SETTLE: '0.5s',
      AWS_ACCESS_KEY_ID: s3.accessKeyId,
      AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
      WEBHOOK_URL: receiver.url,
      WEBHOOK_TOKEN: receiver.token,
    };
  }

  start(): void {
    const child = this.#spawn(['watch', this.root]);
    this.#said = '';
    child.stderr?.setEncoding('utf8').on('data', text => {
      this.#said = `${this.#said}${text}`.slice(-4_000);
    });
    this.#child = child;
  }

  /** @returns whether it was alive */
  async kill(): Promise<boolean> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return false;
    const ended = new Promise(resolve => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
    return true;
  }

  /** @returns what was wrong with its end */
  async stop(): Promise<string[]> {
    const child = this.#child;
    if (!child) return [];
    // Before it has said so, it may not listen to signals yet.
    while (!this.#said.includes('watching') && child.exitCode === null) await sleep(20);
    if (child.exitCode !== null) return [`the worker ended by itself with ${child.exitCode}: ${this.#said}`];
    const ended = new Promise<number | null>(resolve => child.once('exit', resolve));
    child.kill('SIGTERM');
    const code = await Promise.race([ended, sleep(STOPS_WITHIN_MS, 'late' as const, { ref: false })]);
    if (code === 'late') await this.kill();
    return code === 0 ? [] : [`SIGTERM ended the worker with ${code}: ${this.#said}`];
  }

  /** Runs another command to its end. */
  async run(args: string[]): Promise<string[]> {
    const child = this.#spawn(args);
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', text => {
      said += text;
    });
    const code = await new Promise(resolve => child.once('exit', resolve));
    return code === 0 ? [] : [`${args[0]} ended with ${code}: ${said}`];
  }

  log(): string[] {
    const file = join(this.stateDir, 'logs', 'app.log');
    return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
  }

  #spawn(args: string[]): ChildProcess {
    return spawn(process.execPath, [this.#main, ...args], { env: this.#env, stdio: ['ignore', 'ignore', 'pipe'] });
  }
}

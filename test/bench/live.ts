import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ReceiverSandbox } from '../../src/sandbox/sandbox.ts';
import { type Clip, startWriter } from '../support/ffmpeg-writer.ts';
import { processCpuMs } from './machine.ts';
import type { Measure, Program, Run } from './measure.ts';
import { OURS } from './programs.ts';
import { type Counts, type Race, rowsOf, type Turn } from './race.ts';
import type { Store } from './servers.ts';
import type { LiveWorkload } from './workload.ts';

/** What the races of recordings in progress share. */
export interface LiveRaces {
  measure: Measure;
  sink: Store;
  receiver: ReceiverSandbox;
  clip: Clip;
  /** The folder of all recordings: one of them, one below the other. */
  source: string;
  stateDir: string;
  cli: readonly [string, string];
  env: Readonly<Record<string, string>>;
  /** Uploads `source` as it is. */
  peers: ReadonlyMap<string, Program>;
  runs: number;
}

const RECORDED_BYTES_PER_SECOND = 10e6;
const LOOK_EVERY_MS = 5;
const PATIENCE_MS = 120_000;

/**
 * A writer records into a folder that the worker watches. Ours is the time from the writer's last byte to the 201 of the
 * recordings server; the others upload the finished file, from their start to their end.
 * Processor time and memory of ours are those of the worker over the whole recording.
 */
export async function raceLive(workload: LiveWorkload, races: LiveRaces): Promise<Race> {
  const { sink, measure, peers, runs } = races;
  const counts = new Map<string, Counts>();
  const turns: Turn[] = [];
  for (let turn = 0; turn < runs; turn++) {
    const taken = new Map<string, Run>();
    await sink.reset();
    taken.set(OURS, await recordOnce(workload, races));
    counts.set(OURS, (await sink.stats()) as Counts);
    for (const [name, program] of peers) {
      await sink.reset();
      taken.set(name, await measure(program));
      counts.set(name, (await sink.stats()) as Counts);
    }
    turns.push({ runs: taken, otherCores: 0, isQuiet: true });
  }
  const rows = rowsOf(workload.title, [OURS, ...peers.keys()], turns, { bytes: 0, counts });
  return { rows, otherCores: 0 };
}

async function recordOnce(
  { container, isEnqueued, videoBytes }: LiveWorkload,
  { receiver, clip, source, stateDir, cli: [node, launcher], env }: LiveRaces,
): Promise<Run> {
  for (const dir of [source, stateDir]) rmSync(dir, { recursive: true, force: true });
  receiver.resetRequests();
  // The server knows the recordings of the runs before: to them it would answer 200.
  const dir = join(source, `standup-${receiver.recordings().length + 1}`);
  mkdirSync(source);
  const worker = spawn(node, [launcher, 'watch', source], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  const kill = () => worker.kill('SIGKILL');
  process.once('exit', kill);
  try {
    await watches(worker);
    mkdirSync(dir);
    const writing = { bytes: videoBytes, bytesPerSecond: RECORDED_BYTES_PER_SECOND };
    const writer = startWriter(container, dir, clip, writing);
    const status = await writer.ended;
    if (status !== 0) throw new Error(`the writer ended with ${status}`);
    // Without this, a note in the state by another process, the closing of the file is all that tells.
    if (isEnqueued) spawn(node, [launcher, 'enqueue', dir], { env, stdio: 'ignore' });
    const wallMs = (await acceptedAt(receiver)) - statSync(writer.path).mtimeMs;
    const [, peak = '0'] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${worker.pid}/status`, 'utf8')) ?? [];
    return { wallMs, cpuMs: processCpuMs(worker.pid), peakRssBytes: Number(peak) * 1024 };
  } finally {
    process.off('exit', kill);
    const ended = new Promise(resolve => worker.once('exit', resolve));
    worker.kill('SIGTERM');
    await ended;
  }
}

/** Resolves once the worker has said that it watches. */
function watches({ stderr }: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = '';
    stderr?.on('data', chunk => {
      said = `${said}${chunk}`.slice(-2_000);
      if (said.includes('watching')) resolve();
    });
    stderr?.once('close', () => reject(new Error(`the worker ended: ${said}`)));
  });
}

/** When the recordings server has answered 201, in milliseconds since 1970. */
async function acceptedAt(receiver: ReceiverSandbox): Promise<number> {
  for (const until = Date.now() + PATIENCE_MS; Date.now() < until; await sleep(LOOK_EVERY_MS)) {
    if (receiver.requests().some(({ status }) => status === 201)) return Date.now();
  }
  throw new Error('the recordings server was told nothing');
}

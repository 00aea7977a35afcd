import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openDatabase } from '../../src/state/postgres/database.ts';
import { postgresStateOver } from '../../src/state/postgres/postgres-state.ts';
import { databaseOptions } from '../../src/state/postgres/settings.ts';
import { clear, queueIn, startReceiver } from '../delivery/campaign/stage.ts';
import { type Cluster, startCluster } from '../support/postgres.ts';
import type { Build } from './builds.ts';
import { fillFleet } from './fill-fleet.ts';
import { type Measure, median, type Program } from './measure.ts';
import { FIXTURE } from './recordings.ts';
import type { Verdict } from './verdicts.ts';

const DUE = 10_000;
const SENDERS = 8;
const RECORDINGS = 1_000_000;
const IDLE_MACHINES = 20;
/** An idle worker asks every 240 s. */
const IDLE_MS = 300_000;
/** Deliveries a second of the whole fleet, the programs' start included. */
const WANTED = 300;
const MS_EACH = Number((1000 / WANTED).toFixed(2));
/** Beside the old build: half of this is what two runs of one build differ by. */
const AS_FAST = 1.1;
const LARGE_TO_EMPTY = 2;

export interface FleetBench {
  measure: Measure;
  ours: Build;
  old: Build | undefined;
  /** What every program has in its environment. */
  base: Readonly<Record<string, string>>;
  /** Of a sandbox. */
  environment: Readonly<Record<string, string>>;
  folder: string;
  runs: number;
  /** From 0 to 1: the share of deliveries, recordings and time, to try the benchmark itself. */
  scale: number;
  say(line: string): void;
}

/**
 * A fleet whose state is in a PostgreSQL of this machine: how fast eight machines send what is due, what a large state costs,
 * and how often an idle fleet asks. `npm run bench -- --only fleet`; about 25 minutes, most of them for a million recordings.
 */
export async function measureFleet(bench: FleetBench): Promise<Verdict[]> {
  const cluster = await startCluster({
    isDurable: true,
    settings: [
      'max_connections = 300',
      "shared_buffers = '256MB'",
      "max_wal_size = '4GB'",
      "shared_preload_libraries = 'pg_stat_statements'",
    ],
  });
  // An interrupted benchmark leaves nothing behind; the server ends with it.
  process.once('exit', () => rmSync(cluster.dir, { recursive: true, force: true, maxRetries: 5 }));
  try {
    return [
      ...(await sendOnFleet(bench, cluster)),
      ...(await sendOnSqlite(bench)),
      ...(await largeState(bench, cluster)),
      ...(await idleFleet(bench, cluster)),
    ];
  } finally {
    await clear();
    await cluster.remove();
  }
}

const verdict = (workload: string, goal: string, atMost: number, measured: number): Verdict => ({
  kind: 'budget',
  workload,
  goal,
  atMost,
  measured,
  isMet: measured <= atMost,
});

async function sendOnFleet(bench: FleetBench, cluster: Cluster): Promise<Verdict[]> {
  const { ours, folder, scale, say } = bench;
  const due = Math.ceil(DUE * scale);
  const url = cluster.url(await cluster.createDatabase());
  const fleet = { url, machine: 'onlooker', sharedFolders: false, program: 'bench' };
  const state = postgresStateOver(await openDatabase(databaseOptions(fleet, process.pid)));
  await queueIn(state, due);
  await state.close();
  const rate = await send(bench, due, number => ({
    cli: ours.cli,
    env: {
      RECORDUPLOAD_STATE_DIR: mkdtempSync(join(folder, 'machine-')),
      RECORDUPLOAD_STATE_URL: url,
      RECORDUPLOAD_MACHINE: `studio-${number}`,
    },
  }));
  say(`a fleet of ${SENDERS}: ${due} deliveries, each received once, ${rate.toFixed(0)} a second`);
  const title = `${due} due deliveries, ${SENDERS} machines, PostgreSQL`;
  return [verdict(title, 'milliseconds for each delivery', MS_EACH, 1000 / rate)];
}

async function sendOnSqlite(bench: FleetBench): Promise<Verdict[]> {
  const { ours, old, folder, scale, say, runs } = bench;
  const due = Math.ceil(DUE * scale);
  const rateOf = async ({ cli, folder: source }: Build) => {
    const stateDir = mkdtempSync(join(folder, 'machine-'));
    // Its own, because an old build does not read a newer schema.
    const { openState } = (await import(join(source, 'src/state/open.ts'))) as typeof import('../../src/state/open.ts');
    const state = await openState(stateDir);
    await queueIn(state, due);
    await state.close();
    return await send(bench, due, () => ({ cli, env: { RECORDUPLOAD_STATE_DIR: stateDir } }));
  };
  const ratios: number[] = [];
  for (let turn = 0; turn < Math.min(runs, 3); turn++) {
    const rate = await rateOf(ours);
    say(`one machine, SQLite: ${due} deliveries by ${SENDERS} processes, ${rate.toFixed(0)} a second`);
    if (!old) return [];
    const before = await rateOf(old);
    say(`the same with the old build: ${before.toFixed(0)} a second`);
    ratios.push(before / rate);
  }
  return [
    verdict(`${due} due deliveries, ${SENDERS} processes, SQLite`, 'wall time, × old build', AS_FAST, median(ratios)),
  ];
}

/** @returns deliveries a second, the start of the programs included. @throws Error if one is received twice, or not at all */
async function send(
  { base }: FleetBench,
  due: number,
  senderOf: (number: number) => { cli: readonly [string, string]; env: Record<string, string> },
): Promise<number> {
  const receiver = await startReceiver();
  const startedAt = performance.now();
  const senders = Array.from({ length: SENDERS }, (_, index) => {
    const { cli, env } = senderOf(index + 1);
    return ended(
      spawn(cli[0], [cli[1], 'retry', '--quiet'], {
        env: { ...base, WEBHOOK_URL: receiver.url, WEBHOOK_TOKEN: 'fake-token-for-bench', ...env },
        stdio: ['ignore', 'ignore', 'inherit'],
      }),
    );
  });
  const codes = await Promise.all(senders);
  const seconds = (performance.now() - startedAt) / 1000;
  const received = await receiver.received();
  const different = new Set(received.map(({ recordingId }) => recordingId)).size;
  if (received.length !== due || different !== due || codes.some(code => code !== 0))
    throw new Error(`${received.length} webhooks of ${different} recordings came in, of ${due}; exits ${codes}`);
  return due / seconds;
}

async function largeState(bench: FleetBench, cluster: Cluster): Promise<Verdict[]> {
  const { measure, ours, base, environment, folder, scale, say, runs } = bench;
  const recordings = Math.ceil(RECORDINGS * scale);
  const programOf = (name: string, database: string) => {
    const env = {
      ...base,
      ...environment,
      RECORDUPLOAD_USER_EMAIL: 'operator@example.com',
      RECORDUPLOAD_STATE_DIR: mkdtempSync(join(folder, 'machine-')),
      RECORDUPLOAD_STATE_URL: cluster.url(database),
      RECORDUPLOAD_MACHINE: name,
    };
    return (args: readonly string[]): Program => ({ command: [...ours.cli, ...args], env });
  };
  const [full, empty] = [await cluster.createDatabase(), await cluster.createDatabase()];
  // Another machine each: both are in one bucket.
  const [onFull, onEmpty] = [programOf('studio-0', full), programOf('studio-1', empty)];
  for (const program of [onFull, onEmpty]) await measure(program(['retry']));
  const startedAt = performance.now();
  await fillFleet(cluster, full, recordings);
  const [size] = await cluster.run(`SELECT pg_database_size('${full}')::float8 AS bytes`);
  const each = (Number(size?.bytes) / recordings / 1024).toFixed(1);
  say(`${recordings} recordings made in ${((performance.now() - startedAt) / 1000).toFixed(0)} s, ${each} KiB each`);
  const verdicts: Verdict[] = [];
  for (const args of [['status'], ['list'], ['upload', FIXTURE, '--force'], ['retry']]) {
    const ratios: number[] = [];
    for (let turn = 0; turn <= runs; turn++) {
      const large = await measure(onFull(args));
      const small = await measure(onEmpty(args));
      if (turn > 0) ratios.push(large.wallMs / small.wallMs);
    }
    const ratio = median(ratios);
    say(`${args[0]} on ${recordings} recordings: ${ratio.toFixed(2)} × an empty state`);
    verdicts.push(
      verdict(`${args[0]} on ${recordings} recordings`, 'wall time, × an empty state', LARGE_TO_EMPTY, ratio),
    );
  }
  return verdicts;
}

async function idleFleet(
  { ours, base, environment, folder, scale, say }: FleetBench,
  cluster: Cluster,
): Promise<Verdict[]> {
  const database = await cluster.createDatabase();
  await cluster.run('CREATE EXTENSION IF NOT EXISTS pg_stat_statements');
  const workers = Array.from({ length: IDLE_MACHINES }, (_, index) => {
    const home = mkdtempSync(join(folder, 'machine-'));
    const root = join(home, 'recordings');
    mkdirSync(root);
    return spawn(ours.cli[0], [ours.cli[1], 'watch', '--quiet', root], {
      env: {
        ...base,
        ...environment,
        RECORDUPLOAD_USER_EMAIL: 'operator@example.com',
        RECORDUPLOAD_STATE_DIR: join(home, 'state'),
        RECORDUPLOAD_STATE_URL: cluster.url(database),
        RECORDUPLOAD_MACHINE: `studio-${index + 1}`,
      },
      stdio: 'ignore',
    });
  });
  const end = () => {
    for (const worker of workers) worker.kill('SIGTERM');
  };
  process.once('exit', end);
  const calls = async () => {
    const [row] = await cluster.run(
      `SELECT COALESCE(SUM(calls), 0)::float8 AS calls FROM pg_stat_statements
       WHERE toplevel AND dbid = (SELECT oid FROM pg_database WHERE datname = '${database}')`,
    );
    return Number(row?.calls);
  };
  try {
    // They start one after the other on two cores, and look for what was left.
    await sleep(60_000 * Math.max(scale, 0.3));
    const before = await calls();
    if (before === 0) throw new Error('no worker has asked anything');
    const idleMs = IDLE_MS * Math.max(scale, 0.1);
    await sleep(idleMs);
    const alive = workers.filter(({ exitCode }) => exitCode === null).length;
    if (alive < IDLE_MACHINES) throw new Error(`${IDLE_MACHINES - alive} workers have ended`);
    const rate = ((await calls()) - before) / (idleMs / 1000);
    say(`an idle fleet of ${IDLE_MACHINES}: ${rate.toFixed(2)} queries a second`);
    return [verdict(`an idle fleet of ${IDLE_MACHINES}`, 'queries a second', 1, rate)];
  } finally {
    end();
    process.off('exit', end);
    await Promise.all(workers.map(ended));
  }
}

async function ended(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  return await new Promise(resolve => child.once('close', resolve));
}

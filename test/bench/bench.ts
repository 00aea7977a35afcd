/**
 * `npm run bench [-- --all] [-- --runs N] [-- --only NAME] [-- --growth] [-- --readme]`: whole commands, side by side and
 * in turn within one run, under a clean environment; medians, ratios pair by pair, and which goals are met. Peers that
 * are not installed are left out. `--growth` runs ever more recordings, `--readme` puts the tables into README.md.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { replaceBlock } from '../../scripts/readme-blocks.ts';
import { makeCertificate } from '../support/certificate.ts';
import { growth } from './growth.ts';
import type { Program } from './measure.ts';
import { installedPeers, KEYS, onlyVideo, peerPrograms } from './peers.ts';
import { type Row, race } from './race.ts';
import { buildSink, type Sink, startSandboxProcess, startSink } from './servers.ts';
import { judge, tableOf, type Verdict, verdictTableOf } from './verdicts.ts';
import { LINES, makeRecordings, WORKLOADS, type Workload } from './workloads.ts';

const { values: options } = parseArgs({
  options: {
    all: { type: 'boolean' },
    runs: { type: 'string', default: '5' },
    only: { type: 'string' },
    growth: { type: 'boolean' },
    readme: { type: 'boolean' },
  },
});
const runs = Number(options.runs);
const root = fileURLToPath(new URL('../..', import.meta.url));
const cli = [process.execPath, join(root, 'bin/recordupload.js')] as const;
const folder = mkdtempSync(join(tmpdir(), 'recordupload-bench-'));
const home = join(folder, 'home');
const stateDir = join(folder, 'state');
mkdirSync(home);
const BASE = { PATH: process.env.PATH ?? '/usr/bin:/bin', HOME: home };
const peers = installedPeers();
const rows: Row[] = [];
const verdicts: Verdict[] = [];

function note(workload: Pick<Workload, 'name' | 'goals'>, measured: Row[]): void {
  const found = judge(workload, measured, rows);
  rows.push(...measured);
  verdicts.push(...found);
  console.log(tableOf(measured).split('\n').slice(2).join('\n'));
  for (const { goal, limit, measured: value, isMet } of found)
    console.log(`  ${isMet ? 'met' : 'MISSED'}: ${goal}: ${value.toFixed(2)} (at most ${limit})`);
}

/** How long commands take that have next to nothing to do, beside bare Node. */
async function startUp(environment: Record<string, string>): Promise<void> {
  const bare: Program = { command: [process.execPath, '-e', '0'], env: BASE };
  const empty = { ...BASE, RECORDUPLOAD_STATE_DIR: join(folder, 'empty-state') };
  const ours = (args: string[], env: Record<string, string>): Program => ({ command: [...cli, ...args], env });
  const fixture = ['upload', join(root, 'fixtures/recordings/3'), '--quiet'];
  for (const [name, program, node] of [
    ['--version', ours(['--version'], empty), 1.5],
    ['--help', ours(['--help'], empty), 1.5],
    ['status', ours(['status'], empty), 2.5],
    ['fixture', ours(fixture, { ...BASE, ...environment, RECORDUPLOAD_STATE_DIR: stateDir }), 6],
  ] as const) {
    const before = async () => rmSync(stateDir, { recursive: true, force: true });
    const programs = new Map([
      ['recordupload', program],
      ['node', bare],
    ]);
    note({ name, goals: { wall: { node } } }, await race(name, programs, { runs, bytes: 0, before }));
  }
}

async function upload(workload: Workload, sink: Sink, environment: Record<string, string>, cert: string) {
  const source = join(folder, 'source');
  const dirs = makeRecordings(source, workload);
  const env = {
    ...BASE,
    ...environment,
    ...KEYS,
    RECORDUPLOAD_ENDPOINT: sink.url,
    RECORDUPLOAD_STATE_DIR: stateDir,
    RECORDUPLOAD_USER_EMAIL: 'operator@example.com',
    ...(LINES[workload.line].tls && { RECORDUPLOAD_CA_FILE: cert }),
  };
  const afresh = async () => {
    await sink.reset();
    rmSync(stateDir, { recursive: true, force: true });
  };
  await afresh();
  const task = { source, url: sink.url, cert, video: onlyVideo(dirs), env: BASE };
  const programs = new Map<string, Program>([
    ['recordupload', { command: [...cli, 'upload', ...dirs, '--quiet'], env }],
    ...peerPrograms(
      task,
      workload.peers.filter(peer => peers.has(peer as never)),
    ),
  ]);
  const bytes = workload.repeated ? 0 : workload.recordings * workload.videoBytes;
  // The bytes of a repeated run are there since the turn that warms the caches; its requests are counted anew.
  const before = workload.repeated ? sink.resetCounters : afresh;
  note(workload, await race(workload.name, programs, { runs, bytes, before, after: sink.stats }));
  rmSync(source, { recursive: true, force: true });
}

function writeReport(): void {
  const machine = {
    cpu: cpus()[0]?.model,
    cores: cpus().length,
    node: process.version,
    peers: Object.fromEntries(peers),
  };
  const report = { date: new Date().toISOString(), machine, runs, rows, verdicts };
  writeFileSync(join(root, 'bench.json'), `${JSON.stringify(report, null, 2)}\n`);
  if (!options.readme) return;
  const file = join(root, 'README.md');
  const versions = [...peers.values()]
    .map(version => version.replace(/^(\S+).*?(\d+(?:\.\d+)+).*$/, '$1 $2'))
    .join(', ');
  const text = [
    `Measured on ${report.date.slice(0, 10)} with Node ${process.version} on ${cpus().length} cores that were shared with the server; medians of ${runs} (${versions}).`,
    tableOf(rows),
    verdictTableOf(verdicts),
  ].join('\n\n');
  writeFileSync(file, replaceBlock(readFileSync(file, 'utf8'), 'bench', text));
}

const sandbox = await startSandboxProcess(cli);
const sinks: Sink[] = [];
try {
  if (options.growth) await growth({ cli, base: BASE, folder, environment: sandbox.environment });
  else {
    if (!options.only) await startUp(sandbox.environment);
    const binary = buildSink(folder);
    if (!binary) console.log('no C compiler or OpenSSL here: the uploads are left out');
    const { cert, key } = makeCertificate(folder);
    let port = 20_000 + (process.pid % 10_000);
    for (const workload of binary ? WORKLOADS : []) {
      if (options.only ? !workload.name.includes(options.only) : workload.large && !options.all) continue;
      const { options: line, tls } = LINES[workload.line];
      const sink = await startSink(binary as string, port++, [...(tls ? ['--tls', cert, key] : []), ...line]);
      sinks.push(sink);
      await upload(workload, sink, sandbox.environment, cert);
      sink.stop();
    }
    writeReport();
    console.log(`\n${verdicts.filter(({ isMet }) => isMet).length} of ${verdicts.length} goals met; see bench.json`);
  }
} finally {
  for (const sink of sinks) sink.stop();
  sandbox.child.kill();
  rmSync(folder, { recursive: true, force: true });
}

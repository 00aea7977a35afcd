/**
 * `npm run bench [-- --all] [-- --runs N] [-- --only NAME]`: whole commands, side by side and in turn within one run
 * (A B C A B C), medians and ratios pair by pair. Peers that are not installed are left out.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { measure, median, type Program, type Run } from './measure.ts';
import { buildSink, makeCertificate, type Sink, startSandboxProcess, startSink } from './servers.ts';
import { LINES, makeRecordings, WORKLOADS, type Workload } from './workloads.ts';

const { values: options } = parseArgs({
  options: { all: { type: 'boolean' }, runs: { type: 'string', default: '5' }, only: { type: 'string' } },
});
const runs = Number(options.runs);
const root = fileURLToPath(new URL('../..', import.meta.url));
const node = process.execPath;
const cli = [node, join(root, 'bin/recordupload.js')] as const;
const folder = mkdtempSync(join(tmpdir(), 'recordupload-bench-'));
const home = join(folder, 'home');
mkdirSync(home);
const BASE = { PATH: process.env.PATH ?? '/usr/bin:/bin', HOME: home };
const KEYS = { AWS_ACCESS_KEY_ID: 'bench-access-key', AWS_SECRET_ACCESS_KEY: 'bench-secret-key' };

interface Row {
  workload: string;
  program: string;
  wallMs: number;
  cpuMs: number;
  peakRssMib: number;
  requests: number | undefined;
  connections: number | undefined;
  /** recordupload's wall time as a ratio to this program's, pair by pair. */
  ratio: number | undefined;
  goal: number | undefined;
}

const rows: Row[] = [];

/** Runs the programs in turn; the first one is ours. `before` makes things as they were. */
async function race(
  workload: string,
  programs: Map<string, Program>,
  goals: Record<string, number | undefined>,
  around: { before(): Promise<void>; after?(): Promise<{ requests: number; connections: number }> },
) {
  const results = new Map<string, Run[]>([...programs.keys()].map(name => [name, []]));
  const counts = new Map<string, { requests: number; connections: number }>();
  for (let turn = 0; turn <= runs; turn++) {
    for (const [name, program] of programs) {
      await around.before();
      const run = await measure(program);
      if (run.exitCode !== 0) throw new Error(`${workload}: ${name} ended with ${run.exitCode}`);
      if (around.after) counts.set(name, await around.after());
      // The first turn warms caches.
      if (turn > 0) results.get(name)?.push(run);
    }
  }
  const [ours = []] = results.values();
  for (const [index, [name, all]] of [...results].entries()) {
    const ratio = index === 0 ? undefined : median(all.map((run, turn) => (ours[turn] as Run).wallMs / run.wallMs));
    const row: Row = {
      workload,
      program: name,
      wallMs: median(all.map(run => run.wallMs)),
      cpuMs: median(all.map(run => run.cpuMs)),
      peakRssMib: median(all.map(run => run.peakRssBytes)) / 1024 ** 2,
      ...{ requests: counts.get(name)?.requests, connections: counts.get(name)?.connections },
      ratio,
      goal: goals[name],
    };
    rows.push(row);
    print(row);
  }
}

function print({ workload, program, wallMs, cpuMs, peakRssMib, requests, connections, ratio, goal }: Row): void {
  const verdict =
    ratio === undefined
      ? ''
      : `${ratio.toFixed(2)} ×${goal === undefined ? '' : ratio <= goal ? ` (goal ${goal}: met)` : ` (goal ${goal}: missed)`}`;
  const cells = [
    workload.padEnd(14),
    program.padEnd(12),
    `${wallMs.toFixed(0)} ms`.padStart(9),
    `${cpuMs.toFixed(0)} ms cpu`.padStart(13),
    `${peakRssMib.toFixed(0)} MiB`.padStart(8),
    `${requests ?? ''}`.padStart(6),
    `${connections ?? ''}`.padStart(5),
    verdict,
  ];
  console.log(cells.join('  '));
}

function installed(command: string): boolean {
  return spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0;
}

/** The programs that upload a workload, ours first; peers send no webhook. */
function uploaders(
  workload: Workload,
  dirs: readonly string[],
  sink: Sink,
  environment: Record<string, string>,
  cert: string,
): Map<string, Program> {
  const source = join(folder, workload.name.replaceAll(/\W/g, '-'));
  const tls = sink.url.startsWith('https');
  const env = {
    ...BASE,
    ...environment,
    ...KEYS,
    RECORDUPLOAD_ENDPOINT: sink.url,
    RECORDUPLOAD_STATE_DIR: join(folder, 'state'),
    RECORDUPLOAD_USER_EMAIL: 'operator@example.com',
    ...(tls && { RECORDUPLOAD_CA_FILE: cert }),
  };
  const programs = new Map<string, Program>([
    ['recordupload', { command: [...cli, 'upload', ...dirs, '--quiet'], env }],
  ]);
  if (workload.repeated) return programs;
  const awsEnv = {
    ...BASE,
    HOME: process.env.HOME ?? home,
    ...KEYS,
    AWS_DEFAULT_REGION: 'us-west-1',
    AWS_EC2_METADATA_DISABLED: 'true',
    ...(tls && { AWS_CA_BUNDLE: cert }),
  };
  if (installed('aws'))
    programs.set('aws', {
      command: ['aws', '--endpoint-url', sink.url, 's3', 'cp', '--recursive', '--quiet', source, 's3://fyemeet/'],
      env: awsEnv,
    });
  const rclone = [
    'copy',
    source,
    ':s3:fyemeet',
    '--s3-provider',
    'Other',
    '--s3-endpoint',
    sink.url,
    '--s3-access-key-id',
    KEYS.AWS_ACCESS_KEY_ID,
    '--s3-secret-access-key',
    KEYS.AWS_SECRET_ACCESS_KEY,
    '--s3-no-check-bucket',
  ];
  if (installed('rclone'))
    programs.set('rclone', { command: ['rclone', ...rclone, ...(tls ? ['--ca-cert', cert] : [])], env: BASE });
  const host = sink.url.replace(/^https?:\/\//, '');
  const s3cmd = [
    'put',
    '--recursive',
    `${source}/`,
    's3://fyemeet/',
    '--no-progress',
    `--host=${host}`,
    `--host-bucket=${host}`,
    tls ? '--ssl' : '--no-ssl',
    ...(tls ? [`--ca-certs=${cert}`] : []),
    `--access_key=${KEYS.AWS_ACCESS_KEY_ID}`,
    `--secret_key=${KEYS.AWS_SECRET_ACCESS_KEY}`,
    '--config=/dev/null',
  ];
  if (installed('s3cmd') && workload.line !== 'far') programs.set('s3cmd', { command: ['s3cmd', ...s3cmd], env: BASE });
  if (installed('curl') && dirs.length === 1)
    programs.set('curl', {
      command: [
        'curl',
        '-s',
        '--cacert',
        cert,
        '-T',
        join(dirs[0] as string, 'video.mkv'),
        `${sink.url}/fyemeet/floor`,
      ],
      env: BASE,
    });
  return programs;
}

async function startUp(environment: Record<string, string>): Promise<void> {
  const bare: Program = { command: [node, '-e', '0'], env: BASE };
  const nothing = { before: async () => {} };
  const env = { ...BASE, RECORDUPLOAD_STATE_DIR: join(folder, 'empty-state') };
  for (const [args, goal] of [
    ['--version', 1.5],
    ['--help', 1.5],
    ['status', 2.5],
  ] as const) {
    await race(
      args,
      new Map([
        ['recordupload', { command: [...cli, args], env }],
        ['node', bare],
      ]),
      { node: goal },
      nothing,
    );
  }
  const upload: Program = {
    command: [...cli, 'upload', join(root, 'fixtures/recordings/3'), '--quiet'],
    env: { ...BASE, ...environment, RECORDUPLOAD_STATE_DIR: join(folder, 'state') },
  };
  await race(
    'fixture',
    new Map([
      ['recordupload', upload],
      ['node', bare],
    ]),
    { node: 6 },
    { before: async () => rmSync(join(folder, 'state'), { recursive: true, force: true }) },
  );
}

const sandbox = await startSandboxProcess(cli);
const sinks: Sink[] = [];
try {
  console.log(
    `${'workload'.padEnd(14)}  ${'program'.padEnd(12)}       wall            cpu      peak  reqs. conn.  recordupload's wall time as a ratio to it`,
  );
  if (!options.only) await startUp(sandbox.environment);
  const binary = buildSink(folder);
  if (!binary) console.log('no C compiler or OpenSSL here: the uploads are left out');
  const { cert, key } = makeCertificate(folder);
  let port = 20_000 + (process.pid % 10_000);
  for (const workload of binary ? WORKLOADS : []) {
    if (options.only ? !workload.name.includes(options.only) : workload.large && !options.all) continue;
    const dirs = makeRecordings(join(folder, workload.name.replaceAll(/\W/g, '-')), workload);
    const tls = workload.line === 'plain' ? [] : ['--tls', cert, key];
    const sink = await startSink(binary as string, port++, [...tls, ...LINES[workload.line]]);
    sinks.push(sink);
    const before = async () => {
      if (workload.repeated) return;
      await sink.reset();
      rmSync(join(folder, 'state'), { recursive: true, force: true });
    };
    if (workload.repeated) rmSync(join(folder, 'state'), { recursive: true, force: true });
    await race(workload.name, uploaders(workload, dirs, sink, sandbox.environment, cert), workload.goals, {
      before,
      after: sink.stats,
    });
    sink.stop();
    rmSync(join(folder, workload.name.replaceAll(/\W/g, '-')), { recursive: true, force: true });
  }
  const report = {
    date: new Date().toISOString(),
    machine: { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version },
    runs,
    rows,
  };
  writeFileSync(join(root, 'bench.json'), `${JSON.stringify(report, null, 2)}\n`);
  console.log('\nwritten to bench.json');
} finally {
  for (const sink of sinks) sink.stop();
  sandbox.child.kill();
  rmSync(folder, { recursive: true, force: true });
}

/** `npm run bench`: how long whole commands take, beside an older build and beside other programs. See `options.ts`. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';
import { makeCertificate } from '../support/certificate.ts';
import { type Clip, makeClip } from '../support/ffmpeg-writer.ts';
import { type Build, buildIn, oldBuild } from './builds.ts';
import { growth } from './growth.ts';
import { raceLive } from './live.ts';
import { lookAtMachine, QUIET_CORES } from './machine.ts';
import { createMeasure, type Program } from './measure.ts';
import { helpText, parseOptions } from './options.ts';
import { describePeers, installedPeers, KEYS, peerProgram } from './peers.ts';
import { type Race, type Row, race } from './race.ts';
import { FIXTURE, makeRecordings } from './recordings.ts';
import { makeReport, markdownOf } from './report.ts';
import { compile, type Sink, startSandboxProcess, startSink } from './servers.ts';
import { lineOf, linesOf } from './tables.ts';
import { judge, type Verdict } from './verdicts.ts';
import {
  BARE_NODE,
  LINES,
  type LiveWorkload,
  OLD,
  OURS,
  STATUS,
  type StartWorkload,
  type UploadWorkload,
  WORKLOADS,
  type Workload,
} from './workloads.ts';

const parsed = parseOptions(process.argv.slice(2));
if (parsed === 'help') {
  process.stdout.write(helpText());
  process.exit();
}
const options = parsed;
const say = options.markdown ? console.error : console.log;
const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'recordupload-bench-'));
const cleanUp: (() => void)[] = [() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 })];
process.on('exit', () => {
  for (const step of cleanUp.toReversed()) step();
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

const measure = createMeasure(compile('timed', folder));
const home = join(folder, 'home');
mkdirSync(home);
/** All that the measured programs find in their environment, but for what they need to do the task. */
const BASE = { PATH: '/usr/bin:/bin', HOME: home };
const bareNode: Program = { command: [process.execPath, '-e', '0'], env: BASE };
const peers = installedPeers();
const builds = new Map<string, Build>([[OURS, buildIn(root, 'this working copy')]]);
if (options.old) builds.set(OLD, oldBuild(options.old, root, folder));
const titles = new Map(WORKLOADS.map(({ name, title }) => [name, title]));
const rows: Row[] = [];
const verdicts: Verdict[] = [];
let busiest = 0;
let clip: Clip | undefined;
let recordings: Sandbox | undefined;

/** The builds with what each keeps of its own: state and bucket. */
function ownPrograms(args: readonly string[], env: Readonly<Record<string, string>>): [string, Program][] {
  return [...builds].map(([name, { cli }]) => {
    const own = {
      RECORDUPLOAD_STATE_DIR: stateOf(name),
      RECORDUPLOAD_BUCKET: name === OURS ? 'fyemeet' : 'fyemeet-old',
    };
    return [name, { command: [...cli, ...args], env: { ...BASE, ...env, ...own } }];
  });
}

const stateOf = (name: string) => join(folder, `state of ${name}`);

function forgetStates(): void {
  for (const name of builds.keys()) rmSync(stateOf(name), { recursive: true, force: true });
}

function note(workload: Workload, { rows: measured, otherCores }: Race): void {
  const found = judge(workload, measured, rows, titles);
  rows.push(...measured);
  verdicts.push(...found);
  busiest = Math.max(busiest, otherCores);
  say(linesOf(measured));
  for (const verdict of found) say(lineOf(verdict));
  if (otherCores > QUIET_CORES) say(`  WARNING: other processes used ${otherCores.toFixed(2)} cores meanwhile`);
}

async function start(workload: StartWorkload): Promise<void> {
  const { args, besideStatus, turns = 1 } = workload;
  // An older build may not know the command.
  const ours = (args: readonly string[]) => new Map(ownPrograms(args, {})).get(OURS) as Program;
  const programs = besideStatus
    ? new Map([[OURS, ours(args)] as const, [STATUS, ours(['status'])] as const])
    : new Map([...ownPrograms(args, {}), [BARE_NODE, bareNode] as const]);
  const runs = options.runs * turns;
  forgetStates();
  // The first turn, which is not counted, leaves the folder in the state.
  const before = async () => {
    if (!besideStatus) forgetStates();
  };
  note(workload, await race(workload.title, programs, { measure, runs, bytes: 0, servers: [sandbox.pid], before }));
}

async function upload(workload: UploadWorkload, sink: Sink): Promise<void> {
  const { made, repeated, beside, line, turns = 1 } = workload;
  const source = join(folder, 'source');
  const dirs = made ? makeRecordings(source, made) : [FIXTURE];
  const [video] = dirs.length === 1 ? [join(dirs[0] as string, 'video.mkv')] : [];
  const programs = new Map<string, Program>(
    ownPrograms(['upload', ...dirs, '--quiet'], {
      ...sandbox.environment,
      ...KEYS,
      RECORDUPLOAD_ENDPOINT: sink.url,
      RECORDUPLOAD_USER_EMAIL: 'operator@example.com',
      ...(LINES[line].tls && { RECORDUPLOAD_CA_FILE: certificate.cert }),
    }),
  );
  const task = { source, url: sink.url, cert: certificate.cert, video, env: BASE };
  for (const name of beside) {
    const program = name === BARE_NODE ? bareNode : peerProgram(name, task, peers);
    if (program) programs.set(name, program);
  }
  const fresh = async () => {
    await sink.reset();
    forgetStates();
  };
  await fresh();
  // A repeated run finds the objects and the state of the turn that warms the caches; only its own requests count.
  const before = repeated ? sink.resetCounters : fresh;
  const bytes = made && !repeated ? made.recordings * made.videoBytes : 0;
  const runs = options.runs * turns;
  const servers = [sandbox.pid, sink.pid];
  note(workload, await race(workload.title, programs, { measure, runs, bytes, servers, before, after: sink.stats }));
  rmSync(source, { recursive: true, force: true });
}

/** The recordings server is in this process, which sees each answer at once. */
async function record(workload: LiveWorkload, sink: Sink): Promise<void> {
  clip ??= makeClip(folder);
  recordings ??= await startSandbox({ receiver: { users: 'any' } });
  const { receiver } = recordings;
  const [source, stateDir] = [join(folder, 'source'), stateOf(OURS)];
  const { cli } = builds.get(OURS) as Build;
  const env = {
    ...BASE,
    ...sandbox.environment,
    ...KEYS,
    RECORDUPLOAD_ENDPOINT: sink.url,
    RECORDUPLOAD_USER_EMAIL: 'operator@example.com',
    RECORDUPLOAD_STATE_DIR: stateDir,
    RECORDUPLOAD_CA_FILE: certificate.cert,
    WEBHOOK_URL: receiver.url,
    WEBHOOK_TOKEN: receiver.token,
  };
  const task = { source, url: sink.url, cert: certificate.cert, video: undefined, env: BASE };
  const beside = new Map<string, Program>();
  for (const name of workload.beside) {
    const program = peerProgram(name, task, peers);
    if (program) beside.set(name, program);
  }
  const races = { measure, sink, receiver, clip, source, stateDir, cli, env, peers: beside, runs: options.runs };
  note(workload, await raceLive(workload, races));
  rmSync(source, { recursive: true, force: true });
}

say(describePeers(peers));
for (const [name, { description }] of builds) say(`${name}: ${description}`);
const machine = await lookAtMachine();
say(`load average ${machine.load}; other processes use ${machine.otherCores.toFixed(2)} cores`);
if (machine.otherCores > QUIET_CORES)
  say('WARNING: this machine is not quiet: times and ratios of this run mean little');

const sandbox = await startSandboxProcess((builds.get(OURS) as Build).cli);
cleanUp.push(sandbox.stop);
if (options.growth) {
  await growth({ measure, cli: (builds.get(OURS) as Build).cli, base: BASE, folder, environment: sandbox.environment });
  process.exit();
}
const certificate = makeCertificate(folder);
const sinkProgram = compile('s3sink', folder);
let port = 20_000 + (process.pid % 10_000);
for (const workload of options.workloads) {
  if (workload.kind === 'start') await start(workload);
  else {
    const { options: line, tls } = LINES[workload.line];
    const withTls = tls ? ['--tls', certificate.cert, certificate.key] : [];
    const sink = await startSink(sinkProgram, port++, [...withTls, ...line]);
    cleanUp.push(sink.stop);
    if (workload.kind === 'live') await record(workload, sink);
    else await upload(workload, sink);
    sink.stop();
  }
}

const report = makeReport({ runs: options.runs, rows, verdicts, builds, peers, load: machine.load, busiest });
writeFileSync(join(root, 'bench.json'), `${JSON.stringify(report, null, 2)}\n`);
if (options.markdown) console.log(markdownOf(report));
const budgets = verdicts.filter(({ kind }) => kind === 'budget');
say(`\n${budgets.filter(({ isMet }) => isMet).length} of ${budgets.length} budgets met; see bench.json`);
process.exit();

/** `npm run bench`: how long whole commands take, beside an older build and beside other programs. See `options.ts`. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';
import { makeCertificate } from '../support/certificate.ts';
import { type Clip, makeClip } from '../support/ffmpeg-writer.ts';
import { BAD_LINE_HOST, layBadLine } from './bad-line.ts';
import { type Build, buildIn, oldBuild } from './builds.ts';
import { measureFleet } from './fleet.ts';
import { growth } from './growth.ts';
import { raceLive } from './live.ts';
import { lookAtMachine, QUIET_CORES } from './machine.ts';
import { createMeasure, type Program } from './measure.ts';
import { startMinio } from './minio.ts';
import { helpText, parseOptions } from './options.ts';
import { curlsInParallel, describePeers, installedPeers, KEYS, peerPrograms, type Task } from './peers.ts';
import { BARE_NODE, CURLS, OLD, OURS, STATUS } from './programs.ts';
import { type Race, type Row, race } from './race.ts';
import { FIXTURE, makeRecordings } from './recordings.ts';
import { makeReport, markdownOf } from './report.ts';
import { compile, type Store, startSandboxProcess, startSink } from './servers.ts';
import { lineOf, linesOf } from './tables.ts';
import { judge, type Verdict } from './verdicts.ts';
import { LINES, type LiveWorkload, type StartWorkload, type UploadWorkload, type Workload } from './workload.ts';
import { WORKLOADS } from './workloads.ts';

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
  note(
    workload,
    await race(workload.title, programs, { measure, runs, bytes: 0, servers: () => [sandbox.pid], before }),
  );
}

/** What the program is told in its environment: where the store is, and who it is. */
function settingsFor({ url }: Store): Record<string, string> {
  return {
    ...sandbox.environment,
    ...KEYS,
    RECORDUPLOAD_ENDPOINT: url,
    RECORDUPLOAD_USER_EMAIL: 'operator@example.com',
  };
}

async function upload(workload: UploadWorkload, store: Store): Promise<void> {
  const { made, repeated, beside, line, isTuned = false, turns = 1 } = workload;
  const source = join(folder, 'source');
  const dirs = made ? makeRecordings(source, made) : [FIXTURE];
  const [video] = dirs.length === 1 ? [join(dirs[0] as string, 'video.mkv')] : [];
  const programs = new Map<string, Program>(
    ownPrograms(['upload', ...dirs, '--quiet'], {
      ...settingsFor(store),
      RECORDUPLOAD_REGION: 'us-west-1',
      ...(LINES[line].tls && { RECORDUPLOAD_CA_FILE: certificate.cert }),
    }),
  );
  const task: Task = { source, url: store.url, cert: certificate.cert, video, env: BASE, folder };
  for (const name of beside) {
    if (name === BARE_NODE) programs.set(name, bareNode);
    else if (name === CURLS) {
      const program = made && (await curlsInParallel({ ...task, videoBytes: made.videoBytes }, peers));
      if (program) programs.set(name, program);
    } else for (const [label, program] of peerPrograms(name, task, { peers, isTuned })) programs.set(label, program);
  }
  const fresh = async () => {
    await store.reset();
    forgetStates();
  };
  await fresh();
  // A repeated run finds the objects and the state of the turn that warms the caches; only its own requests count.
  const before = repeated ? store.resetCounters : fresh;
  const bytes = made && !repeated ? made.recordings * made.videoBytes : 0;
  const runs = options.runs * turns;
  const servers = () => [sandbox.pid, store.pid()];
  const toldAt = (program: string) => (builds.has(program) ? lastWebhookAt(stateOf(program)) : undefined);
  const settings = { measure, runs, bytes, servers, before, after: store.stats, toldAt };
  note(workload, await race(workload.title, programs, settings));
  rmSync(source, { recursive: true, force: true });
}

/** Where the bytes of a workload go; undefined where this machine cannot have it. */
async function openStore(workload: UploadWorkload | LiveWorkload): Promise<Store | undefined> {
  if (workload.kind === 'upload' && workload.store)
    return await startMinio(port++, { isInMemory: workload.store === 'minio in memory' });
  const { options: line, tls } = LINES[workload.line];
  const settings = [...(tls ? ['--tls', certificate.cert, certificate.key] : []), ...line];
  if (workload.line !== 'bad') return await startSink(sinkProgram, port++, settings);
  const place = await layBadLine(compile('line', folder));
  if (!place) return undefined;
  const sink = await startSink(sinkProgram, port++, settings, place);
  return {
    ...sink,
    stop() {
      sink.stop();
      place.remove();
    },
  };
}

/** When the last webhook of a state was answered, in milliseconds since 1970; undefined if none was. */
function lastWebhookAt(stateDir: string): number | undefined {
  const state = new DatabaseSync(join(stateDir, 'state.db'), { readOnly: true });
  try {
    const at = state.prepare('SELECT MAX(at + duration) AS at FROM attempts').get()?.at;
    return typeof at === 'number' ? at : undefined;
  } finally {
    state.close();
  }
}

/** The recordings server is in this process, which sees each answer at once. */
async function record(workload: LiveWorkload, sink: Store): Promise<void> {
  clip ??= makeClip(folder);
  recordings ??= await startSandbox({ receiver: { users: 'any' } });
  const { receiver } = recordings;
  const [source, stateDir] = [join(folder, 'source'), stateOf(OURS)];
  const { cli } = builds.get(OURS) as Build;
  const env = {
    ...BASE,
    ...settingsFor(sink),
    RECORDUPLOAD_STATE_DIR: stateDir,
    RECORDUPLOAD_CA_FILE: certificate.cert,
    WEBHOOK_URL: receiver.url,
    WEBHOOK_TOKEN: receiver.token,
  };
  const task = { source, url: sink.url, cert: certificate.cert, video: undefined, env: BASE, folder };
  const beside = new Map(workload.beside.flatMap(name => peerPrograms(name, task, { peers, isTuned: false })));
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
const certificate = makeCertificate(folder, `DNS:localhost,IP:127.0.0.1,IP:${BAD_LINE_HOST}`);
const sinkProgram = compile('s3sink', folder);
let port = 20_000 + (process.pid % 10_000);
if (options.growth) {
  const { cli } = builds.get(OURS) as Build;
  const sink = await startSink(sinkProgram, port++);
  cleanUp.push(sink.stop);
  await growth({ measure, cli, env: { ...BASE, ...settingsFor(sink) }, folder, ...options.growth });
  process.exit();
}
if (options.fleet) {
  const [ours, old] = [builds.get(OURS) as Build, builds.get(OLD)];
  const { environment } = sandbox;
  const fleet = { measure, ours, old, base: BASE, environment, folder, runs: options.runs, ...options.fleet, say };
  const found = await measureFleet(fleet);
  verdicts.push(...found);
  for (const verdict of found) say(`${verdict.workload}\n${lineOf(verdict)}`);
}
for (const workload of options.workloads) {
  if (workload.kind === 'start') await start(workload);
  else {
    const store = await openStore(workload);
    if (!store) {
      say(`${workload.title}: left out, ${workload.line === 'bad' ? 'it needs root' : 'minio is not installed'}`);
      continue;
    }
    cleanUp.push(store.stop);
    if (workload.kind === 'live') await record(workload, store);
    else await upload(workload, store);
    store.stop();
  }
}

const report = makeReport({ runs: options.runs, rows, verdicts, builds, peers, load: machine.load, busiest });
writeFileSync(join(root, 'bench.json'), `${JSON.stringify(report, null, 2)}\n`);
if (options.markdown) console.log(markdownOf(report));
const budgets = verdicts.filter(({ kind }) => kind === 'budget');
say(`\n${budgets.filter(({ isMet }) => isMet).length} of ${budgets.length} budgets met; see bench.json`);
process.exit();

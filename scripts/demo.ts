/**
 * `npm run demo`: the main job on a small, real recording, against the embedded sandbox, run as an operator runs it.
 * What the sandbox received is kept in `.demo/`, so that a second run shows what happens when nothing is new.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { sandboxEnvironment } from '../src/cli/own-sandbox.ts';
import { type Sandbox, startSandbox } from '../src/sandbox/sandbox.ts';
import { buildInto } from './private-build.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const RECORDING = 'fixtures/recordings/3';
const LAUNCHER = 'bin/recordupload.js';

/** Where a demo keeps what the sandbox receives, and the built program that it runs. */
interface Stage {
  folder: string;
  launcher: string;
  close(): Promise<void>;
}

/**
 * `.demo/` and `dist/`, for this process alone. A second demo at the same time gets a fresh folder, with a build of its
 * own in it: building empties `dist/` under the first one's feet.
 */
async function openStage(): Promise<Stage> {
  const folder = join(root, '.demo');
  await mkdir(folder, { recursive: true });
  const lock = new DatabaseSync(join(folder, 'lock'), { timeout: 0 });
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch {
    lock.close();
    say('Another demo is running here, so this one keeps nothing.');
    return openFreshStage();
  }
  // A process of its own, as in `npm run build`.
  await promisify(execFile)(process.execPath, [join(root, 'scripts/build.ts')]);
  return { folder, launcher: join(root, LAUNCHER), close: async () => lock.close() };
}

async function openFreshStage(): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'recordupload-demo-'));
  return { folder, launcher: await buildInto(folder), close: () => rm(folder, { recursive: true, force: true }) };
}

function say(text = ''): void {
  process.stdout.write(`${text}\n`);
}

/** The environment of an operator whose configuration is the sandbox. */
function operatorEnvironment(sandbox: Sandbox, folder: string): NodeJS.ProcessEnv {
  const { PATH, TERM, NO_COLOR, CI, TZ } = process.env;
  return {
    ...Object.fromEntries(Object.entries({ PATH, TERM, NO_COLOR, CI, TZ }).filter(([, value]) => value !== undefined)),
    HOME: folder,
    RECORDUPLOAD_STATE_DIR: join(folder, 'state'),
    ...sandboxEnvironment(sandbox),
  };
}

let running: ChildProcess | undefined;

/** Runs the built program, its output straight to the terminal. @returns its exit status */
function recordupload(args: readonly string[], launcher: string, env: NodeJS.ProcessEnv): Promise<number> {
  say(`$ recordupload ${args.join(' ')}`);
  const child = spawn(process.execPath, [launcher, ...args], {
    cwd: root,
    // As when the launcher hands over: it must not outlive a killed demo, and keep the next one from this recording.
    env: { ...env, RECORDUPLOAD_HANDED_OVER: '1' },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  running = child;
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', code => {
      running = undefined;
      resolve(code ?? 1);
    });
  });
}

async function demo(sandbox: Sandbox, { folder, launcher }: Stage): Promise<number> {
  const { s3, receiver } = sandbox;
  const env = operatorEnvironment(sandbox, folder);
  say(`An S3 server (${s3.url}) and a recordings server (${receiver.baseUrl}) are running for this demo.\n`);

  const told = receiver.requests().length;
  const uploaded = await recordupload(['upload', RECORDING], launcher, env);
  if (uploaded !== 0) return uploaded;
  if (receiver.requests().length === told) {
    say('\nThe server knew it already. Telling it again does no harm:\n');
    const sent = await recordupload(['webhook', 'send', '3'], launcher, env);
    if (sent !== 0) return sent;
  }

  say(`\nIn the bucket ${s3.bucket} now:`);
  for (const { key, size, contentType, etag } of s3.objects().sort((a, b) => a.key.localeCompare(b.key)))
    say(`  ${key.padEnd(16)} ${String(size).padStart(7)} bytes  ${String(contentType).padEnd(25)}  ETag ${etag}`);
  const answer = await fetch(`${receiver.baseUrl}/recordings/3/`);
  say(`\nWhat the recordings server knows (GET /recordings/3/):\n${JSON.stringify(await answer.json(), null, 2)}`);

  const status = receiver.requests().findLast(({ method }) => method === 'POST')?.status;
  if (!answer.ok || (status !== 200 && status !== 201)) {
    say(`\nThe recordings server answered the webhook with ${status}; that is not as it should be.`);
    return 1;
  }
  say(`\nThe server answered "${status === 201 ? 'created' : 'updated'}". Try next:`);
  say('  npm run demo                               once more: nothing has to be uploaded then');
  say('  npx recordupload upload <dir> --sandbox    a recording of your own');
  return 0;
}

const stage = await openStage();
const sandbox = await startSandbox({ dataDir: join(stage.folder, 'sandbox') });
let stopped: Promise<void> | undefined;
const stop = () => {
  stopped ??= sandbox.close().then(stage.close);
  return stopped;
};
for (const [signal, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.once(signal, async () => {
    if (running) {
      const ended = once(running, 'exit');
      // A terminal sends Ctrl-C to the program itself; a second one would cut it short.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) running.kill(signal);
      await ended;
    }
    await stop();
    process.exit(status);
  });
}
try {
  process.exitCode = await demo(sandbox, stage);
} finally {
  await stop();
}

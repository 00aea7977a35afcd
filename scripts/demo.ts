/**
 * `npm run demo`: uploads a small, real recording to the embedded sandbox, with the program that an operator runs. The
 * sandbox keeps its data in `.demo/`, so that a second run shows what happens if nothing has changed.
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

/** The folder for the sandbox's data, and the built program. */
interface Stage {
  folder: string;
  launcher: string;
  close(): Promise<void>;
}

/**
 * `.demo/` and `dist/`, locked for this process. A second demo at the same time uses a temporary folder with its own
 * build, because a build empties `dist/` while the first demo runs the program in it.
 */
async function openStage(): Promise<Stage> {
  const folder = join(root, '.demo');
  await mkdir(folder, { recursive: true });
  const lock = new DatabaseSync(join(folder, 'lock'), { timeout: 0 });
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch {
    lock.close();
    say('Another demo is running in this folder, so this one uses a temporary folder.');
    return openFreshStage();
  }
  say('Building recordupload …');
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

/** The environment of an operator whose configuration points at the sandbox. */
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

/** Runs the built program; it writes to the terminal itself. @returns its exit status */
function recordupload(args: readonly string[], launcher: string, env: NodeJS.ProcessEnv): Promise<number> {
  say(`$ recordupload ${args.join(' ')}`);
  const child = spawn(process.execPath, [launcher, ...args], {
    cwd: root,
    // The program then ends with this process, even if the demo is killed. Otherwise it could keep its claim on the
    // recording, and the next demo would fail.
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
  say('\nThis demo starts two servers on this machine:');
  say(`  S3 storage          ${s3.url}`);
  say(`  recordings server   ${receiver.baseUrl}\n`);

  const webhooksBefore = receiver.requests().length;
  const uploaded = await recordupload(['upload', RECORDING], launcher, env);
  if (uploaded !== 0) return uploaded;
  if (receiver.requests().length === webhooksBefore) {
    say('\nThe recordings server already has this recording. A webhook can be sent again');
    say('at any time:\n');
    const sent = await recordupload(['webhook', 'send', '3'], launcher, env);
    if (sent !== 0) return sent;
  }

  say(`\nThe bucket "${s3.bucket}" now contains:`);
  for (const { key, size, contentType } of s3.objects().sort((a, b) => a.key.localeCompare(b.key)))
    say(`  ${key.padEnd(16)} ${String(size).padStart(7)} bytes  ${contentType}`);
  const response = await fetch(`${receiver.baseUrl}/recordings/3/`);
  const known = (await response.json()) as { payload?: unknown };
  say(`\nThe recordings server received this webhook:\n${JSON.stringify(known.payload, null, 2)}`);

  const status = receiver.requests().findLast(({ method }) => method === 'POST')?.status;
  if (!response.ok || (status !== 200 && status !== 201)) {
    say(`\nThe demo failed: the recordings server answered the webhook with status ${status}.`);
    return 1;
  }
  say(`\nIt answered "${status === 201 ? 'created' : 'updated'}", so the demo succeeded. Try next:`);
  if (status === 201) say('  npm run demo                              run it again: nothing is uploaded');
  say('  npx recordupload upload <dir> --sandbox   upload a recording of your own');
  say('  npx recordupload --help                   see all commands');
  if (folder === join(root, '.demo')) say('\nThe demo keeps its data in .demo/. Delete that folder to start over.');
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
      // A terminal sends Ctrl-C to the program itself. A second SIGINT would end it before it has saved its progress.
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

/**
 * Makes `fixtures/versions/`: what each version that people have installed leaves on a machine, a state, a log and its
 * example of a configuration. The versions are built from their commits and run against the sandbox; nothing is made up.
 *
 *   node scripts/old-versions.ts [name...]    makes those that are missing, or those that are named
 *
 * A release adds its line to `OLD_VERSIONS`, and runs this. So does a change of the state's schema: with the commit before
 * it, which is the last one to write the schema that people have by then.
 */
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { type Sandbox, startSandbox } from '../src/sandbox/sandbox.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const fixtures = join(root, 'fixtures/versions');

/** Each version with the last commit that has its schema, the oldest first. A `dev` version is one between releases. */
const OLD_VERSIONS: Readonly<Record<string, string>> = {
  '0.1.0': '33575e4',
  '0.2.0-dev.3': '44acc70',
  '0.2.0-dev.4': 'dfc2a92',
  '0.2.0-dev.5': '51c03cb',
  '0.2.0-dev.6': '52687b2',
  '0.2.0-dev.7': '5323b61',
  '0.2.0-dev.8': '98cc440',
  '0.2.0-dev.9': 'ac32c75',
  '0.2.0-dev.10': '8e727cd',
  '0.2.0-dev.11': 'cf9a798',
  '0.2.0-dev.12': 'ff955b4',
  '0.2.0-dev.13': 'b4dec94',
  '0.2.0-dev.14': 'b5dcb2d',
  '0.2.0-dev.15': '2725788',
  '0.2.0': '8fd59a4',
};

/** Parts of 8 MiB: two are in the bucket when the program is killed. */
const VIDEO_BYTES = 20_000_000;

const wanted = process.argv.slice(2);
const unknown = wanted.filter(name => OLD_VERSIONS[name] === undefined);
if (unknown.length > 0) throw new Error(`no old version is called ${unknown.join(', ')}`);
const work = mkdtempSync(join(tmpdir(), 'recordupload-versions-'));
try {
  for (const [name, commit] of Object.entries(OLD_VERSIONS)) {
    if (wanted.length > 0 ? !wanted.includes(name) : existsSync(join(fixtures, name))) continue;
    await makeVersion(name, commit);
    console.log(`fixtures/versions/${name}`);
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}

async function makeVersion(name: string, commit: string): Promise<void> {
  const program = buildProgram(commit);
  const home = mkdtempSync(join(work, 'home-'));
  const sandbox = await startSandbox();
  try {
    await useProgram(program, home, sandbox);
    const into = join(fixtures, name);
    mkdirSync(into, { recursive: true });
    writeFileSync(join(into, 'state.db.gz'), gzipSync(wholeState(join(home, 'state/state.db')), { level: 9 }));
    cpSync(join(home, 'state/logs/app.log'), join(into, 'app.log'));
    cpSync(join(program, '.recorduploadrc.example'), join(into, 'recorduploadrc.example'));
    const origin = {
      commit,
      endpoint: sandbox.s3.url,
      bucket: sandbox.s3.bucket,
      recordings: join(home, 'recordings'),
    };
    writeFileSync(join(into, 'origin.json'), `${JSON.stringify(origin, null, 2)}\n`);
  } finally {
    await sandbox.close();
  }
}

/** Clones a commit and builds its program; versions with the same packages share them. @returns its folder */
function buildProgram(commit: string): string {
  const clone = join(work, commit);
  const git = (...args: string[]) => execFileSync('git', args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
  git('clone', '--quiet', '--shared', '--no-checkout', root, clone);
  git('-C', clone, 'checkout', '--quiet', commit);
  const lock = createHash('sha256')
    .update(readFileSync(join(clone, 'package-lock.json')))
    .digest('hex');
  const packages = join(work, `packages-${lock.slice(0, 12)}`);
  if (!existsSync(packages)) {
    mkdirSync(packages);
    for (const file of ['package.json', 'package-lock.json']) cpSync(join(clone, file), join(packages, file));
    execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--silent'], { cwd: packages });
  }
  symlinkSync(join(packages, 'node_modules'), join(clone, 'node_modules'));
  execFileSync(process.execPath, ['scripts/build.ts'], { cwd: clone, stdio: ['ignore', 'ignore', 'inherit'] });
  return clone;
}

/**
 * Uploads a recording (11), leaves one whose webhook the server does not take (12), kills the program within the upload of
 * a third (13), and hands over a fourth where the version can (14).
 */
async function useProgram(program: string, home: string, sandbox: Sandbox): Promise<void> {
  const { s3, receiver, faults } = sandbox;
  const env = {
    PATH: process.env.PATH,
    HOME: home,
    RECORDUPLOAD_STATE_DIR: join(home, 'state'),
    RECORDUPLOAD_ENDPOINT: s3.url,
    RECORDUPLOAD_BUCKET: s3.bucket,
    RECORDUPLOAD_USER_EMAIL: 'operator@example.com',
    AWS_ACCESS_KEY_ID: s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
    WEBHOOK_URL: receiver.url,
    WEBHOOK_TOKEN: receiver.token,
  };
  const start = (...args: string[]) =>
    spawn(process.execPath, [join(program, 'bin/recordupload.js'), ...args], {
      env,
      cwd: home,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  const run = (...args: string[]) =>
    new Promise<{ code: number | null; stdout: string }>(resolve => {
      const child = start(...args);
      let stdout = '';
      child.stdout.on('data', chunk => {
        stdout += chunk;
      });
      child.on('close', code => resolve({ code, stdout }));
    });
  const must = async (expected: number, ...args: string[]) => {
    const { code } = await run(...args);
    if (code !== expected) throw new Error(`${args.join(' ')} ended with ${code}`);
  };

  await must(0, 'upload', recording(home, '11', 250_000), '--quiet');
  faults.add({ server: 'webhook', times: Infinity, action: { answer: { status: 503 } } });
  await must(0, 'upload', recording(home, '12', 250_000), '--quiet');
  faults.clear();

  faults.add({ server: 's3', operation: 'UploadPart', partNumber: 3, times: Infinity, action: { hang: 'before' } });
  const large = recording(home, '13', VIDEO_BYTES);
  const killed = start('upload', large, '--quiet');
  killed.stdout.resume();
  const ended = new Promise(resolve => killed.on('close', resolve));
  while (countParts(join(home, 'state/state.db')) < 2) await new Promise(resolve => setTimeout(resolve, 50));
  killed.kill('SIGKILL');
  await ended;
  faults.clear();

  if ((await run('help')).stdout.includes('enqueue'))
    await must(0, 'enqueue', recording(home, '14', 250_000), '--quiet');
}

/** A recording's folder, dated back so that nobody waits for its recorder. */
function recording(home: string, id: string, videoBytes: number): string {
  const dir = join(home, 'recordings', id);
  mkdirSync(dir, { recursive: true });
  const video = Buffer.alloc(videoBytes);
  for (let at = 0; at + 4 <= videoBytes; at += 4096) video.writeUInt32LE(at, at);
  const anHourAgo = Date.now() / 1000 - 3_600;
  for (const [name, content] of [
    ['video.mkv', video],
    ['transcript.txt', 'Ada: shall we begin?\n'],
  ] as const) {
    writeFileSync(join(dir, name), content);
    utimesSync(join(dir, name), anHourAgo, anHourAgo);
  }
  return dir;
}

function countParts(file: string): number {
  if (!existsSync(file)) return 0;
  const state = new DatabaseSync(file, { readOnly: true, timeout: 5_000 });
  try {
    return Number(state.prepare('SELECT COUNT(*) AS parts FROM parts').get()?.parts);
  } finally {
    state.close();
  }
}

/** The database in one file: what the killed program left in the write-ahead log is in it. */
function wholeState(file: string): Buffer {
  const state = new DatabaseSync(file);
  state.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  state.close();
  return readFileSync(file);
}

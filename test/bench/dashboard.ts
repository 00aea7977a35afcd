/**
 * What the dashboard costs over 100,000 recordings: each page on the server, twenty open pages, and an upload beside them.
 * `npm run bench:dashboard`; a minute and 600 MB of disk.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startSandbox } from '../../src/sandbox/sandbox.ts';
import { fillState } from './fill-state.ts';
import { median } from './measure.ts';
import { makeRecordings } from './recordings.ts';

const RECORDINGS = 100_000;
const PAGES = 20;
const LOOK_MS = 20_000;
const TICKS_PER_SECOND = 100;
const VIDEO_BYTES = 300_000_000;
const launcher = resolve(import.meta.dirname, '../../bin/recordupload.js');

const folder = mkdtempSync(join(tmpdir(), 'recordupload-bench-'));
const stateDir = join(folder, 'state');
const sandbox = await startSandbox({ s3: { discardBodies: true }, receiver: { users: 'any' } });
const env = {
  PATH: process.env.PATH,
  HOME: folder,
  RECORDUPLOAD_STATE_DIR: stateDir,
  RECORDUPLOAD_ENDPOINT: sandbox.s3.url,
  RECORDUPLOAD_BUCKET: sandbox.s3.bucket,
  RECORDUPLOAD_USER_EMAIL: 'operator@example.com',
  AWS_ACCESS_KEY_ID: sandbox.s3.accessKeyId,
  AWS_SECRET_ACCESS_KEY: sandbox.s3.secretAccessKey,
  WEBHOOK_URL: sandbox.receiver.url,
  WEBHOOK_TOKEN: sandbox.receiver.token,
};
const children = new Set<ChildProcess>();

async function started(args: readonly string[]): Promise<{ pid: number; printed: string }> {
  const child = spawn(process.execPath, [launcher, ...args], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  children.add(child);
  let printed = '';
  for await (const chunk of child.stdout) {
    printed += String(chunk);
    if (printed.endsWith('\n}\n')) break;
  }
  return { pid: child.pid ?? 0, printed };
}

function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** The share of a core that a process has used meanwhile. */
async function shareOf(pid: number): Promise<string> {
  const [before, since] = [cpuSeconds(pid), performance.now()];
  await sleep(LOOK_MS);
  return `${((100 * 1000 * (cpuSeconds(pid) - before)) / (performance.now() - since)).toFixed(1)} %`;
}

async function uploadMs(dir: string, id: string): Promise<number> {
  const since = performance.now();
  const child = spawn(process.execPath, [launcher, 'upload', dir, '--id', id, '--finished', '--quiet'], {
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  children.add(child);
  await new Promise(done => child.on('close', done));
  return performance.now() - since;
}

async function uploadsMs(dir: string, name: string): Promise<number> {
  const times: number[] = [];
  for (let turn = 0; turn < 5; turn++) times.push(await uploadMs(dir, `${name}-${turn}`));
  return median(times);
}

async function bench(): Promise<void> {
  mkdirSync(stateDir, { mode: 0o700 });
  await fillState(stateDir, RECORDINGS);
  const [dir = ''] = makeRecordings(join(folder, 'source'), { recordings: 1, videoBytes: VIDEO_BYTES });

  const { pid, printed } = await started(['dashboard', '--listen', '127.0.0.1:0', '--no-open', '--json']);
  const { address, signInAddress } = (JSON.parse(printed) as { result: { address: string; signInAddress: string } })
    .result;
  const cookie = (await fetch(signInAddress)).headers.get('set-cookie')?.split(';')[0] ?? '';
  const get = (path: string, accept: string, signal?: AbortSignal) =>
    fetch(address + path, { headers: { cookie, accept }, ...(signal && { signal }) });

  console.log('| page, of 100,000 recordings | first | median of 10 |\n| --- | --- | --- |');
  const paths = ['/', '/recordings', '/recordings?state=held', '/recordings?q=nothing+like+this', '/webhooks'];
  for (const path of paths) {
    const times: number[] = [];
    for (let turn = 0; turn < 11; turn++) {
      const since = performance.now();
      await (await get(path, 'text/html')).text();
      times.push(performance.now() - since);
    }
    console.log(`| \`${path}\` | ${times[0]?.toFixed(0)} ms | ${median(times.slice(1)).toFixed(0)} ms |`);
  }

  const closing = new AbortController();
  for (let page = 0; page < PAGES; page++) {
    const { body } = await get('/events', 'text/event-stream', closing.signal);
    void body?.pipeTo(new WritableStream()).catch(() => {});
  }
  await sleep(2_000);
  console.log(`\n${PAGES} open pages, nothing happens: ${await shareOf(pid)} of a core`);
  await uploadsMs(dir, 'warm-up');
  const beside = await uploadsMs(dir, 'beside');
  closing.abort();
  await sleep(2_000);
  const alone = await uploadsMs(dir, 'alone');
  console.log(`an upload of ${VIDEO_BYTES / 1e6} MB beside them: ${(beside / alone).toFixed(2)} × the time without`);
}

try {
  await bench();
} finally {
  for (const child of children) child.kill('SIGKILL');
  await sandbox.close();
  rmSync(folder, { recursive: true, force: true });
}

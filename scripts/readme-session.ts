/**
 * Brings the documentation up to date: the terminal session in README.md, recorded by running the program against the
 * sandbox, and the blocks that are generated from the code. `node scripts/readme-session.ts`, in any folder.
 */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { sandboxEnvironment } from '../src/cli/own-sandbox.ts';
import { type Sandbox, startSandbox } from '../src/sandbox/sandbox.ts';
import { buildInto } from './private-build.ts';
import { BLOCKS, replaceBlock } from './readme-blocks.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const run = promisify(execFile);

const MAINTENANCE = { status: 503, body: '{"status":"error","message":"Down for maintenance"}' };

interface Step {
  /** What a reader should know before the command. */
  comment: string;
  line: string;
  /** Makes the recordings server answer 503 once. */
  serverDown?: true;
}

const STEPS: readonly Step[] = [
  { comment: 'upload a new recording', line: 'recordupload upload recordings/3' },
  {
    comment: 'change the title while the recordings server is down',
    line: 'recordupload upload recordings/3 --title "Weekly sync, October" --quiet',
    serverDown: true,
  },
  { comment: 'retry what is waiting; cron does this every five minutes', line: 'recordupload retry --now' },
];

/**
 * Runs the session against a new sandbox.
 * @param launcher path of `bin/recordupload.js` of a built program
 * @returns the session as text; what differs between runs is replaced by fixed values
 */
export async function recordSession(launcher: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'recordupload-readme-'));
  const sandbox = await startSandbox();
  try {
    await cp(join(root, 'fixtures/recordings/3'), join(folder, 'recordings/3'), {
      recursive: true,
      preserveTimestamps: true,
    });
    const parts: string[] = [];
    for (const { comment, line, serverDown } of STEPS) {
      if (serverDown) sandbox.faults.add({ server: 'webhook', action: { answer: MAINTENANCE } });
      const output = await runLine(line, launcher, folder, sandbox);
      parts.push(`# ${comment}\n$ ${line}\n${normalise(output, sandbox)}`);
    }
    return parts.join('\n\n');
  } finally {
    await sandbox.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Runs one line in a shell, with stdout and stderr together as on a terminal. The exit status is ignored. */
async function runLine(line: string, launcher: string, folder: string, sandbox: Sandbox): Promise<string> {
  const env = { PATH: process.env.PATH, HOME: folder, TZ: 'UTC', ...sandboxEnvironment(sandbox) };
  const script = `recordupload() { "$NODE" "$LAUNCHER" "$@"; }; ${line} 2>&1 || true`;
  const { stdout } = await run('sh', ['-c', script], {
    cwd: folder,
    env: { ...env, NODE: process.execPath, LAUNCHER: launcher },
  });
  return stdout.trimEnd();
}

/** Replaces what differs between runs: ports, times, rates, and the order in which small files finish. */
export function normalise(output: string, { s3, receiver }: Pick<Sandbox, 's3' | 'receiver'>): string {
  const text = output
    .replaceAll(s3.url, 'http://127.0.0.1:9000')
    .replaceAll(receiver.baseUrl, 'http://127.0.0.1:9001')
    .replace(/\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\b/g, '2026-01-31 14:00:05')
    .replace(/ in \d+(?:\.\d+)? s\b/g, ' in 0.2 s')
    .replace(/[\d.]+ [kMG]?B\/s/g, '1.4 MB/s');
  const isProgress = (line: string) => /^\S 3\/\S+ {2}/.test(line);
  const lines = text.split('\n').map(line => line.trimEnd());
  return [...lines.filter(isProgress).sort(), ...lines.filter(line => !isProgress(line))].join('\n');
}

async function writeBlock(page: string, name: string, text: string): Promise<void> {
  const file = join(root, page);
  await writeFile(file, replaceBlock(await readFile(file, 'utf8'), name, text));
}

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'recordupload-build-'));
  try {
    const session = await recordSession(await buildInto(folder));
    await writeBlock('README.md', 'session', `\`\`\`console\n${session}\n\`\`\``);
    for (const [name, { page, text }] of Object.entries(BLOCKS)) await writeBlock(page, name, text());
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) await main();

import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { sandboxEnvironment } from '../src/cli/own-sandbox.ts';
import { startSandbox } from '../src/sandbox/sandbox.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** What fills each cache: the commands that cron, recorders and people call most, and one whose cache serves all others. */
const RUNS = {
  upload: ['upload', join(root, 'fixtures/recordings/3')],
  retry: ['retry'],
  other: ['status'],
  // Last, because it leaves something behind for the others. A recorder waits for it.
  enqueue: ['enqueue', join(root, 'fixtures/recordings/3')],
};

/**
 * With these, two builds make the same cache unless the program ran another way: V8 orders names by a random seed, drops
 * what was not called for a while, and notes which functions it would optimize. It takes a cache only under the flags
 * that it was made under, so the process returns to the usual ones before it writes (`usualFlags`).
 */
const SAME_EVERY_TIME = ['--hash-seed=1', '--no-flush-bytecode', '--no-turbofan', '--no-maglev', '--no-sparkplug'];

/**
 * Puts V8's code cache beside a built program, so that even its first run starts fast: runs the commands as a user
 * would, in a home of their own, and keeps what V8 compiled (`bin/start-program.js`). Node's own compile cache gains less,
 * because it leaves out functions that were compiled when they were first called.
 * @param dist the folder of the built program
 * @param node the Node that will use it
 */
export async function makeCodeCache(dist: string, node: string = process.execPath): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'recordupload-build-'));
  const usual = await usualFlags(node);
  const sandbox = await startSandbox();
  mkdirSync(join(dist, 'cache'));
  try {
    for (const [name, args] of Object.entries(RUNS)) {
      // Each as a process: what it compiles is what it needs.
      const keeper = [join(root, 'scripts/keep-code-cache.js'), dist, name, usual.join(' ')];
      await promisify(execFile)(node, [...SAME_EVERY_TIME, ...keeper, ...args], {
        cwd: home,
        env: { HOME: home, ...sandboxEnvironment(sandbox) },
      });
    }
  } finally {
    await sandbox.close();
    rmSync(home, { recursive: true, force: true });
  }
}

/**
 * What V8 is told to return to. Not only the opposite of each flag: `--no-maglev` changes three others with it, which
 * `--maglev` leaves as they are.
 */
async function usualFlags(node: string): Promise<string[]> {
  const valuesUnder = async (flags: readonly string[]) => {
    const { stdout } = await promisify(execFile)(node, [...flags, '--print-flag-values', '-e', '0']);
    return stdout.split('\n').filter(line => line.startsWith('--'));
  };
  const [usual, changed] = await Promise.all([valuesUnder([]), valuesUnder(SAME_EVERY_TIME)]);
  return usual.filter(line => !changed.includes(line));
}

import { execFile } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { sandboxEnvironment } from '../src/cli/own-sandbox.ts';
import { startSandbox } from '../src/sandbox/sandbox.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** What cron and people call most; what they compile is kept. */
const COMMANDS = [['upload', join(root, 'fixtures/recordings/3')], ['retry'], ['status']];

/**
 * Puts V8's code cache beside a built program, so that even its first run starts fast: runs the commands as a user
 * would, in a home of their own, and keeps the caches that the launcher leaves there (`bin/start-program.js`).
 * @param dist the folder of the built program
 */
export async function makeCodeCache(dist: string): Promise<void> {
  const launcher = pathToFileURL(join(root, 'bin/start-program.js')).href;
  const start = `import { startProgram } from '${launcher}'; startProgram(${JSON.stringify(dist)}, process.argv.slice(2));`;
  const home = mkdtempSync(join(tmpdir(), 'recordupload-build-'));
  const sandbox = await startSandbox();
  try {
    for (const args of COMMANDS) {
      // Each as a process: what it compiles is what it needs.
      await promisify(execFile)(process.execPath, ['--input-type=module', '-e', start, 'recordupload', ...args], {
        cwd: home,
        env: { HOME: home, ...sandboxEnvironment(sandbox) },
      });
    }
    const cache = join(dist, 'cache');
    cpSync(join(home, '.cache/recordupload'), cache, { recursive: true });
    // Made as somebody's own; here they are everybody's, as the program is.
    for (const name of readdirSync(cache)) chmodSync(join(cache, name), 0o644);
  } finally {
    await sandbox.close();
    rmSync(home, { recursive: true, force: true });
  }
}

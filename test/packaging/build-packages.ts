/**
 * Makes what the tests of packaging install, in `dist/tried/`: the executable for Linux x64, the Debian package of it, and
 * one of an older version. They are compressed less than a release, which takes a tenth of the time.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { root, tried } from './tools.ts';

/** The version that the tests upgrade from. */
export const OLDER = '0.0.9';

function run(script: string, ...args: string[]): void {
  execFileSync(process.execPath, [join(root, script), ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
}

if (import.meta.main) {
  const executables = join(tried, 'executables');
  run('scripts/executables/build.ts', '--out', executables, 'linux-x64');
  const build = ['scripts/debian/build.ts', '--executables', executables, '--level', '0'] as const;
  run(...build, '--out', tried);
  run(...build, '--out', join(tried, 'older'), '--version', OLDER);
}

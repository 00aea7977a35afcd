import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** A built recordupload. */
export interface Build {
  /** The command line that starts it, under the Node that runs the benchmark. */
  cli: readonly [string, string];
  /** Where its `src` is. */
  folder: string;
  /** Which one it is, for the report. */
  description: string;
}

/** The built program in a folder that holds `bin` and `dist`. */
export function buildIn(folder: string, description: string): Build {
  return { cli: [process.execPath, join(folder, 'bin/recordupload.js')], folder, description };
}

/**
 * The build to compare with. A revision is unpacked and built in a folder of its own, with the packages of its own lock
 * file, and by the Node that will run it: its code cache fits no other.
 * @param where a built folder, or a git revision
 * @param root the repository
 * @param folder for what has to be made
 * @throws Error where it is neither, or the build fails
 */
export function oldBuild(where: string, root: string, folder: string): Build {
  if (existsSync(join(where, 'bin/recordupload.js'))) {
    if (!existsSync(join(where, 'dist')))
      throw new Error(`--old ${where}: nothing is built there: run "npm run build" in it`);
    return buildIn(resolve(where), `the build in ${resolve(where)}`);
  }
  const revision = spawnSync('git', ['-C', root, 'rev-parse', '--verify', '--quiet', `${where}^{commit}`], {
    encoding: 'utf8',
  }).stdout?.trim();
  if (!revision) throw new Error(`--old ${where}: neither a built folder nor a git revision`);
  const source = join(folder, 'old');
  mkdirSync(source);
  run('bash', ['-o', 'pipefail', '-c', 'git -C "$0" archive "$1" | tar -x -C "$2"', root, revision, source], root);
  if (sameText(join(source, 'package-lock.json'), join(root, 'package-lock.json')))
    symlinkSync(join(root, 'node_modules'), join(source, 'node_modules'));
  else run('npm', ['ci', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'], source);
  run(process.execPath, ['scripts/build.ts'], source);
  return buildIn(source, `revision ${revision.slice(0, 7)}`);
}

function sameText(one: string, other: string): boolean {
  return readFileSync(one, 'utf8') === readFileSync(other, 'utf8');
}

function run(program: string, args: readonly string[], cwd: string): void {
  const { status, stderr, error } = spawnSync(program, args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args[0]} failed in ${cwd}: ${error?.message ?? stderr}`);
}

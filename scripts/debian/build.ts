/**
 * Makes a Debian package of each Linux executable that there is: `node scripts/debian/build.ts`. `--executables` names
 * their folder, `--out` the one for the packages, `--version` another version, `--level` how hard xz tries. Two builds make the same bytes, with the
 * time of `SOURCE_DATE_EPOCH` or else of the last commit.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { VERSION } from '../../src/cli/program/version.ts';
import { packageTree } from './tree.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { values } = parseArgs({
  options: {
    executables: { type: 'string', default: join(root, 'dist/executables') },
    out: { type: 'string', default: join(root, 'dist') },
    version: { type: 'string', default: VERSION },
    level: { type: 'string', default: '6' },
  },
});

/** Debian's names of the machines that executables are for. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** Debian sorts "0.2.0~rc.1" before "0.2.0", as npm does "0.2.0-rc.1". */
const version = values.version.replace('-', '~');
/** Seconds since 1970. */
const epoch = process.env.SOURCE_DATE_EPOCH || git('log', '-1', '--format=%ct');

function git(...args: string[]): string {
  return execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
}

function buildPackage(executable: string, architecture: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'recordupload-deb-'));
  try {
    packageTree(folder, { root, executable, architecture, version, epochSeconds: Number(epoch) });
    const file = join(resolve(values.out), `recordupload_${version}_${architecture}.deb`);
    execFileSync('dpkg-deb', ['--root-owner-group', '-Zxz', `-z${values.level}`, '--build', folder, file], {
      env: { ...process.env, SOURCE_DATE_EPOCH: epoch },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    console.log(file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const executables = Object.entries(ARCHITECTURES)
  .map(([arch, architecture]) => ({
    executable: join(resolve(values.executables), `recordupload-${VERSION}-linux-${arch}`),
    architecture,
  }))
  .filter(({ executable }) => existsSync(executable));
if (executables.length === 0)
  throw new Error(`${values.executables} has no executable for Linux: run "npm run build:executables" first`);
mkdirSync(resolve(values.out), { recursive: true });
for (const { executable, architecture } of executables) buildPackage(executable, architecture);

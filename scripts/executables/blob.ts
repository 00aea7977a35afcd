import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';

/** What Node reads of a single executable: the launcher, and the program's files as assets. */
export interface BlobParts {
  /** The folder of the built program. */
  dist: string;
  /** The folder with its code caches; without one, V8 compiles at each start. */
  codeCache?: string | undefined;
}

/**
 * Makes the blob that turns a Node into the program. The same parts make the same bytes.
 * https://nodejs.org/api/single-executable-applications.html
 * @param node the Node that makes it; it has to be of the version that the blob goes into
 */
export async function makeBlob(node: string, parts: BlobParts): Promise<Buffer> {
  const folder = mkdtempSync(join(tmpdir(), 'recordupload-blob-'));
  try {
    await bundleLauncher(join(folder, 'launcher.cjs'));
    const config = {
      // The blob keeps this path, so it is the same on every machine.
      main: 'launcher.cjs',
      output: 'blob',
      disableExperimentalSEAWarning: true,
      // NODE_OPTIONS are meant for other programs: `--inspect` or a `--require` of somebody's would be in the way.
      execArgvExtension: 'none',
      assets: assetsOf(parts),
    };
    writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
    await promisify(execFile)(node, ['--experimental-sea-config', 'config.json'], { cwd: folder });
    return readFileSync(join(folder, 'blob'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Everything that the program loads, by its name in `dist/`: itself, its parts and threads, what browsers get. */
function assetsOf({ dist, codeCache }: BlobParts): Record<string, string> {
  const files = (folder: string, prefix: string) =>
    readdirSync(folder)
      .toSorted()
      .map(name => [`${prefix}${name}`, join(folder, name)]);
  return Object.fromEntries([
    ...files(dist, '').filter(([name]) => name?.endsWith('.cjs')),
    ...files(join(dist, 'dashboard'), 'dashboard/'),
    ...(codeCache === undefined ? [] : files(codeCache, 'cache/')),
  ]);
}

async function bundleLauncher(outfile: string): Promise<void> {
  await build({
    entryPoints: [fileURLToPath(new URL('launcher.js', import.meta.url))],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    minifySyntax: true,
    minifyWhitespace: true,
    logLevel: 'warning',
  });
}

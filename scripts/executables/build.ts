/**
 * Makes one file of the program and its Node for each system: `node scripts/executables/build.ts [<target>...]`, such
 * as `linux-x64`; without targets, all. `--dist` names another built program, `--out` another folder for the result. Two
 * builds make the same bytes.
 */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { inject } from 'postject';
import { VERSION } from '../../src/cli/program/version.ts';
import type { BundledPackage } from '../recorded-build.ts';
import { makeBlob } from './blob.ts';
import { checksums } from './checksums.ts';
import { installRuntimes, runtimeFile } from './runtimes.ts';
import { makeSbom } from './sbom.ts';
import { settledCodeCache } from './settled-code-cache.ts';
import { BUILD_PLATFORM, chosenTargets, type Target } from './targets.ts';

/** The name of the blob's place, and what marks in a Node that it has one: both Node's own (see `blob.ts`). */
const BLOB = 'NODE_SEA_BLOB';
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';
const MACHO_SEGMENT = 'NODE_SEA';

/** Where everything is. */
interface Places {
  /** The repository. */
  root: string;
  /** The built program. */
  dist: string;
  /** For what is needed only during the build. */
  work: string;
  out: string;
}

async function main(): Promise<void> {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const { values, positionals } = parseArgs({
    options: {
      dist: { type: 'string', default: join(root, 'dist') },
      out: { type: 'string', default: join(root, 'dist/executables') },
    },
    allowPositionals: true,
  });
  const platform = `${process.platform}-${process.arch}`;
  if (platform !== BUILD_PLATFORM) throw new Error(`executables are built on ${BUILD_PLATFORM}; this is ${platform}`);
  const targets = chosenTargets(positionals);
  const work = mkdtempSync(join(tmpdir(), 'recordupload-executables-'));
  try {
    await buildExecutables(targets, { root, dist: resolve(values.dist), out: resolve(values.out), work });
  } finally {
    rmSync(work, { recursive: true });
  }
}

async function buildExecutables(targets: readonly Target[], places: Places): Promise<void> {
  const { root, dist, work, out } = places;
  await installRuntimes();
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const cached = targets.find(({ hasCodeCache }) => hasCodeCache);
  const codeCache = cached && (await settledCodeCache(runtimeFile(cached.maker, 'bin/node'), dist, work));
  const files: string[] = [];
  for (const target of targets) files.push(await buildExecutable(target, { ...places, codeCache }));
  const sbom = `recordupload-${VERSION}.cdx.json`;
  const bundled = JSON.parse(readFileSync(join(dist, 'bundled-packages.json'), 'utf8')) as BundledPackage[];
  const runtimes = targets.map(({ runtime }) => runtime.dependency);
  writeFileSync(join(out, sbom), await makeSbom({ root, bundled, runtimes }));
  files.push(sbom);
  writeFileSync(join(out, 'SHA256SUMS'), checksums(out, files));
}

async function buildExecutable(
  { name, runtime, maker, hasCodeCache, prepare, finish }: Target,
  { dist, out, codeCache }: Places & { codeCache: string | undefined },
): Promise<string> {
  const file = `recordupload-${VERSION}-${name}${runtime.file.endsWith('.exe') ? '.exe' : ''}`;
  const path = join(out, file);
  const blob = await makeBlob(runtimeFile(maker, 'bin/node'), {
    dist,
    codeCache: hasCodeCache ? codeCache : undefined,
  });
  const node = readFileSync(runtimeFile(runtime.dependency, runtime.file));
  writeFileSync(path, prepare?.(node) ?? node);
  await inject(path, BLOB, blob, { sentinelFuse: FUSE, machoSegmentName: MACHO_SEGMENT });
  if (finish) writeFileSync(path, finish(readFileSync(path)));
  chmodSync(path, 0o755);
  return file;
}

await main();

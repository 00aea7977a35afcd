/**
 * Makes one file of the program and its Node for each system: `node scripts/executables/build.ts [<target>...]`, such
 * as `linux-x64`; without targets, all. `--dist` names another built program, `--out` another folder for the result. Two
 * builds make the same bytes.
 */
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { inject } from 'postject';
import { VERSION } from '../../src/cli/program/version.ts';
import { makeBlob } from './blob.ts';
import { checksums } from './checksums.ts';
import { installRuntimes, runtimeFile } from './runtimes.ts';
import { BUILD_PLATFORM, TARGETS, type Target } from './targets.ts';

/** The name of the blob's place, and what marks in a Node that it has one: both Node's own (see `blob.ts`). */
const BLOB = 'NODE_SEA_BLOB';
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';
const MACHO_SEGMENT = 'NODE_SEA';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { values, positionals } = parseArgs({
  options: {
    dist: { type: 'string', default: join(root, 'dist') },
    out: { type: 'string', default: join(root, 'dist/executables') },
  },
  allowPositionals: true,
});
const out = resolve(values.out);

/** @throws Error where there is no such target */
function chosenTargets(names: readonly string[]): readonly Target[] {
  const unknown = names.filter(name => !TARGETS.some(target => target.name === name));
  if (unknown.length > 0)
    throw new Error(`no such target: ${unknown.join(', ')} (there are ${TARGETS.map(({ name }) => name).join(', ')})`);
  return names.length === 0 ? TARGETS : TARGETS.filter(({ name }) => names.includes(name));
}

async function buildExecutable({ name, runtime, maker, hasCodeCache }: Target): Promise<string> {
  const file = `recordupload-${VERSION}-${name}${runtime.file.endsWith('.exe') ? '.exe' : ''}`;
  const path = join(out, file);
  const blob = await makeBlob(runtimeFile(maker, 'bin/node'), {
    dist: resolve(values.dist),
    withCodeCache: hasCodeCache,
  });
  writeFileSync(path, readFileSync(runtimeFile(runtime.dependency, runtime.file)));
  await inject(path, BLOB, blob, { sentinelFuse: FUSE, machoSegmentName: MACHO_SEGMENT });
  chmodSync(path, 0o755);
  return file;
}

const platform = `${process.platform}-${process.arch}`;
if (platform !== BUILD_PLATFORM) throw new Error(`executables are built on ${BUILD_PLATFORM}; this is ${platform}`);
const targets = chosenTargets(positionals);
await installRuntimes();
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const files: string[] = [];
for (const target of targets) files.push(await buildExecutable(target));
writeFileSync(join(out, 'SHA256SUMS'), checksums(out, files));

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type BuildOptions, type BuildResult, build } from 'esbuild';

/** A package of which something is in the program. */
export interface BundledPackage {
  name: string;
  version: string;
}

/** Folders of packages, from where the builds ran. */
const folders = new Set<string>();

/** Builds, and remembers of which packages something got into the result. */
export async function recordedBuild(options: BuildOptions): Promise<BuildResult> {
  const result = await build({ ...options, metafile: true });
  for (const { inputs } of Object.values(result.metafile?.outputs ?? {}))
    for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
      // The last `node_modules` counts: a package may have packages of its own.
      const [folder] = /^.*\bnode_modules\/(?:@[^/]+\/)?[^/]+/.exec(path) ?? [];
      if (folder && bytesInOutput > 0) folders.add(resolve(options.absWorkingDir ?? '', folder));
    }
  return result;
}

/** The packages of all builds so far, by name. */
export function bundledPackages(): BundledPackage[] {
  const packages = [...folders].map(folder => {
    const { name, version } = JSON.parse(readFileSync(resolve(folder, 'package.json'), 'utf8')) as BundledPackage;
    return { name, version };
  });
  return packages.sort((a, b) => (`${a.name}@${a.version}` < `${b.name}@${b.version}` ? -1 : 1));
}

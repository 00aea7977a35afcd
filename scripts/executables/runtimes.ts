import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const folder = fileURLToPath(new URL('../../packaging/executables/', import.meta.url));

/** A package of a lock file, as npm writes it. */
export interface LockedPackage {
  /** The package's own name, where the dependency has another one. */
  name?: string;
  version: string;
  integrity: string;
}

/** The Nodes of the executables, by dependency, with npm's checksums. */
export function lockedRuntimes(): Record<string, LockedPackage> {
  return readPackages('package-lock.json');
}

/**
 * Installs them, each checked against the lock file by npm. `--force`, because they are for other systems than this one.
 * @throws Error with npm's own output
 */
export async function installRuntimes(): Promise<void> {
  if (isInstalled()) return;
  const args = ['ci', '--force', '--ignore-scripts', '--no-audit', '--no-fund'];
  await promisify(execFile)('npm', args, { cwd: folder });
}

/** The path of a file of such a Node. */
export function runtimeFile(dependency: string, file: string): string {
  return join(folder, 'node_modules', dependency, file);
}

function isInstalled(): boolean {
  try {
    const installed = readPackages('node_modules/.package-lock.json');
    return Object.entries(lockedRuntimes()).every(([name, { integrity }]) => installed[name]?.integrity === integrity);
  } catch {
    return false;
  }
}

function readPackages(lockFile: string): Record<string, LockedPackage> {
  const { packages } = JSON.parse(readFileSync(join(folder, lockFile), 'utf8')) as {
    packages: Record<string, LockedPackage>;
  };
  const prefix = 'node_modules/';
  return Object.fromEntries(
    Object.entries(packages)
      .filter(([path]) => path.startsWith(prefix))
      .map(([path, one]) => [path.slice(prefix.length), one]),
  );
}

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import type { BundledPackage } from '../recorded-build.ts';
import { type LockedPackage, lockedRuntimes } from './runtimes.ts';

/** What is read of a CycloneDX document (https://cyclonedx.org/docs/1.5/json/); the rest stays as npm wrote it. */
interface Bom {
  serialNumber?: string;
  metadata: { timestamp?: string; component: Component };
  components: Component[];
  dependencies: { ref: string; dependsOn?: string[] }[];
}

interface Component {
  'bom-ref': string;
  type: string;
  name: string;
  version: string;
  scope?: string;
  purl: string;
  licenses?: { license: { id: string } }[];
  properties?: { name: string; value: string }[];
  hashes?: { alg: string; content: string }[];
}

/** What a bill of materials is about. */
export interface Bill {
  /** The folder of the repository, with its lock file. */
  root: string;
  /** What the build has put into the program. */
  bundled: readonly BundledPackage[];
  /** The dependencies in `packaging/executables/` whose Node an executable contains. */
  runtimes: readonly string[];
}

/**
 * The bill of materials of the executables, as CycloneDX: what `npm sbom` says about the packages in the program, and
 * their Nodes. npm lists everything that the repository installs, with a time and a random number; this has neither.
 * @throws Error where a bundled package is not in the lock file
 */
export async function makeSbom({ root, bundled, runtimes }: Bill): Promise<string> {
  const args = ['sbom', '--sbom-format', 'cyclonedx', '--sbom-type', 'application', '--package-lock-only'];
  const { stdout } = await promisify(execFile)('npm', args, { cwd: root, maxBuffer: 64 * 1024 * 1024 });
  const bom = JSON.parse(stdout) as Bom;
  const program = bom.metadata.component;
  // npm calls it by its folder's name.
  program.name = 'recordupload';
  delete bom.metadata.timestamp;
  delete bom.serialNumber;
  const packages = bundled.map(one => componentOf(one, bom.components));
  const locked = lockedRuntimes();
  const nodes = runtimes.map(dependency => nodeComponent(dependency, locked[dependency]));
  bom.components = [...packages, ...nodes];
  const refs = new Set(bom.components.map(component => component['bom-ref']));
  bom.dependencies = bom.dependencies
    .filter(({ ref }) => refs.has(ref))
    .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter(one => refs.has(one)) }));
  bom.dependencies.unshift({ ref: program['bom-ref'], dependsOn: [...refs] });
  const serialNumber = `urn:uuid:${uuidOf(JSON.stringify(bom))}`;
  return `${JSON.stringify({ ...bom, serialNumber }, null, 2)}\n`;
}

function componentOf({ name, version }: BundledPackage, components: readonly Component[]): Component {
  const found = components.find(component => component.name === name && component.version === version);
  if (!found) throw new Error(`${name}@${version} is in the program and not in package-lock.json: run npm ci`);
  // To npm it is a package for development only, because the build puts it into the program.
  const properties = found.properties?.filter(property => property.name !== 'cdx:npm:package:development') ?? [];
  return { ...found, scope: 'required', properties };
}

function nodeComponent(dependency: string, locked: LockedPackage | undefined): Component {
  const { name = dependency, version, integrity } = locked ?? {};
  if (!version || !integrity) throw new Error(`${dependency} is not in packaging/executables/package-lock.json`);
  return {
    'bom-ref': `${name}@${version}`,
    type: 'platform',
    name,
    version,
    scope: 'required',
    licenses: [{ license: { id: 'MIT' } }],
    purl: `pkg:npm/${name}@${version}`,
    hashes: [{ alg: 'SHA-512', content: Buffer.from(integrity.replace('sha512-', ''), 'base64').toString('hex') }],
  };
}

/** The same text has the same one (RFC 9562, version 8). */
function uuidOf(text: string): string {
  const bytes = createHash('sha256').update(text).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

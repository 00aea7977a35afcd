import { signAdHoc } from './mach-o-signature.ts';
import { withoutCertificate } from './pe-certificate.ts';

/** A system that gets an executable. */
export interface Target {
  /** Ends the executable's name. */
  name: string;
  /** Its Node: a dependency in `packaging/executables/package.json`, and the file in there. */
  runtime: { dependency: string; file: string };
  /** The dependency whose Node makes the blob: one of the same version, which runs on the machine that builds. */
  maker: string;
  /** V8 takes a code cache only on the platform that made it. */
  hasCodeCache: boolean;
  /** Changes the Node before the blob is put in. */
  prepare?: (node: Buffer) => Buffer;
  /** Changes the executable at the end. */
  finish?: (executable: Buffer) => Buffer;
}

/** Executables are built on Linux x64; their code cache and the Node that makes their blobs need that. */
export const BUILD_PLATFORM = 'linux-x64';

const MAKER = 'linux-x64';

/** All executables of a release. */
const TARGETS: readonly Target[] = [
  {
    name: 'linux-x64',
    runtime: { dependency: 'linux-x64', file: 'bin/node' },
    maker: MAKER,
    hasCodeCache: true,
  },
  {
    name: 'linux-arm64',
    runtime: { dependency: 'linux-arm64', file: 'bin/node' },
    maker: MAKER,
    hasCodeCache: false,
  },
  {
    name: 'macos-arm64',
    runtime: { dependency: 'macos-arm64', file: 'bin/node' },
    maker: 'linux-x64-for-macos',
    hasCodeCache: false,
    finish: signForMac,
  },
  {
    name: 'macos-x64',
    runtime: { dependency: 'macos-x64', file: 'bin/node' },
    maker: 'linux-x64-for-macos',
    hasCodeCache: false,
    finish: signForMac,
  },
  {
    name: 'windows-x64',
    runtime: { dependency: 'windows-x64', file: 'bin/node.exe' },
    maker: MAKER,
    hasCodeCache: false,
    prepare: withoutCertificate,
  },
];

/** postject has removed the signature of Node's publisher, and Apple silicon starts no program without one. */
function signForMac(executable: Buffer): Buffer {
  return signAdHoc(executable, 'recordupload');
}

/**
 * The targets of these names; all where there are none.
 * @throws Error where there is no such target
 */
export function chosenTargets(names: readonly string[]): readonly Target[] {
  const unknown = names.filter(name => !TARGETS.some(target => target.name === name));
  if (unknown.length > 0)
    throw new Error(`no such target: ${unknown.join(', ')} (there are ${TARGETS.map(({ name }) => name).join(', ')})`);
  return names.length === 0 ? TARGETS : TARGETS.filter(({ name }) => names.includes(name));
}

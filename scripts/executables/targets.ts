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
}

/** Executables are built on Linux x64; their code cache and the Node that makes their blobs need that. */
export const BUILD_PLATFORM = 'linux-x64';

const MAKER = 'linux-x64';

/** All executables of a release. */
export const TARGETS: readonly Target[] = [
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
  },
  {
    name: 'macos-x64',
    runtime: { dependency: 'macos-x64', file: 'bin/node' },
    maker: 'linux-x64-for-macos',
    hasCodeCache: false,
  },
  {
    name: 'windows-x64',
    runtime: { dependency: 'windows-x64', file: 'bin/node.exe' },
    maker: MAKER,
    hasCodeCache: false,
  },
];

import { spawnSync } from 'node:child_process';
import { findExecutable } from '../support/executables.ts';
import type { Program } from './measure.ts';
import { PEERS, type Peer } from './workloads.ts';

/** A peer that this machine has. */
export interface InstalledPeer {
  /** What is started, found without shims. */
  command: readonly [string, ...string[]];
  shim: string | undefined;
  /** As the program itself says. */
  version: string;
}

/** What the peers upload, and where to. */
export interface Task {
  source: string;
  /** The sink. */
  url: string;
  cert: string;
  /** Of one recording alone: curl sends one file. */
  video: string | undefined;
  env: Readonly<Record<string, string>>;
}

export const KEYS = { AWS_ACCESS_KEY_ID: 'bench-access-key', AWS_SECRET_ACCESS_KEY: 'bench-secret-key' };

interface Invocation {
  args: readonly string[];
  env?: Readonly<Record<string, string>>;
}

/** How each of the other programs does the same; none of them sends a webhook. */
const INVOCATIONS: Readonly<Record<Peer, (task: Task) => Invocation | undefined>> = {
  aws: ({ source, url, cert }) => ({
    args: ['--endpoint-url', url, 's3', 'cp', '--recursive', '--quiet', source, 's3://fyemeet/'],
    env: { ...KEYS, AWS_DEFAULT_REGION: 'us-west-1', AWS_EC2_METADATA_DISABLED: 'true', AWS_CA_BUNDLE: cert },
  }),
  rclone: ({ source, url, cert }) => ({
    args: [
      ...['copy', source, ':s3:fyemeet', '--s3-provider', 'Other', '--s3-endpoint', url],
      ...['--s3-access-key-id', KEYS.AWS_ACCESS_KEY_ID, '--s3-secret-access-key', KEYS.AWS_SECRET_ACCESS_KEY],
      ...['--s3-no-check-bucket', '--ca-cert', cert],
    ],
  }),
  s3cmd: ({ source, url, cert }) => {
    const { host, protocol } = new URL(url);
    const tls = protocol === 'https:' ? ['--ssl', `--ca-certs=${cert}`] : ['--no-ssl'];
    return {
      args: [
        ...['put', '--recursive', `${source}/`, 's3://fyemeet/', '--no-progress', '--config=/dev/null'],
        ...[`--host=${host}`, `--host-bucket=${host}`, ...tls],
        ...[`--access_key=${KEYS.AWS_ACCESS_KEY_ID}`, `--secret_key=${KEYS.AWS_SECRET_ACCESS_KEY}`],
      ],
    };
  },
  // The floor: one PUT, no hash, no check.
  curl: ({ video, url, cert }) =>
    video === undefined ? undefined : { args: ['-s', '--cacert', cert, '-T', video, `${url}/fyemeet/floor`] },
};

/** The peers that are installed here. */
export function installedPeers(): Map<Peer, InstalledPeer> {
  const found = new Map<Peer, InstalledPeer>();
  for (const name of PEERS) {
    const executable = findExecutable(name);
    if (!executable) continue;
    const [file, ...args] = executable.command;
    const { status, stdout, stderr } = spawnSync(file, [...args, '--version'], { encoding: 'utf8' });
    if (status === 0) found.set(name, { ...executable, version: (stdout || stderr).split('\n')[0] ?? '' });
  }
  return found;
}

/** One line a peer: its version, which file is run, and which shim that leaves out. */
export function describePeers(peers: ReadonlyMap<Peer, InstalledPeer>): string {
  return PEERS.map(name => {
    const peer = peers.get(name);
    if (!peer) return `${name}: not installed, left out`;
    return `${name}: ${peer.command.join(' ')}${peer.shim ? ` (not the shim ${peer.shim})` : ''}: ${peer.version}`;
  }).join('\n');
}

/** The program that does a task; undefined where the peer is not installed, or cannot do it. */
export function peerProgram(name: Peer, task: Task, peers: ReadonlyMap<Peer, InstalledPeer>): Program | undefined {
  const peer = peers.get(name);
  const invocation = peer && INVOCATIONS[name](task);
  return invocation && { command: [...peer.command, ...invocation.args], env: { ...task.env, ...invocation.env } };
}

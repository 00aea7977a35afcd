import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { findExecutable } from '../support/executables.ts';
import type { Program } from './measure.ts';
import { PEERS, type Peer, tunedName } from './programs.ts';

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
  /** The S3 server. */
  url: string;
  cert: string;
  /** Of one recording alone: curl sends one file. */
  video: string | undefined;
  env: Readonly<Record<string, string>>;
  /** A folder for files that a peer needs, its own. */
  folder: string;
}

export const KEYS = { AWS_ACCESS_KEY_ID: 'bench-access-key', AWS_SECRET_ACCESS_KEY: 'bench-secret-key' };

interface Invocation {
  args: readonly string[];
  env?: Readonly<Record<string, string>>;
}

/** How a peer does the task: as it comes, and tuned for it as its own manual says. */
interface Ways {
  defaults(task: Task): Invocation | undefined;
  tuned?(task: Task): Invocation;
}

/** None of them sends a webhook. */
const WAYS: Readonly<Record<Peer, Ways>> = {
  aws: {
    defaults: aws,
    tuned(task) {
      // https://docs.aws.amazon.com/cli/latest/topic/s3-config.html
      const config = join(task.folder, 'aws-config');
      writeFileSync(
        config,
        '[default]\ns3 =\n  max_concurrent_requests = 32\n  multipart_chunksize = 16MB\n  max_queue_size = 10000\n',
      );
      const { args, env } = aws(task);
      return { args, env: { ...env, AWS_CONFIG_FILE: config } };
    },
  },
  rclone: {
    defaults: rclone,
    // https://rclone.org/s3/#multipart-uploads
    tuned: task => ({
      args: [
        ...rclone(task).args,
        ...['--s3-chunk-size', '16M', '--s3-upload-concurrency', '8', '--transfers', '16', '--checkers', '16'],
      ],
    }),
  },
  mc: {
    defaults: mc,
    // `mc` names them in its release notes alone.
    tuned(task) {
      const { args, env } = mc(task);
      return { args, env: { ...env, MC_UPLOAD_MULTIPART_SIZE: '16MiB', MC_UPLOAD_MULTIPART_THREADS: '8' } };
    },
  },
  s5cmd: {
    defaults: task => s5cmd(task, []),
    // https://github.com/peak/s5cmd#configuring-concurrency
    tuned: task => s5cmd(task, ['--concurrency', '8', '--part-size', '16']),
  },
  s3cmd: {
    defaults({ source, url, cert }) {
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
  },
  // The floor: one PUT, no hash, no check.
  curl: {
    defaults: ({ video, url, cert }) =>
      video === undefined ? undefined : { args: ['-s', '--cacert', cert, '-T', video, `${url}/fyemeet/floor`] },
  },
};

function aws({ source, url, cert }: Task): Required<Invocation> {
  return {
    args: ['--endpoint-url', url, 's3', 'cp', '--recursive', '--quiet', source, 's3://fyemeet/'],
    env: { ...KEYS, AWS_DEFAULT_REGION: 'us-west-1', AWS_EC2_METADATA_DISABLED: 'true', AWS_CA_BUNDLE: cert },
  };
}

function rclone({ source, url, cert }: Task): Invocation {
  return {
    args: [
      ...['copy', source, ':s3:fyemeet', '--s3-provider', 'Other', '--s3-endpoint', url, '--s3-region', 'us-west-1'],
      ...['--s3-access-key-id', KEYS.AWS_ACCESS_KEY_ID, '--s3-secret-access-key', KEYS.AWS_SECRET_ACCESS_KEY],
      ...['--s3-no-check-bucket', '--ca-cert', cert],
    ],
  };
}

function mc({ source, url, cert, folder }: Task): Required<Invocation> {
  const config = join(folder, 'mc');
  mkdirSync(join(config, 'certs', 'CAs'), { recursive: true });
  copyFileSync(cert, join(config, 'certs', 'CAs', 'bench.pem'));
  const { protocol, host } = new URL(url);
  return {
    args: ['--config-dir', config, '--quiet', 'cp', '--recursive', `${source}/`, 'bench/fyemeet/'],
    env: { MC_HOST_bench: `${protocol}//${KEYS.AWS_ACCESS_KEY_ID}:${KEYS.AWS_SECRET_ACCESS_KEY}@${host}` },
  };
}

function s5cmd({ source, url, cert }: Task, settings: readonly string[]): Invocation {
  return {
    args: ['--endpoint-url', url, 'cp', ...settings, `${source}/`, 's3://fyemeet/'],
    env: { ...KEYS, AWS_REGION: 'us-west-1', AWS_CA_BUNDLE: cert },
  };
}

/** The peers that are installed here. */
export function installedPeers(): Map<Peer, InstalledPeer> {
  const found = new Map<Peer, InstalledPeer>();
  for (const name of PEERS) {
    const executable = findExecutable(name);
    if (!executable) continue;
    const [file, ...args] = executable.command;
    const asked = name === 's5cmd' ? 'version' : '--version';
    const { status, stdout, stderr } = spawnSync(file, [...args, asked], { encoding: 'utf8' });
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

/**
 * The programs that do a task for a peer, by the names that the tables show: as it comes and, with `isTuned`, tuned.
 * None where the peer is not installed, or cannot do it.
 */
export function peerPrograms(
  name: Peer,
  task: Task,
  { peers, isTuned }: { peers: ReadonlyMap<Peer, InstalledPeer>; isTuned: boolean },
): [string, Program][] {
  const peer = peers.get(name);
  if (!peer) return [];
  const { defaults, tuned } = WAYS[name];
  const ways = [[name, defaults(task)] as const, [tunedName(name), isTuned ? tuned?.(task) : undefined] as const];
  return ways.flatMap(([label, invocation]): [string, Program][] =>
    invocation
      ? [[label, { command: [...peer.command, ...invocation.args], env: { ...task.env, ...invocation.env } }]]
      : [],
  );
}

const SHARES = 4;

/** What the server can take: several curls at once, each with a share of the video, without hash or check. */
export async function curlsInParallel(
  { url, env, folder, videoBytes }: Task & { videoBytes: number },
  peers: ReadonlyMap<Peer, InstalledPeer>,
): Promise<Program | undefined> {
  const curl = peers.get('curl');
  if (!curl) return undefined;
  const share = join(folder, 'share');
  writeFileSync(share, '');
  truncateSync(share, Math.ceil(videoBytes / SHARES));
  const targets: string[] = [];
  for (let index = 0; index < SHARES; index++) targets.push('-T', share, await linkFor(url, `share${index}`));
  return { command: [...curl.command, '-s', '-S', '--fail', '--parallel', '--parallel-immediate', ...targets], env };
}

/** A link by which an object can be put without keys, for half a day. */
async function linkFor(url: string, key: string): Promise<string> {
  const s3 = new S3Client({
    endpoint: url,
    region: 'us-west-1',
    forcePathStyle: true,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    credentials: { accessKeyId: KEYS.AWS_ACCESS_KEY_ID, secretAccessKey: KEYS.AWS_SECRET_ACCESS_KEY },
  });
  return await getSignedUrl(s3, new PutObjectCommand({ Bucket: 'fyemeet', Key: key }), { expiresIn: 12 * 60 * 60 });
}

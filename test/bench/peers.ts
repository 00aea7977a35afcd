import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Program } from './measure.ts';
import type { Peer } from './workloads.ts';

/** What the peers upload, and where to. */
export interface Task {
  source: string;
  /** The sink. */
  url: string;
  cert: string;
  /** Of one recording alone: curl sends one file. */
  video: string | undefined;
  env: Record<string, string>;
}

export const KEYS = { AWS_ACCESS_KEY_ID: 'bench-access-key', AWS_SECRET_ACCESS_KEY: 'bench-secret-key' };

/** How each of the other programs does the same; none of them sends a webhook. */
const COMMANDS: Record<Exclude<Peer, 'node'>, (task: Task) => Program | undefined> = {
  aws: ({ source, url, cert, env }) => ({
    command: ['aws', '--endpoint-url', url, 's3', 'cp', '--recursive', '--quiet', source, 's3://fyemeet/'],
    env: {
      ...env,
      // Where its own installation may look for itself.
      HOME: process.env.HOME ?? env.HOME ?? '/',
      ...KEYS,
      AWS_DEFAULT_REGION: 'us-west-1',
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_CA_BUNDLE: cert,
    },
  }),
  rclone: ({ source, url, cert, env }) => ({
    command: [
      ...['rclone', 'copy', source, ':s3:fyemeet', '--s3-provider', 'Other', '--s3-endpoint', url],
      ...['--s3-access-key-id', KEYS.AWS_ACCESS_KEY_ID, '--s3-secret-access-key', KEYS.AWS_SECRET_ACCESS_KEY],
      ...['--s3-no-check-bucket', '--ca-cert', cert],
    ],
    env,
  }),
  s3cmd: ({ source, url, cert, env }) => {
    const { host, protocol } = new URL(url);
    const tls = protocol === 'https:' ? ['--ssl', `--ca-certs=${cert}`] : ['--no-ssl'];
    return {
      command: [
        ...['s3cmd', 'put', '--recursive', `${source}/`, 's3://fyemeet/', '--no-progress', '--config=/dev/null'],
        ...[`--host=${host}`, `--host-bucket=${host}`, ...tls],
        ...[`--access_key=${KEYS.AWS_ACCESS_KEY_ID}`, `--secret_key=${KEYS.AWS_SECRET_ACCESS_KEY}`],
      ],
      env,
    };
  },
  // The floor: one PUT, no hash, no check.
  curl: ({ video, url, cert, env }) =>
    video === undefined
      ? undefined
      : { command: ['curl', '-s', '--cacert', cert, '-T', video, `${url}/fyemeet/floor`], env },
};

/** The peers that are installed here, with their versions. */
export function installedPeers(): Map<Exclude<Peer, 'node'>, string> {
  const found = new Map<Exclude<Peer, 'node'>, string>();
  for (const name of Object.keys(COMMANDS) as Exclude<Peer, 'node'>[]) {
    const { status, stdout } = spawnSync(name, ['--version'], { encoding: 'utf8' });
    if (status === 0) found.set(name, stdout.split('\n')[0] ?? '');
  }
  return found;
}

/** The programs that do a task, of those wanted and installed. */
export function peerPrograms(task: Task, peers: readonly Peer[]): Map<string, Program> {
  const programs = new Map<string, Program>();
  for (const peer of peers) {
    const program = peer === 'node' ? undefined : COMMANDS[peer](task);
    if (program) programs.set(peer, program);
  }
  return programs;
}

/** The video of a folder's first recording, where it has only one. */
export function onlyVideo(dirs: readonly string[]): string | undefined {
  return dirs.length === 1 ? join(dirs[0] as string, 'video.mkv') : undefined;
}

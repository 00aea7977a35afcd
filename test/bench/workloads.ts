import { randomFillSync } from 'node:crypto';
import { closeSync, copyFileSync, ftruncateSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const fixture = fileURLToPath(new URL('../../fixtures/recordings/3/', import.meta.url));
const MIB = 1024 * 1024;
/** Above this a video is a hole: what is read are zeros, which costs the same, and the disk need not have the room. */
const LARGEST_WRITTEN_BYTES = 1024 * MIB;

export type Peer = 'aws' | 'rclone' | 's3cmd' | 'curl' | 'node';

/** What is to be kept, all in one run. */
export interface Goals {
  /** Ratio of wall time to that of the peer. */
  wall?: Partial<Record<Peer, number>>;
  /** Ratio of processor time to that of the peer. */
  cpu?: Partial<Record<Peer, number>>;
  peakRssMib?: number;
  requests?: number;
  /** Ratio of wall time to the median of our own on another workload. */
  own?: { workload: string; ratio: number };
  /** Ratio of wall time to what the line needs for the bytes alone. */
  line?: number;
}

export interface Workload {
  name: string;
  /** How many recordings of how many bytes. */
  recordings: number;
  videoBytes: number;
  line: keyof typeof LINES;
  goals: Goals;
  /** Programs that are worth their time here. */
  peers: readonly Peer[];
  /** Nothing is left to do: state and objects are those of the run before. */
  repeated?: boolean;
  /** Only with `--all`: takes minutes and gigabytes. */
  large?: boolean;
}

/** Options of the sink for each kind of line, and its speed where it has a limit of its own. */
export const LINES = {
  plain: { options: [], tls: false, bytesPerSecond: undefined },
  tls: { options: [], tls: true, bytesPerSecond: undefined },
  /** 20 ms away, 100 Mbit/s a connection. */
  far: { options: ['--rtt', '20', '--bw', '12500000'], tls: true, bytesPerSecond: undefined },
  /** 20 ms away, 1 Gbit/s for all connections together. */
  shared: { options: ['--rtt', '20', '--bw-total', '125000000'], tls: true, bytesPerSecond: 125e6 },
} as const;

const TINY = { recordings: 1, videoBytes: MIB / 2 } as const;
const TYPICAL = { recordings: 1, videoBytes: 300e6 } as const;
const BATCH = { recordings: 100, videoBytes: MIB / 2 } as const;
const ALL: readonly Peer[] = ['aws', 'rclone', 's3cmd', 'curl'];

export const WORKLOADS: readonly Workload[] = [
  { name: 'tiny', ...TINY, line: 'plain', peers: ALL, goals: { wall: { aws: 0.25, s3cmd: 0.75, rclone: 1.3 } } },
  { name: 'typical', ...TYPICAL, line: 'plain', peers: ALL, goals: { wall: { aws: 0.5, rclone: 0.3 } } },
  { name: 'typical, TLS', ...TYPICAL, line: 'tls', peers: ALL, goals: { wall: { aws: 0.5, rclone: 0.3 } } },
  {
    name: 'second run',
    ...TYPICAL,
    line: 'plain',
    peers: [],
    repeated: true,
    // Two a file: video, thumbnail, transcript, metadata.json.
    goals: { requests: 8, own: { workload: 'tiny', ratio: 1.2 } },
  },
  { name: 'batch of 100', ...BATCH, line: 'plain', peers: ALL, goals: { wall: { aws: 0.6, s3cmd: 1 } } },
  { name: 'line', ...TYPICAL, line: 'far', peers: ['aws', 'rclone'], goals: { wall: { aws: 0.45, rclone: 0.2 } } },
  { name: 'shared line', ...TYPICAL, line: 'shared', peers: ['aws', 'rclone'], goals: { line: 1.2 } },
  {
    name: 'batch, far',
    ...BATCH,
    line: 'far',
    peers: ['aws', 'rclone'],
    goals: { wall: { aws: 0.35, rclone: 0.2 } },
    large: true,
  },
  {
    name: '4 GiB',
    recordings: 1,
    videoBytes: 4096 * MIB,
    line: 'plain',
    peers: ALL,
    goals: { wall: { aws: 0.45, rclone: 0.2 }, cpu: { aws: 0.7 }, peakRssMib: 130 },
    large: true,
  },
  {
    name: '400 MiB',
    recordings: 1,
    videoBytes: 400 * MIB,
    line: 'plain',
    peers: [],
    goals: { peakRssMib: 130 },
    large: true,
  },
  {
    name: '20 GiB',
    recordings: 1,
    videoBytes: 20 * 1024 * MIB,
    line: 'plain',
    peers: [],
    goals: { peakRssMib: 130 },
    large: true,
  },
];

/** Writes recordings below `root` and returns their folders. */
export function makeRecordings(root: string, { recordings, videoBytes }: Pick<Workload, 'recordings' | 'videoBytes'>) {
  const block = randomFillSync(Buffer.alloc(Math.min(8 * MIB, videoBytes)));
  return Array.from({ length: recordings }, (_, index) => {
    const dir = join(root, `r${index + 1}`);
    mkdirSync(dir, { recursive: true });
    for (const name of ['thumbnail.jpg', 'transcript.txt']) copyFileSync(join(fixture, name), join(dir, name));
    const fd = openSync(join(dir, 'video.mkv'), 'w');
    if (videoBytes > LARGEST_WRITTEN_BYTES) ftruncateSync(fd, videoBytes);
    else
      for (let left = videoBytes; left > 0; left -= block.length) writeSync(fd, block, 0, Math.min(left, block.length));
    closeSync(fd);
    return dir;
  });
}

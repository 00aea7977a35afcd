import { randomFillSync } from 'node:crypto';
import { closeSync, copyFileSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const fixture = fileURLToPath(new URL('../../fixtures/recordings/3/', import.meta.url));
const MIB = 1024 * 1024;

/** Ratios of wall time that are to be kept, by peer. */
export type Goals = Partial<Record<'aws' | 's3cmd' | 'rclone' | 'curl' | 'node' | 'tiny', number>>;

export interface Workload {
  name: string;
  /** How many recordings of how many bytes. */
  recordings: number;
  videoBytes: number;
  line: 'plain' | 'tls' | 'far' | 'shared';
  goals: Goals;
  /** Nothing is left to do: state and objects are those of the run before. */
  repeated?: boolean;
  /** Only with `--all`: takes minutes and gigabytes. */
  large?: boolean;
}

export const WORKLOADS: readonly Workload[] = [
  { name: 'tiny', recordings: 1, videoBytes: MIB / 2, line: 'plain', goals: { aws: 0.25, s3cmd: 0.75, rclone: 1.3 } },
  { name: 'typical', recordings: 1, videoBytes: 300e6, line: 'plain', goals: { aws: 0.5, rclone: 0.3 } },
  { name: 'typical, TLS', recordings: 1, videoBytes: 300e6, line: 'tls', goals: { aws: 0.5, rclone: 0.3 } },
  { name: 'second run', recordings: 1, videoBytes: 300e6, line: 'plain', goals: { tiny: 1.2 }, repeated: true },
  { name: 'batch of 100', recordings: 100, videoBytes: MIB / 2, line: 'plain', goals: { aws: 0.6, s3cmd: 1 } },
  { name: 'line', recordings: 1, videoBytes: 300e6, line: 'far', goals: { aws: 0.45, rclone: 0.2 } },
  { name: 'shared line', recordings: 1, videoBytes: 300e6, line: 'shared', goals: {} },
  {
    name: 'batch, far',
    recordings: 100,
    videoBytes: MIB / 2,
    line: 'far',
    goals: { aws: 0.35, rclone: 0.2 },
    large: true,
  },
  {
    name: 'large',
    recordings: 1,
    videoBytes: 4096 * MIB,
    line: 'plain',
    goals: { aws: 0.45, rclone: 0.2 },
    large: true,
  },
];

/** Options of the sink for each kind of line. */
export const LINES: Record<Workload['line'], readonly string[]> = {
  plain: [],
  tls: [],
  far: ['--rtt', '20', '--bw', '12500000'],
  shared: ['--rtt', '20', '--bw-total', '125000000'],
};

/** Writes a workload's recordings below `root` and returns the folders. */
export function makeRecordings(root: string, { recordings, videoBytes }: Workload): string[] {
  const block = randomFillSync(Buffer.alloc(8 * MIB));
  return Array.from({ length: recordings }, (_, index) => {
    const dir = join(root, `r${index + 1}`);
    mkdirSync(dir, { recursive: true });
    for (const name of ['thumbnail.jpg', 'transcript.txt']) copyFileSync(join(fixture, name), join(dir, name));
    const fd = openSync(join(dir, 'video.mkv'), 'w');
    for (let left = videoBytes; left > 0; left -= block.length) writeSync(fd, block, 0, Math.min(left, block.length));
    closeSync(fd);
    return dir;
  });
}

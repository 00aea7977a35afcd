import type { Container } from '../support/ffmpeg-writer.ts';
import type { Goal } from './goals.ts';
import type { BARE_NODE, CURLS, Peer } from './programs.ts';

interface Common {
  /** As `--only` names it. */
  name: string;
  /** As the tables name it. */
  title: string;
  goals: readonly Goal[];
  /** So many times the turns that were asked for: what takes no time can afford a better median. */
  turns?: number;
}

/** A command that runs without any server: on an empty state beside bare Node, or on one in which a folder waits. */
export interface StartWorkload extends Common {
  kind: 'start';
  args: readonly string[];
  /** A folder waits in the state, and `status` of it runs beside the command. */
  besideStatus?: boolean;
}

/** Recordings that are uploaded to the sink, each with a webhook to the sandbox. */
export interface UploadWorkload extends Common {
  kind: 'upload';
  /** What is uploaded is made; without this it is the smallest fixture that has everything. */
  made?: { recordings: number; videoBytes: number };
  line: keyof typeof LINES;
  /** Where the bytes go; the sink unless given. MinIO keeps its data in memory (a tmpfs) or on the disk. */
  store?: 'minio in memory' | 'minio on the disk';
  /** Programs that are worth their time here. */
  beside: readonly (Peer | typeof BARE_NODE | typeof CURLS)[];
  /** The peers run a second time, tuned for this by their own manuals. */
  isTuned?: boolean;
  /** Nothing is left to do: state and objects are those of the run before. */
  repeated?: boolean;
  /** Only with `--all` or by name: takes minutes. */
  large?: boolean;
}

/** A recording that the worker uploads while a writer makes it, from the writer's last byte to the server's 201. */
export interface LiveWorkload extends Common {
  kind: 'live';
  container: Container;
  videoBytes: number;
  line: keyof typeof LINES;
  /** The recorder calls `enqueue` at its end; otherwise only the closing of the file tells. */
  isEnqueued: boolean;
  beside: readonly Peer[];
}

export type Workload = StartWorkload | UploadWorkload | LiveWorkload;

/** Options of the sink for each kind of line, and its speed where it has a limit of its own. */
export const LINES = {
  plain: { options: [], tls: false, bytesPerSecond: undefined },
  tls: { options: [], tls: true, bytesPerSecond: undefined },
  /** 200 ms away, 50 Mbit/s, and one packet in a hundred is lost: a line of its own between two network namespaces. */
  bad: { options: [], tls: true, bytesPerSecond: 6.25e6 },
  /** 20 ms away, 100 Mbit/s a connection, 1 Gbit/s for all together. */
  outage: { options: ['--rtt', '20', '--bw', '12500000', '--bw-total', '125000000'], tls: true, bytesPerSecond: 125e6 },
  /** 20 ms away, 100 Mbit/s a connection. */
  far: { options: ['--rtt', '20', '--bw', '12500000'], tls: true, bytesPerSecond: undefined },
  /** 20 ms away, 1 Gbit/s for all connections together. */
  shared: { options: ['--rtt', '20', '--bw-total', '125000000'], tls: true, bytesPerSecond: 125e6 },
  /** 20 ms away, 100 Mbit/s for all connections together. */
  office: { options: ['--rtt', '20', '--bw-total', '12500000'], tls: true, bytesPerSecond: 12.5e6 },
} as const;

/** For what takes less than a second. */
export const QUICK = { turns: 4 } as const;

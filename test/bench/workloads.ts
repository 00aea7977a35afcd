import type { Container } from '../support/ffmpeg-writer.ts';
import { FIXTURE } from './recordings.ts';

const MIB = 1024 * 1024;

export const PEERS = ['aws', 'rclone', 's3cmd', 'curl'] as const;
export type Peer = (typeof PEERS)[number];
/** The names of the programs in a race that are not peers. */
export const OURS = 'recordupload';
/** The build that `--old` names. */
export const OLD = 'old build';
export const BARE_NODE = 'node';
/** `recordupload status`, the shortest look into the state. */
export const STATUS = 'status';

/**
 * A limit for one measure. A budget must be kept. For information are the aims of earlier versions, which compare with
 * programs that do less (they send no webhook, keep no state) or that start faster than Node can.
 */
export interface Goal {
  kind: 'budget' | 'information';
  measure: 'wall' | 'wallMs' | 'cpu' | 'peakMib' | 'requests';
  /** What the measure is a ratio to: another program, what the line alone needs, ours on another workload; else an amount. */
  ratioTo?: Peer | typeof OLD | typeof BARE_NODE | typeof STATUS | 'line' | { workload: string };
  atMost: number;
}

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
  /** Programs that are worth their time here. */
  beside: readonly (Peer | typeof BARE_NODE)[];
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
  /** 20 ms away, 100 Mbit/s a connection. */
  far: { options: ['--rtt', '20', '--bw', '12500000'], tls: true, bytesPerSecond: undefined },
  /** 20 ms away, 1 Gbit/s for all connections together. */
  shared: { options: ['--rtt', '20', '--bw-total', '125000000'], tls: true, bytesPerSecond: 125e6 },
  /** 20 ms away, 100 Mbit/s for all connections together. */
  office: { options: ['--rtt', '20', '--bw-total', '12500000'], tls: true, bytesPerSecond: 12.5e6 },
} as const;

type Limit = Omit<Goal, 'kind'>;
const budget = (limit: Limit): Goal => ({ kind: 'budget', ...limit });
const information = (limit: Limit): Goal => ({ kind: 'information', ...limit });
const wall = (ratioTo: NonNullable<Goal['ratioTo']>, atMost: number): Limit => ({ measure: 'wall', ratioTo, atMost });

/** A large file must not get slower by what carries it. */
const AS_FAST_AS_BEFORE = [budget(wall(OLD, 1.05)), budget({ measure: 'cpu', ratioTo: OLD, atMost: 1.2 })];
const PEAK = budget({ measure: 'peakMib', atMost: 130 });

/** For what takes less than a second. */
const QUICK = { turns: 4 } as const;

const START: readonly StartWorkload[] = [
  {
    ...QUICK,
    kind: 'start',
    name: 'version',
    title: '`--version`',
    args: ['--version'],
    goals: [budget(wall(BARE_NODE, 1.4))],
  },
  {
    ...QUICK,
    kind: 'start',
    name: 'help',
    title: '`--help`',
    args: ['--help'],
    goals: [information(wall(BARE_NODE, 1.5))],
  },
  {
    ...QUICK,
    kind: 'start',
    name: 'status',
    title: '`status` on an empty state',
    args: ['status'],
    goals: [budget(wall(BARE_NODE, 2.8))],
  },
  {
    ...QUICK,
    kind: 'start',
    name: 'enqueue',
    title: '`enqueue` of the fixture',
    args: ['enqueue', FIXTURE],
    besideStatus: true,
    // It stores something, which has to be on the disk.
    goals: [budget(wall(STATUS, 1.5))],
  },
];

const TINY = { kind: 'upload', made: { recordings: 1, videoBytes: MIB / 2 }, beside: PEERS } as const;
const TYPICAL = { kind: 'upload', made: { recordings: 1, videoBytes: 300e6 }, beside: PEERS } as const;
const BATCH = { kind: 'upload', made: { recordings: 100, videoBytes: MIB / 2 }, beside: PEERS } as const;
const LARGE = { kind: 'upload', made: { recordings: 1, videoBytes: 4096 * MIB }, beside: PEERS, large: true } as const;

const UPLOADS: readonly UploadWorkload[] = [
  {
    ...QUICK,
    kind: 'upload',
    name: 'fixture',
    title: '`upload` of the fixture',
    line: 'plain',
    beside: [BARE_NODE],
    goals: [budget(wall(BARE_NODE, 7))],
  },
  {
    ...QUICK,
    ...TINY,
    name: 'tiny',
    title: 'one of 0.5 MiB',
    line: 'plain',
    goals: [information(wall('aws', 0.25)), information(wall('s3cmd', 0.75)), information(wall('rclone', 1.3))],
  },
  {
    ...TYPICAL,
    name: '300mb',
    title: '300 MB',
    line: 'plain',
    goals: [...AS_FAST_AS_BEFORE, information(wall('aws', 0.5)), information(wall('rclone', 0.3))],
  },
  {
    ...TYPICAL,
    name: '300mb-tls',
    title: '300 MB, TLS',
    line: 'tls',
    goals: [...AS_FAST_AS_BEFORE, information(wall('aws', 0.5)), information(wall('rclone', 0.3))],
  },
  {
    ...TYPICAL,
    name: 'second-run',
    title: '300 MB, second run',
    line: 'plain',
    beside: [],
    repeated: true,
    // Two a file: video, thumbnail, transcript, metadata.json.
    goals: [information({ measure: 'requests', atMost: 8 }), information(wall({ workload: 'tiny' }, 1.2))],
  },
  {
    ...BATCH,
    name: 'batch',
    title: '100 of 0.5 MiB',
    line: 'plain',
    goals: [budget(wall('aws', 1)), information(wall('s3cmd', 1))],
  },
  {
    ...TYPICAL,
    name: 'far',
    title: '300 MB, 20 ms away',
    line: 'far',
    beside: ['aws', 'rclone'],
    goals: [information(wall('aws', 0.45)), information(wall('rclone', 0.2))],
  },
  {
    ...TYPICAL,
    name: 'shared-line',
    title: '300 MB, shared line',
    line: 'shared',
    beside: ['aws', 'rclone'],
    goals: [information(wall('line', 1.2))],
  },
  {
    ...BATCH,
    name: 'batch-far',
    title: '100 of 0.5 MiB, 20 ms away',
    line: 'far',
    beside: ['aws', 'rclone'],
    large: true,
    goals: [information(wall('aws', 0.35)), information(wall('rclone', 0.2))],
  },
  {
    ...LARGE,
    name: '4gib',
    title: '4 GiB',
    line: 'plain',
    goals: [
      ...AS_FAST_AS_BEFORE,
      information(wall('aws', 0.45)),
      information({ measure: 'cpu', ratioTo: 'aws', atMost: 0.7 }),
      information(wall('rclone', 0.2)),
    ],
  },
  {
    ...LARGE,
    name: '4gib-tls',
    title: '4 GiB, TLS',
    line: 'tls',
    // The slow ones are measured without TLS already.
    beside: ['aws', 'curl'],
    goals: AS_FAST_AS_BEFORE,
  },
  {
    ...LARGE,
    name: '400mib',
    title: '400 MiB',
    made: { recordings: 1, videoBytes: 400 * MIB },
    line: 'plain',
    beside: [],
    goals: [PEAK],
  },
  {
    ...LARGE,
    name: '20gib',
    title: '20 GiB',
    made: { recordings: 1, videoBytes: 20 * 1024 * MIB },
    line: 'plain',
    beside: [],
    goals: [PEAK],
  },
];

/** `watch` waits so long (its `settle`) where nothing but the closing of the file tells. */
const SETTLE_MS = 3_000;
const WRITERS = [
  ['mkv', 'Matroska'],
  ['fmp4', 'fragmented MP4'],
  ['mp4', 'MP4, moov at the end'],
  ['webm', 'WebM'],
] as const satisfies readonly (readonly [string, Container])[];

const LIVE = [true, false].flatMap(isEnqueued =>
  WRITERS.map(([name, container]): LiveWorkload => {
    const soon = budget({ measure: 'wallMs', atMost: 4_000 + (isEnqueued ? 0 : SETTLE_MS) });
    return {
      kind: 'live',
      name: `live-${name}${isEnqueued ? '' : '-closed'}`,
      title: `${container}, live, ${isEnqueued ? 'enqueued' : 'closed'}`,
      container,
      videoBytes: 400e6,
      line: 'office',
      isEnqueued,
      // The others take as long in both cases.
      beside: isEnqueued ? ['aws', 'rclone'] : [],
      goals: isEnqueued ? [soon, budget(wall('aws', 0.15)), budget(wall('rclone', 0.15))] : [soon],
    };
  }),
);

export const WORKLOADS: readonly Workload[] = [...START, ...UPLOADS, ...LIVE];

import type { Container } from '../support/ffmpeg-writer.ts';
import { budget, information, wall } from './goals.ts';
import { BARE_NODE, STATUS } from './programs.ts';
import { FIXTURE } from './recordings.ts';
import { UPLOADS } from './upload-workloads.ts';
import { type LiveWorkload, QUICK, type StartWorkload, type Workload } from './workload.ts';

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

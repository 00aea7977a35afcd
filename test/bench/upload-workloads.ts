import { AS_FAST_AS_BEFORE, budget, information, PEAK, wall } from './goals.ts';
import { BARE_NODE, BEST, BEST_DEFAULTS, BEST_TUNED, CURLS, PEERS, RIVALS } from './programs.ts';
import { QUICK, type UploadWorkload } from './workload.ts';

const MIB = 1024 * 1024;

/** What `watch` or `retry` finds after an outage of a day. */
const OUTAGE = { kind: 'upload', made: { recordings: 200, videoBytes: 20e6 }, beside: RIVALS, large: true } as const;
const TINY = { kind: 'upload', made: { recordings: 1, videoBytes: MIB / 2 }, beside: PEERS } as const;
const TYPICAL = { kind: 'upload', made: { recordings: 1, videoBytes: 300e6 }, beside: PEERS } as const;
const BATCH = { kind: 'upload', made: { recordings: 100, videoBytes: MIB / 2 }, beside: PEERS } as const;
const LARGE = { kind: 'upload', made: { recordings: 1, videoBytes: 4096 * MIB }, beside: PEERS, large: true } as const;
const GIB = { kind: 'upload', made: { recordings: 1, videoBytes: 1024 * MIB }, large: true } as const;

/** Uploads to a store, each beside other programs. */
export const UPLOADS: readonly UploadWorkload[] = [
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
    goals: [budget(wall('aws', 0.5)), information(wall('rclone', 1.3))],
  },
  {
    ...TYPICAL,
    name: '300mb',
    title: '300 MB',
    line: 'plain',
    isTuned: true,
    goals: [...AS_FAST_AS_BEFORE, budget(wall(BEST, 0.6))],
  },
  {
    ...TYPICAL,
    name: '300mb-tls',
    title: '300 MB, TLS',
    line: 'tls',
    isTuned: true,
    goals: [...AS_FAST_AS_BEFORE, budget(wall(BEST, 0.7))],
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
    goals: [budget(wall('aws', 1)), information(wall('rclone', 1))],
  },
  {
    ...TYPICAL,
    name: 'far',
    title: '300 MB, 20 ms away',
    line: 'far',
    beside: ['aws', 'rclone', 'mc', 's5cmd'],
    isTuned: true,
    goals: [budget(wall(BEST_DEFAULTS, 0.35)), budget(wall(BEST_TUNED, 1))],
  },
  {
    ...TYPICAL,
    name: 'bad-line',
    title: '300 MB, 200 ms away, 1 % loss, 50 Mbit/s',
    line: 'bad',
    beside: ['aws', 'rclone', 'mc', 's5cmd'],
    isTuned: true,
    large: true,
    goals: [budget(wall(BEST, 0.8))],
  },
  {
    ...TYPICAL,
    name: 'shared-line',
    title: '300 MB, shared line',
    line: 'shared',
    beside: ['aws', 'rclone', 'mc', 's5cmd'],
    goals: [budget(wall('line', 1.1))],
  },
  {
    ...OUTAGE,
    name: 'outage',
    title: '200 of 20 MB, 20 ms away, 1 Gbit/s',
    line: 'outage',
    isTuned: true,
    beside: ['aws', 'rclone', 'mc', 's5cmd'],
    goals: [budget(wall(BEST, 1)), budget(wall('line', 1.15))],
  },
  {
    ...OUTAGE,
    name: 'outage-tls',
    title: '200 of 20 MB, TLS',
    line: 'tls',
    isTuned: true,
    goals: [budget(wall(BEST, 0.6))],
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
    isTuned: true,
    goals: [...AS_FAST_AS_BEFORE, budget(wall(BEST, 0.5))],
  },
  {
    ...LARGE,
    name: '4gib-tls',
    title: '4 GiB, TLS',
    line: 'tls',
    isTuned: true,
    goals: [...AS_FAST_AS_BEFORE, budget(wall(BEST, 0.6)), budget({ measure: 'cpu', ratioTo: BEST, atMost: 0.5 })],
  },
  {
    ...GIB,
    name: 'minio',
    title: '4 GiB, MinIO in memory',
    made: { recordings: 1, videoBytes: 4096 * MIB },
    line: 'plain',
    store: 'minio in memory',
    isTuned: true,
    beside: [...RIVALS, CURLS],
    goals: [budget(wall(BEST, 1)), budget(wall(CURLS, 1.05))],
  },
  {
    ...GIB,
    name: 'minio-disk',
    title: '1 GiB, MinIO on the disk',
    line: 'plain',
    store: 'minio on the disk',
    isTuned: true,
    beside: [...RIVALS, CURLS],
    goals: [information(wall(BEST, 1)), information(wall(CURLS, 1.05))],
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

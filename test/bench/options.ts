import { parseArgs } from 'node:util';
import { RIVALS } from './programs.ts';
import type { Workload } from './workload.ts';
import { WORKLOADS } from './workloads.ts';

export interface Options {
  workloads: readonly Workload[];
  /** Measured turns; one more warms the caches. */
  runs: number;
  /** A built folder or a git revision. */
  old: string | undefined;
  /** Measure what more work costs instead, at this scale. */
  growth: { scale: number } | undefined;
  /** Measure a fleet instead, at this scale. */
  fleet: { scale: number } | undefined;
  markdown: boolean;
}

/** No race of programs, so that it is measured by itself. */
const FLEET = 'fleet';

/** @throws Error that says what is wrong with the arguments */
export function parseOptions(args: readonly string[]): Options | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      all: { type: 'boolean', default: false },
      only: { type: 'string' },
      runs: { type: 'string', default: '5' },
      old: { type: 'string' },
      scale: { type: 'string', default: '1' },
      growth: { type: 'boolean', default: false },
      markdown: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  const runs = Number(values.runs);
  if (!Number.isInteger(runs) || runs < 1) throw new Error(`--runs ${values.runs}: not a number of turns`);
  const scale = Number(values.scale);
  if (!(scale > 0 && scale <= 1)) throw new Error(`--scale ${values.scale}: not between 0 and 1`);
  const isFleet = values.only === FLEET;
  return {
    fleet: isFleet ? { scale } : undefined,
    workloads: isFleet ? [] : chosen(values.only, values.all).map(workload => scaled(workload, scale)),
    runs,
    old: values.old,
    growth: values.growth ? { scale } : undefined,
    markdown: values.markdown,
  };
}

function chosen(only: string | undefined, all: boolean): readonly Workload[] {
  if (only === undefined) return WORKLOADS.filter(workload => all || !isLarge(workload));
  const names = only.split(',').map(name => name.trim());
  const isNamed = (workload: Workload, name: string) => workload.name === name || workload.kind === name;
  const unknown = names.filter(name => !WORKLOADS.some(workload => isNamed(workload, name)));
  if (unknown.length > 0) {
    const known = [...WORKLOADS.map(workload => workload.name), `${FLEET} (by itself)`].join(', ');
    throw new Error(`--only ${unknown.join(',')}: no such workload; there are ${known}`);
  }
  return WORKLOADS.filter(workload => names.some(name => isNamed(workload, name)));
}

function isLarge(workload: Workload): boolean {
  return workload.kind === 'live' || (workload.kind === 'upload' && workload.large === true);
}

function scaled(workload: Workload, scale: number): Workload {
  if (workload.kind === 'live') return { ...workload, videoBytes: Math.ceil(workload.videoBytes * scale) };
  if (workload.kind === 'start' || !workload.made) return workload;
  const { recordings, videoBytes } = workload.made;
  return { ...workload, made: { recordings, videoBytes: Math.ceil(videoBytes * scale) } };
}

/** What `--help` prints. */
export function helpText(): string {
  const width = Math.max(...WORKLOADS.map(({ name }) => name.length));
  const workloads = WORKLOADS.map(workload => {
    return `  ${workload.name.padEnd(width)}  ${workload.title}${isLarge(workload) ? ' (only with --all or by name)' : ''}`;
  });
  return `npm run bench -- [options]

Runs whole commands side by side, in turn and in a clean environment, against servers on this machine. Prints medians,
the ratio of ours to each other program, and whether each budget is met. Writes all of it to bench.json.
Peers (${RIVALS.join(', ')}, curl; MinIO's server, minio) that are not installed are left out. Needs Linux, a C compiler, OpenSSL and zlib
(Debian: apt-get install gcc libc6-dev libssl-dev zlib1g-dev openssl); the live workloads need ffmpeg, too, and the bad
line needs root and iproute2.

  --old <folder|revision>  measure this older build too: a folder with bin and dist, or a git revision to build.
                           The budgets that compare with the old build need it
  --only <name,...>        only these workloads; live: all recordings in progress
  --only fleet             instead: eight machines with a state in PostgreSQL, 1,000,000 recordings, an idle fleet of 20;
                           takes about 25 minutes, and with --old compares SQLite, too
  --all                    the large workloads too: takes about half an hour
  --runs <n>               turns of each workload that count (default 5; four times as many of the short ones). A turn
                           that other processes disturb is run again, up to three times the turns in all
  --markdown               print the tables for docs/benchmarks.md on standard output, and progress on standard error
  --growth                 instead: cost of 10 to 10,000 recordings in one run, of 100 to 9,900 parts of one file, and of
                           commands on a state of 1,000,000 recordings; takes about ten minutes, and 6 GB in /tmp
  --scale <0..1>           shrink all videos to this share, to try the benchmark itself; its verdicts then mean nothing
  --help                   print this

Workloads:
${workloads.join('\n')}
`;
}

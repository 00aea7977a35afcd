import type { Goal } from './goals.ts';
import { BEST, BEST_DEFAULTS, BEST_TUNED, OURS, RIVALS, tunedName } from './programs.ts';
import type { Row } from './race.ts';
import { LINES, type Workload } from './workload.ts';

/** One goal, and what was measured. */
export interface Verdict {
  kind: Goal['kind'];
  /** The workload's title. */
  workload: string;
  /** The measure in words, such as `wall time, × aws`. */
  goal: string;
  atMost: number;
  measured: number;
  isMet: boolean;
}

/**
 * Compares what was measured with a workload's goals. A goal whose other program or workload was not measured gives no
 * verdict.
 * @param rows of this workload, ours first
 * @param earlier rows of the workloads before
 * @param titles the titles of workloads by name
 */
export function judge(
  workload: Workload,
  rows: readonly Row[],
  earlier: readonly Row[],
  titles: ReadonlyMap<string, string>,
): Verdict[] {
  return workload.goals.flatMap((goal): Verdict[] => {
    const measured = measuredFor(goal, workload, rows, earlier, titles);
    if (measured === undefined) return [];
    const { kind, atMost } = goal;
    return [
      { kind, workload: workload.title, goal: inWords(goal, titles), atMost, measured, isMet: measured <= atMost },
    ];
  });
}

function measuredFor(
  { measure, ratioTo }: Goal,
  workload: Workload,
  rows: readonly Row[],
  earlier: readonly Row[],
  titles: ReadonlyMap<string, string>,
): number | undefined {
  const [ours] = rows;
  if (!ours) return undefined;
  if (measure === 'peakMib') return ours.peakRssMib;
  if (measure === 'requests') return ours.requests;
  if (measure === 'wallMs') return ours.wallMs;
  if (ratioTo === 'line') {
    const lineMs = lineMsOf(workload);
    return lineMs && ours.wallMs / lineMs;
  }
  if (typeof ratioTo === 'object') {
    const title = titles.get(ratioTo.workload);
    const other = earlier.find(row => row.workload === title && row.program === OURS);
    return other && ours.wallMs / other.wallMs;
  }
  if (ratioTo === BEST || ratioTo === BEST_DEFAULTS || ratioTo === BEST_TUNED) {
    return bestOf(rows, ratioTo, measure)?.ratios?.[measure];
  }
  return rows.find(row => row.program === ratioTo)?.ratios?.[measure];
}

/** The peer that is hardest to beat: ours has the largest ratio to it. */
function bestOf(
  rows: readonly Row[],
  which: typeof BEST | typeof BEST_DEFAULTS | typeof BEST_TUNED,
  measure: 'wall' | 'cpu',
): Row | undefined {
  const defaults: readonly string[] = which === BEST_TUNED ? [] : RIVALS;
  const tuned: readonly string[] = which === BEST_DEFAULTS ? [] : RIVALS.map(tunedName);
  return rows
    .filter(({ program }) => defaults.includes(program) || tuned.includes(program))
    .toSorted((a, b) => (b.ratios?.[measure] ?? 0) - (a.ratios?.[measure] ?? 0))[0];
}

/** What the line needs for the bytes alone. */
function lineMsOf(workload: Workload): number | undefined {
  if (workload.kind !== 'upload' || !workload.made) return undefined;
  const { bytesPerSecond } = LINES[workload.line];
  const { recordings, videoBytes } = workload.made;
  return bytesPerSecond && ((recordings * videoBytes) / bytesPerSecond) * 1000;
}

const MEASURES: Readonly<Record<Goal['measure'], string>> = {
  wall: 'wall time',
  wallMs: 'wall time, ms',
  cpu: 'processor time',
  peakMib: 'peak memory, MiB',
  requests: 'requests',
};

function inWords({ measure, ratioTo }: Goal, titles: ReadonlyMap<string, string>): string {
  if (ratioTo === undefined) return MEASURES[measure];
  if (ratioTo === 'line') return `${MEASURES[measure]}, × what the line needs`;
  return `${MEASURES[measure]}, × ${typeof ratioTo === 'object' ? titles.get(ratioTo.workload) : ratioTo}`;
}

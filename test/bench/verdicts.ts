import type { Row } from './race.ts';
import { type Goal, LINES, OURS, type Workload } from './workloads.ts';

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
  return rows.find(row => row.program === ratioTo)?.ratios?.[measure];
}

/** What the line needs for the bytes alone. */
function lineMsOf(workload: Workload): number | undefined {
  if (workload.kind !== 'upload' || !workload.made) return undefined;
  const { bytesPerSecond } = LINES[workload.line];
  return bytesPerSecond && (workload.made.videoBytes / bytesPerSecond) * 1000;
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

import type { Row } from './race.ts';
import { LINES, type Peer, type Workload } from './workloads.ts';

/** One goal, and what was measured. */
export interface Verdict {
  workload: string;
  goal: string;
  limit: number;
  measured: number;
  isMet: boolean;
}

/**
 * Holds what was measured against a workload's goals; goals about programs that are not installed are left out.
 * @param earlier rows of the workloads before
 */
export function judge(
  workload: Pick<Workload, 'name' | 'goals'> & Partial<Workload>,
  rows: readonly Row[],
  earlier: readonly Row[],
): Verdict[] {
  const { name, goals } = workload;
  const [ours] = rows;
  if (!ours) return [];
  const verdict = (goal: string, limit: number | undefined, measured: number | undefined): Verdict[] =>
    limit === undefined || measured === undefined
      ? []
      : [{ workload: name, goal, limit, measured, isMet: measured <= limit }];
  const ofPeer = (peer: string) => rows.find(row => row.program === peer);
  const own = goals.own && earlier.find(row => row.workload === goals.own?.workload && row.program === ours.program);
  const bytesPerSecond = workload.line && LINES[workload.line].bytesPerSecond;
  const lineMs = bytesPerSecond && ((workload.videoBytes ?? 0) / bytesPerSecond) * 1000;
  return [
    ...(Object.keys(goals.wall ?? {}) as Peer[]).flatMap(peer =>
      verdict(`wall time, × ${peer}`, goals.wall?.[peer], ofPeer(peer)?.wallRatio),
    ),
    ...(Object.keys(goals.cpu ?? {}) as Peer[]).flatMap(peer =>
      verdict(`processor time, × ${peer}`, goals.cpu?.[peer], ofPeer(peer)?.cpuRatio),
    ),
    ...verdict('peak memory, MiB', goals.peakRssMib, ours.peakRssMib),
    ...verdict('requests', goals.requests, ours.requests),
    ...verdict(`wall time, × ${goals.own?.workload}`, goals.own?.ratio, own && ours.wallMs / own.wallMs),
    ...verdict("wall time, × the line's own", goals.line, lineMs && ours.wallMs / lineMs),
  ];
}

/** The rows as a Markdown table. */
export function tableOf(rows: readonly Row[]): string {
  const lines = rows.map(row => [
    row.workload,
    row.program,
    row.wallMs < 10_000 ? `${row.wallMs.toFixed(0)} ms` : `${(row.wallMs / 1000).toFixed(1)} s`,
    row.cpuSecondsPerGib === undefined ? `${row.cpuMs.toFixed(0)} ms` : `${row.cpuSecondsPerGib.toFixed(1)} s/GiB`,
    row.peakRssMib.toFixed(0),
    row.requests === undefined ? '' : `${row.requests} / ${row.connections}`,
    row.wallRatio === undefined ? '' : row.wallRatio.toFixed(2),
  ]);
  return markdown(
    ['workload', 'program', 'wall time', 'processor', 'peak MiB', 'requests / connections', 'ours, × its wall time'],
    lines,
  );
}

/** The verdicts as a Markdown table. */
export function verdictTableOf(verdicts: readonly Verdict[]): string {
  return markdown(
    ['workload', 'goal', 'at most', 'measured', ''],
    verdicts.map(({ workload, goal, limit, measured, isMet }) => [
      workload,
      goal,
      String(limit),
      measured.toFixed(measured < 10 ? 2 : 0),
      isMet ? 'met' : 'missed',
    ]),
  );
}

function markdown(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [row(head), row(head.map(() => '---')), ...lines.map(row)].join('\n');
}

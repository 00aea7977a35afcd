import type { Row } from './race.ts';
import type { Verdict } from './verdicts.ts';

const HEAD = [
  'workload',
  'program',
  'wall time',
  'processor',
  'peak MiB',
  'first / last byte / webhook',
  'requests / connections',
  'ours ×: wall',
  'processor',
  'peak',
];

/** What was measured, as a Markdown table: one row for each program on each workload. */
export function tableOf(rows: readonly Row[]): string {
  return markdown(HEAD, rows.map(cellsOf));
}

/** The rows of that table alone. */
export function linesOf(rows: readonly Row[]): string {
  return rows.map(row => `| ${cellsOf(row).join(' | ')} |`).join('\n');
}

function cellsOf(row: Row): string[] {
  const ratio = (name: 'wall' | 'cpu' | 'peak') => row.ratios?.[name].toFixed(2) ?? '';
  return [
    row.workload,
    row.program,
    row.wallMs < 10_000 ? `${row.wallMs.toFixed(0)} ms` : `${(row.wallMs / 1000).toFixed(1)} s`,
    row.cpuSecondsPerGib === undefined ? `${row.cpuMs.toFixed(0)} ms` : `${row.cpuSecondsPerGib.toFixed(2)} s/GiB`,
    row.peakRssMib.toFixed(0),
    momentsOf(row),
    row.requests === undefined ? '' : `${row.requests} / ${row.connections}`,
    ratio('wall'),
    ratio('cpu'),
    ratio('peak'),
  ];
}

/** In milliseconds from the start; nothing where nothing is known. */
function momentsOf({ firstByteMs, lastByteMs, webhookMs }: Row): string {
  const known = [firstByteMs, lastByteMs, webhookMs].map(ms => (ms === undefined ? '–' : ms.toFixed(0)));
  return known.every(ms => ms === '–') ? '' : `${known.join(' / ')} ms`;
}

/** Verdicts as a Markdown table. */
export function verdictTableOf(verdicts: readonly Verdict[]): string {
  return markdown(
    ['workload', 'goal', 'at most', 'measured', ''],
    verdicts.map(({ workload, goal, atMost, measured, isMet }) => [
      workload,
      goal,
      String(atMost),
      numberOf(measured),
      isMet ? 'met' : 'missed',
    ]),
  );
}

/** A verdict as one line of the log. */
export function lineOf({ kind, goal, atMost, measured, isMet }: Verdict): string {
  const word = kind === 'information' ? 'for information' : isMet ? 'met' : 'MISSED';
  return `  ${word}: ${goal}: ${numberOf(measured)} (at most ${atMost})`;
}

const numberOf = (value: number) => value.toFixed(value < 10 ? 2 : 0);

function markdown(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [row(head), row(head.map(() => '---')), ...lines.map(row)].join('\n');
}

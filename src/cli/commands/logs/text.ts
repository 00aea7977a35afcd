import type { ChalkInstance } from 'chalk';
import { parseLogLine } from '../../../app/logs/log-entry.ts';
import { printable } from '../../../core/text.ts';
import { formatMoment } from '../../terminal/moment.ts';

/** The text says it already, or people have no use for it. */
const UNSHOWN = new Set(['pid', 'run', 'dir', 'trigger', 'endpoint', 'outcome']);
const LONGEST = 200;

/** One line of the log: when, how serious, which recording, what; then some of its fields. */
export function logLineText(line: string, paint: ChalkInstance): string {
  const entry = parseLogLine(line);
  if (!entry) return paint.dim(cut(printable(line)));
  const { time = '', level = '', recording, msg = '', fields } = entry;
  const at = Number.isNaN(Date.parse(time)) ? printable(time) : formatMoment(Date.parse(time));
  const color = { warn: paint.yellow, error: paint.red }[level] ?? ((text: string) => text);
  const rest = Object.entries(fields).flatMap(([name, value]) =>
    UNSHOWN.has(name) || value === undefined || value === null || value === ''
      ? []
      : [`${printable(name)}=${shown(value)}`],
  );
  return [
    paint.dim(at),
    color(printable(level).slice(0, 5).padEnd(5)),
    ...(recording === undefined ? [] : [paint.bold(printable(recording))]),
    color(cut(printable(msg))),
    ...(rest.length > 0 ? [paint.dim(rest.join(' '))] : []),
  ].join('  ');
}

function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return cut(printable(/[\s"]/.test(text) ? JSON.stringify(text) : text));
}

function cut(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text;
}

import type { ChalkInstance } from 'chalk';
import { printable } from './terminal/format.ts';
import { formatMoment } from './terminal/moment.ts';

export const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LEVELS)[number];

/** A line of the log, as far as it can be understood. */
export interface LogEntry {
  time?: string | undefined;
  level?: string | undefined;
  recording?: string | undefined;
  msg?: string | undefined;
  /** Everything else that it says. */
  fields: Readonly<Record<string, unknown>>;
}

/** Reads a line; undefined where it is none of ours (cut by a full disk, written by hand). */
export function parseLogLine(line: string): LogEntry | undefined {
  try {
    const data: unknown = JSON.parse(line);
    if (typeof data !== 'object' || data === null || Array.isArray(data)) return undefined;
    const { time, level, recording, msg, ...fields } = data as Record<string, unknown>;
    const text = (value: unknown) => (value === undefined || value === null ? undefined : String(value));
    return { time: text(time), level: text(level), recording: text(recording), msg: text(msg), fields };
  } catch {
    return undefined;
  }
}

/** True where the line's level is at least this one. */
export function isAtLeast(entry: LogEntry, level: LogLevel): boolean {
  return LEVELS.indexOf(entry.level as LogLevel) >= LEVELS.indexOf(level);
}

/** Said by the text itself, or of no use to people. */
const UNSHOWN = new Set(['pid', 'run', 'dir', 'trigger', 'endpoint', 'outcome']);
const LONGEST = 200;

/** A line for people: when, how serious, which recording, what; then a few of its fields. */
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

import { LEVELS, type LogLevel, parseLogLine } from '../../app/logs/log-entry.ts';
import { type LogRequest, readLog } from '../../app/logs/read-log.ts';
import type { LogRow, LogsContent } from '../views/model.ts';

const LINES = 300;
const LONGEST_ID = 200;

/** Which lines the query asks for. What it does not understand does not narrow. */
export function logRequest(query: Readonly<Record<string, string>>, file: string): LogRequest {
  const level: LogLevel | undefined = LEVELS.find(one => one === query.level);
  const id = query.id?.trim().slice(0, LONGEST_ID);
  return { file, limit: LINES, level, id: id || undefined };
}

/**
 * The newest lines of the log.
 * @throws AppError `STATE` if it cannot be read
 */
export function logsContent(query: Readonly<Record<string, string>>, file: string): LogsContent {
  const request = logRequest(query, file);
  const { exists, lines } = readLog(request);
  return { file, exists, filter: { level: request.level ?? '', id: request.id ?? '' }, lines: lines.map(logRow) };
}

export function logRow(line: string): LogRow {
  const entry = parseLogLine(line);
  if (!entry) return { at: null, level: '', recording: '', text: line, more: '' };
  const at = Date.parse(entry.time ?? '');
  const more = Object.entries(entry.fields).map(([name, value]) => `${name}=${textOf(value)}`);
  return {
    at: Number.isNaN(at) ? null : at,
    level: entry.level ?? '',
    recording: entry.recording ?? '',
    text: entry.msg ?? '',
    more: more.join(' '),
  };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

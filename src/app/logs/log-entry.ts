/** From the least to the most serious. */
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

/** Reads a line; undefined if the program did not write it like that (cut by a full disk, edited by hand). */
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

/** True if the line is at least as serious. */
export function isAtLeast(entry: LogEntry, level: LogLevel): boolean {
  return LEVELS.indexOf(entry.level as LogLevel) >= LEVELS.indexOf(level);
}

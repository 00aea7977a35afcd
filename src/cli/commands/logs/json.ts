import type { LogLines } from '../../../app/logs/read-log.ts';

/** The result of `logs --json`. */
export interface LogJson {
  file: string;
  lines: LogLineJson[];
}

/** A line of the log as it was written; `text` where it is not JSON. */
export type LogLineJson = unknown;

export function logJson({ file, lines }: LogLines): LogJson {
  return { file, lines: lines.map(logLineJson) };
}

export function logLineJson(line: string): LogLineJson {
  try {
    return JSON.parse(line);
  } catch {
    return { text: line };
  }
}

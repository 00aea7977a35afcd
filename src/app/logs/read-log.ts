import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError, hasErrorCode } from '../../core/errors.ts';
import { ForeignLog } from '../observers/own-log.ts';
import { isAtLeast, type LogLevel, parseLogLine } from './log-entry.ts';
import { followLog, readLastLines } from './log-reader.ts';

export interface LogRequest {
  /** The log; its older files lie beside it. */
  file: string;
  /** The most lines to read, the newest ones. */
  limit: number;
  /** Only lines about this recording. */
  id?: string | undefined;
  /** Only lines that are at least this serious. */
  level?: LogLevel | undefined;
}

export interface LogLines {
  file: string;
  /** False: nothing has been logged yet. */
  exists: boolean;
  /** The oldest first; each a line of JSON, unless something else wrote into the file. */
  lines: string[];
}

const FOLLOW_EVERY_MS = 250;

/**
 * Reads the newest lines of the log.
 * @throws AppError `STATE` if it cannot be read
 */
export function readLog({ file, limit, ...filter }: LogRequest): LogLines {
  const exists = existsSync(file);
  return { file, exists, lines: orStateError(file, () => readLastLines(file, limit, isWanted(filter))) };
}

/**
 * Yields the newest lines of the log first, and then each line that is written, until the signal aborts.
 * @throws AppError `STATE` if it cannot be read
 */
export async function* followLines(request: LogRequest, signal: AbortSignal): AsyncGenerator<LogLines> {
  const { file } = request;
  // Opened before the lines that are there are read, so that none is missed; one that comes in between may come twice.
  const follower = orStateError(file, () => followLog(file));
  try {
    yield readLog(request);
    const wanted = isWanted(request);
    while (!signal.aborted) {
      const lines = orStateError(file, () => follower.next()).filter(wanted);
      if (lines.length > 0) yield { file, exists: true, lines };
      await sleep(FOLLOW_EVERY_MS, undefined, { signal }).catch(() => {});
    }
  } finally {
    follower.close();
  }
}

function isWanted({ id, level }: Pick<LogRequest, 'id' | 'level'>): (line: string) => boolean {
  if (id === undefined && level === undefined) return () => true;
  return line => {
    // Most lines need not be parsed.
    if (id !== undefined && !line.includes(id)) return false;
    const entry = parseLogLine(line);
    if (!entry) return false;
    return (id === undefined || entry.recording === id) && (level === undefined || isAtLeast(entry, level));
  };
}

function orStateError<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const isForeign = error instanceof ForeignLog;
    if (!isForeign && !hasErrorCode(error, 'EACCES', 'EPERM', 'EISDIR', 'ENOTDIR', 'EIO', 'ELOOP')) throw error;
    throw new AppError('STATE', `the log ${file} cannot be read (${isForeign ? error.message : error.code})`, {
      hint: 'run it as the user who uploads, or check logFile (RECORDUPLOAD_LOG_FILE)',
      cause: error,
    });
  }
}

import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { followLog, readLastLines } from '../../app/log-reader.ts';
import { loadConfig } from '../../config/load-config.ts';
import { AppError, hasErrorCode } from '../../core/errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { jsonDocument } from '../failure.ts';
import { type Invocation, type RunCommand, textOption } from '../program/command.ts';
import { isAtLeast, LEVELS, type LogLevel, logLineText, parseLogLine } from '../render-log.ts';
import { printable } from '../terminal/format.ts';

const DEFAULT_LINES = 50;
const FOLLOW_EVERY_MS = 250;

/** `recordupload logs` */
export const run: RunCommand = async invocation => {
  const { options, terminal } = invocation;
  const limit = linesOption(options);
  const isWanted = filterOf(options);
  const { config } = await loadConfig({
    cwd: terminal.cwd,
    env: terminal.env,
    configFile: textOption(options, 'config'),
  });
  try {
    return await show(invocation, config.logFile, { limit, isWanted });
  } catch (error) {
    if (!hasErrorCode(error, 'EACCES', 'EPERM', 'EISDIR', 'ENOTDIR', 'EIO')) throw error;
    throw new AppError('STATE', `the log ${config.logFile} cannot be read (${error.code})`, {
      hint: 'run it as the user who uploads, or check logFile (RECORDUPLOAD_LOG_FILE)',
      cause: error,
    });
  }
};

interface Wanted {
  limit: number;
  isWanted: (line: string) => boolean;
}

async function show(
  { options, terminal, command, signal }: Invocation,
  file: string,
  { limit, isWanted }: Wanted,
): Promise<ExitCode> {
  // Before the lines that are there are read: none is missed; one that comes meanwhile may be shown twice.
  const follower = options.follow ? followLog(file) : undefined;
  const isThere = existsSync(file);
  const lines = readLastLines(file, limit, isWanted);
  const print = (line: string) =>
    options.json ? terminal.document(rawJson(line)) : terminal.out(logLineText(line, terminal.paint.out));
  try {
    if (options.json && !follower) {
      const result = { file, lines: lines.map(line => parseJson(line)) };
      terminal.document(jsonDocument(command, EXIT.done, { result }));
      return EXIT.done;
    }
    for (const line of lines) print(line);
    if (!isThere && !options.json && !options.quiet) {
      terminal.err(`no log yet: ${printable(file)} is written once something is uploaded`);
    }
    while (follower && !signal.aborted) {
      for (const line of follower.next()) if (isWanted(line)) print(line);
      await sleep(FOLLOW_EVERY_MS, undefined, { signal }).catch(() => {});
    }
    return EXIT.done;
  } finally {
    follower?.close();
  }
}

function filterOf(options: Invocation['options']): (line: string) => boolean {
  const id = textOption(options, 'id');
  const level = textOption(options, 'level') as LogLevel | undefined;
  if (level !== undefined && !LEVELS.includes(level)) {
    throw new AppError('USAGE', `--level: ${JSON.stringify(level)} is no level`, { hint: `use ${LEVELS.join(', ')}` });
  }
  if (id === undefined && level === undefined) return () => true;
  return line => {
    // Most lines need not be parsed.
    if (id !== undefined && !line.includes(id)) return false;
    const entry = parseLogLine(line);
    if (!entry) return false;
    return (id === undefined || entry.recording === id) && (level === undefined || isAtLeast(entry, level));
  };
}

function linesOption(options: Invocation['options']): number {
  const text = textOption(options, 'lines') ?? String(DEFAULT_LINES);
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new AppError('USAGE', `--lines: ${JSON.stringify(text)} is no number`, { hint: 'for instance --lines 200' });
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return { text: line };
  }
}

/** One line of JSON for each of the log's, whatever stands in it. */
function rawJson(line: string): string {
  return JSON.stringify(parseJson(line));
}

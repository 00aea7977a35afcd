import type { CoreEvent, Observer } from '../core/events.ts';
import { formatBytes, formatDuration, printable, UPLOADED_WEBHOOK_FAILED } from './format.ts';
import type { Terminal } from './terminal.ts';
import type { Trace, TracedRequest } from './trace.ts';

/** Shows what is going on: one steady block on a terminal, plain lines elsewhere. Everything goes to stderr. */
export interface Progress {
  observe: Observer;
  /** `--verbose`: shows a request. */
  trace: Trace;
  /** Takes the block away; what comes next is the summary. */
  stop(): void;
}

interface FileProgress {
  sizeBytes: number;
  resumedBytes: number;
  doneBytes: number;
  startedAt: number;
}

/** For `--quiet` and `--json`. */
export const silentProgress: Progress = { observe: () => {}, trace: () => {}, stop: () => {} };

/** The block of a terminal: lines that are drawn again in place. */
export interface LiveBlock {
  /** Draws the lines; asks for them again where the terminal gets another size. */
  show(lines: () => readonly string[]): void;
  /** Takes it away for a moment, to print a line above it. */
  above(print: () => void): void;
  hide(): void;
}

/** @param block where the terminal can redraw lines */
export function createProgress(terminal: Terminal, block: LiveBlock | undefined): Progress {
  const files = new Map<string, FileProgress>();
  const say = (line: string) => (block ? block.above(() => terminal.err(line)) : terminal.err(line));
  const draw = () => block?.show(() => blockLines(files, terminal.columns()));

  return {
    observe(event) {
      if (event.type === 'file-progress') {
        const file = files.get(idOf(event));
        if (!file) return;
        file.doneBytes += event.bytes;
        draw();
        return;
      }
      if (event.type === 'file-started') {
        const { sizeBytes, resumedBytes } = event;
        files.set(idOf(event), { sizeBytes, resumedBytes, doneBytes: resumedBytes, startedAt: performance.now() });
        draw();
      }
      if (event.type === 'file-finished' || event.type === 'file-unchanged' || event.type === 'file-failed') {
        files.delete(idOf(event));
        if (files.size === 0) block?.hide();
        else draw();
      }
      const line = lineOf(event, terminal);
      if (line) say(line);
    },
    trace: request => say(traceLine(request, terminal)),
    stop() {
      block?.hide();
    },
  };
}

function idOf(event: { recordingId: string; name: string }): string {
  return `${event.recordingId}/${event.name}`;
}

/** Most files shown at once; the others are counted. */
const MAX_LINES = 6;

function blockLines(files: ReadonlyMap<string, FileProgress>, columns: number): string[] {
  const lines = [...files].slice(0, MAX_LINES).map(([id, file]) => fileLine(id, file, columns - 3));
  if (files.size > MAX_LINES) lines.push(`… and ${files.size - MAX_LINES} more`);
  return lines;
}

/** `3/video.mkv  45 %  230 MB of 512 MB  12.3 MB/s  23 s left`, as much of it as there is room for. */
function fileLine(id: string, file: FileProgress, width: number): string {
  const elapsedMs = performance.now() - file.startedAt;
  const rate = elapsedMs > 0 ? (file.doneBytes - file.resumedBytes) / elapsedMs : 0;
  const left = file.sizeBytes - file.doneBytes;
  const percent = file.sizeBytes === 0 ? 100 : Math.floor((file.doneBytes / file.sizeBytes) * 100);
  const pace =
    elapsedMs > 500 && rate > 0 ? [`${formatBytes(rate * 1000)}/s`, `${formatDuration(left / rate)} left`] : [];
  const parts =
    left <= 0
      ? [formatBytes(file.sizeBytes), 'sent, waiting for the store']
      : [`${percent} %`, `${formatBytes(file.doneBytes)} of ${formatBytes(file.sizeBytes)}`, ...pace];
  const name = printable(id);
  let line = name.length > width - 8 ? `…${name.slice(-(width - 9))}` : name;
  for (const part of parts) {
    if (line.length + part.length + 2 > width) break;
    line += `  ${part}`;
  }
  return line;
}

/** `→ PutObject 42/video.mkv  ok, 31 ms` */
export function traceLine({ operation, target, durationMs, ok, detail }: TracedRequest, terminal: Terminal): string {
  const { err: paint } = terminal.paint;
  const outcome = `${printable(detail)}, ${durationMs} ms`;
  return `${paint.dim(`→ ${operation} ${printable(target)}`)}  ${ok ? paint.dim(outcome) : paint.yellow(outcome)}`;
}

function lineOf(event: CoreEvent, { paint: { err: paint } }: Terminal): string | undefined {
  switch (event.type) {
    case 'file-started':
      return event.resumedBytes > 0
        ? `${paint.cyan('↻')} ${printable(idOf(event))}: going on at ${formatBytes(event.resumedBytes)} of ${formatBytes(event.sizeBytes)}`
        : undefined;
    case 'file-finished':
      return `${paint.green('✔')} ${printable(idOf(event))}  ${formatBytes(event.sizeBytes)} uploaded`;
    case 'file-unchanged':
      return `${paint.green('✔')} ${printable(idOf(event))}  ${formatBytes(event.sizeBytes)} already there`;
    case 'file-retrying':
      return `${paint.yellow('…')} ${printable(event.reason)}; trying again in ${formatDuration(event.delayMs)}`;
    case 'file-failed':
      return `${paint.red('✘')} ${printable(event.error.message)}${event.error.hint ? ` (${printable(event.error.hint)})` : ''}`;
    case 'webhook-sending':
      return `📤 Sending webhook to ${printable(event.url)}`;
    case 'webhook-answered':
      return event.detail ? `${event.line}: ${printable(event.detail)}` : event.line;
    case 'webhook-failed-after-upload':
      return UPLOADED_WEBHOOK_FAILED;
    case 'warning':
      return `${paint.yellow('warning:')} ${printable(event.message)}`;
    default:
      return undefined;
  }
}

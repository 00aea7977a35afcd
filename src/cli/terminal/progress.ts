import { join } from 'node:path';
import type { Trace, TracedRequest } from '../../app/observers/trace.ts';
import { monotonicMs } from '../../core/clock.ts';
import { type CoreEvent, type Observer, WEBHOOK_FAILED_AFTER_UPLOAD } from '../../core/events.ts';
import { printable } from '../../core/text.ts';
import { formatBytes, formatDuration } from '../../core/units.ts';
import { createBatchProgress } from './batch-progress.ts';
import { formatMoment } from './moment.ts';
import type { Terminal } from './terminal.ts';
import { displayWidth, padded, shortened } from './width.ts';

/** Shows progress on stderr: one block that is redrawn on a terminal, plain lines elsewhere. */
export interface Progress {
  observe: Observer;
  /** `--verbose`: shows a request. */
  trace: Trace;
  /** Removes the block, so that the summary can follow. */
  stop(): void;
}

interface FileProgress {
  sizeBytes: number;
  resumedBytes: number;
  doneBytes: number;
  startedAt: number;
}

/** For `--quiet` and `--json`: shows only losses and, with `--verbose`, requests. */
export function createQuietProgress(terminal: Terminal, { verbose }: { verbose: boolean }): Progress {
  return {
    observe(event) {
      if (event.type === 'warning' && event.isLoss) terminal.err(`warning: ${printable(event.message)}`);
    },
    trace: request => {
      if (verbose) terminal.err(traceLine(request, terminal));
    },
    stop: () => {},
  };
}

/** Lines on a terminal that are redrawn in place. */
export interface LiveBlock {
  /** Draws the lines; calls `lines` again when the terminal's size changes. */
  show(lines: () => readonly string[]): void;
  /** Prints a line above the block. */
  above(print: () => void): void;
  hide(): void;
}

/**
 * @param block only if the terminal can redraw lines
 * @param ownLine makes the line of an event instead of the usual one; null: it gets none; undefined: the usual one
 */
export function createProgress(
  terminal: Terminal,
  block: LiveBlock | undefined,
  ownLine: (event: CoreEvent) => string | null | undefined = () => undefined,
): Progress {
  const files = new Map<string, FileProgress>();
  const batch = createBatchProgress();
  const say = (line: string) => (block ? block.above(() => terminal.err(line)) : terminal.err(line));
  const draw = () => {
    const total = batch.line();
    if (files.size === 0 && total === undefined) return block?.hide();
    block?.show(() => {
      // ora puts two characters before a line, and one column stays free.
      const width = terminal.columns() - 3;
      return [...fileLines(files, width), ...(total === undefined ? [] : [fitting(total, width)])];
    });
  };

  return {
    observe(event) {
      batch.observe(event);
      if (event.type === 'file-progress') {
        const file = files.get(idOf(event));
        if (!file) return;
        file.doneBytes += event.bytes;
        draw();
        return;
      }
      if (event.type === 'file-started') {
        const { sizeBytes, resumedBytes } = event;
        files.set(idOf(event), { sizeBytes, resumedBytes, doneBytes: resumedBytes, startedAt: monotonicMs() });
        draw();
      }
      if (event.type === 'file-finished' || event.type === 'file-unchanged' || event.type === 'file-failed') {
        files.delete(idOf(event));
        draw();
      }
      if (event.type === 'folders-found' || event.type === 'folder-finished') draw();
      // The summary lists the files; where the block shows them meanwhile, a line for each would be the same again.
      const isListed = event.type === 'file-finished' || event.type === 'file-unchanged';
      const own = ownLine(event);
      const usual = () => (block && isListed ? undefined : lineOf(event, terminal));
      const line = own === undefined ? usual() : own;
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

/** At most this many files are shown; the others are counted. */
const MAX_LINES = 6;

/** A file's line needs this much besides the name. If the terminal is narrower, each file gets two lines. */
const FACTS_WIDTH = 51;
/** Longer names are shortened, so that the columns stay aligned. */
const MOST_NAME_WIDTH = 48;

function fileLines(files: ReadonlyMap<string, FileProgress>, width: number): string[] {
  const longest = Math.max(...[...files.keys()].map(id => displayWidth(printable(id))));
  const isNarrow = width - FACTS_WIDTH < Math.min(longest, 12);
  const most = isNarrow ? MAX_LINES / 2 : MAX_LINES;
  const nameWidth = Math.min(longest, MOST_NAME_WIDTH, isNarrow ? width : width - FACTS_WIDTH);
  const lines = [...files].slice(0, most).flatMap(([id, file]) => {
    const name = padded(shortened(printable(id), nameWidth), nameWidth);
    const facts = factsOf(file);
    return isNarrow ? [name.trimEnd(), fitting(facts, width)] : [`${name}  ${fitting(facts, width - nameWidth - 2)}`];
  });
  if (files.size > most) lines.push(`… and ${files.size - most} more`);
  return lines;
}

/** ` 45 %   230 MB of 512 MB   12.3 MB/s  23 s left`: aligned in columns, the most important first. */
function factsOf({ sizeBytes, doneBytes, resumedBytes, startedAt }: FileProgress): string[] {
  const elapsedMs = monotonicMs() - startedAt;
  const rate = elapsedMs > 0 ? (doneBytes - resumedBytes) / elapsedMs : 0;
  const left = sizeBytes - doneBytes;
  if (left <= 0) return ['100 %', formatBytes(sizeBytes).padStart(7), 'sent, waiting for the store'];
  const percent = Math.floor((doneBytes / sizeBytes) * 100);
  const pace =
    elapsedMs > 500 && rate > 0
      ? [`${formatBytes(rate * 1000).padStart(7)}/s`, `${formatDuration(left / rate)} left`]
      : [];
  return [
    `${String(percent).padStart(3)} %`,
    `${formatBytes(doneBytes).padStart(7)} of ${formatBytes(sizeBytes)}`,
    ...pace,
  ];
}

/** As many facts as fit. If not all do, the total size is left out, too. */
function fitting(facts: readonly string[], width: number): string {
  const all = facts.join('  ');
  if (all.length <= width) return all;
  let line = '';
  for (const fact of facts.map(text => text.replace(/ of .*/, ''))) {
    const longer = line === '' ? fact : `${line}  ${fact}`;
    if (longer.length > width) break;
    line = longer;
  }
  return line;
}

/** Which of several endpoints a line is about. */
function whichEndpoint({ endpoint }: { endpoint: string }): string {
  return endpoint === 'default' ? '' : ` (${printable(endpoint)})`;
}

/** `→ PutObject 42/video.mkv  ok, 31 ms` */
function traceLine({ operation, target, durationMs, ok, detail }: TracedRequest, terminal: Terminal): string {
  const { err: paint } = terminal.paint;
  const outcome = `${printable(detail)}, ${durationMs} ms`;
  return `${paint.dim(`→ ${operation} ${printable(target)}`)}  ${ok ? paint.dim(outcome) : paint.yellow(outcome)}`;
}

function lineOf(event: CoreEvent, { live, paint: { err: paint } }: Terminal): string | undefined {
  switch (event.type) {
    case 'recording-waiting':
      return `${paint.yellow('…')} ${printable(join(event.dir, event.name))} ${event.reason}; waiting until nobody has written to it for ${formatDuration(event.settleMs)}, at most ${formatDuration(event.waitMs)}`;
    case 'file-started':
      return event.resumedBytes > 0
        ? `${paint.cyan('↻')} ${printable(idOf(event))}: resuming at ${formatBytes(event.resumedBytes)} of ${formatBytes(event.sizeBytes)}`
        : undefined;
    case 'file-finished':
      return `${paint.green('✔')} ${printable(idOf(event))}  ${formatBytes(event.sizeBytes)} uploaded`;
    case 'file-unchanged':
      return `${paint.green('✔')} ${printable(idOf(event))}  ${formatBytes(event.sizeBytes)} already there`;
    case 'file-retrying':
      return `${paint.yellow('…')} ${printable(event.reason)}; trying again in ${formatDuration(event.delayMs)}`;
    case 'file-failed':
      return `${paint.red('✘')} ${printable(event.error.message)}${event.error.hint ? ` (${printable(event.error.hint)})` : ''}`;
    case 'webhook-waiting':
      return `${paint.yellow('…')} ${printable(event.recordingId)}: the webhook${whichEndpoint(event)} waits until ${formatMoment(event.until)} because an older payload may still be arriving`;
    case 'webhook-sending':
      return `📤 Sending webhook to ${printable(event.url)}${whichEndpoint(event)}`;
    case 'webhook-answered':
      // On a terminal, the summary a few lines below has the details.
      return `${event.line}${whichEndpoint(event)}${event.detail && !live ? `: ${printable(event.detail)}` : ''}`;
    case 'webhook-failed-after-upload':
      return WEBHOOK_FAILED_AFTER_UPLOAD;
    case 'alert':
      return event.outcome === 'sent'
        ? undefined
        : `${paint.yellow('warning:')} an alert to ${printable(event.to)} could not be sent${event.detail ? `: ${printable(event.detail)}` : ''}${event.outcome === 'failed' ? '; it is tried again' : '; it is given up'}`;
    case 'local-files-removed': {
      const others = event.left.map(printable).slice(0, 5).join(', ');
      const kept = event.left.length > 0 ? `; kept, because it was not uploaded: ${others}` : '';
      return `${paint.green('✔')} ${printable(event.recordingId)}: its local files were removed from ${printable(event.dir)}${kept}`;
    }
    case 'local-files-kept':
      return `${paint.yellow('!')} ${printable(event.recordingId)}: its local files are kept: ${printable(event.reason)}`;
    case 'warning':
      return `${paint.yellow('warning:')} ${printable(event.message)}`;
    default:
      return undefined;
  }
}

import { setTimeout as sleep } from 'node:timers/promises';
import type { Terminal } from './terminal.ts';

const EVERY_MS = 1000;
/** The other screen, so that what was on the terminal is there again afterwards; no cursor; no lines that wrap. */
const ENTER = '\u001b[?1049h\u001b[?25l\u001b[?7l';
const LEAVE = '\u001b[?7h\u001b[?25h\u001b[?1049l';

/**
 * Shows what `lines` returns, made anew every second, until the signal aborts. On a terminal it fills the screen, and
 * its last state stays; elsewhere it is printed again whenever it has changed.
 */
export async function watchScreen(lines: () => string[], terminal: Terminal, signal: AbortSignal): Promise<void> {
  const { stderr, live } = terminal;
  let last = '';
  if (live) stderr.write(ENTER);
  const draw = () => {
    const text = lines().join('\n');
    if (live) stderr.write(frame(text, stderr.rows || 24));
    else if (text !== last) terminal.out(last === '' ? text : `\n${text}`);
    last = text;
  };
  if (live) stderr.on('resize', draw);
  try {
    while (!signal.aborted) {
      draw();
      await sleep(EVERY_MS, undefined, { signal }).catch(() => {});
    }
  } finally {
    if (live) {
      stderr.off('resize', draw);
      stderr.write(LEAVE);
      terminal.out(last);
    }
  }
}

/** One whole picture: from the top, each line and the rest of the screen wiped; what does not fit is left out. */
function frame(text: string, rows: number): string {
  const lines = text.split('\n');
  const room = Math.max(1, rows - 2);
  const shown = lines.length > room ? [...lines.slice(0, room - 1), '…'] : lines;
  const time = new Date().toLocaleTimeString('sv-SE');
  return `\u001b[H${[...shown, `${time}  Ctrl-C ends`].map(line => `${line}\u001b[K`).join('\n')}\u001b[J`;
}

import { setTimeout as sleep } from 'node:timers/promises';
import type { Terminal } from './terminal.ts';
import { displayWidth } from './width.ts';
import { wrapText } from './wrap.ts';

const EVERY_MS = 1000;
/** Switches to the alternate screen, so that the terminal shows its old content afterwards, and hides the cursor. */
const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';

/**
 * Shows a text, made again every second, until the signal aborts. On a terminal it fills the screen, and its last state
 * stays there; elsewhere it is printed again whenever it has changed.
 */
export async function watchScreen(make: () => Promise<string>, terminal: Terminal, signal: AbortSignal): Promise<void> {
  const { stderr, live } = terminal;
  let last = '';
  if (live) stderr.write(ENTER);
  const show = (text: string) => {
    if (live) stderr.write(frame(text, stderr.rows || 24, terminal.columns()));
    else if (text !== last) terminal.out(last === '' ? text : `\n${text}`);
    last = text;
  };
  const redraw = () => show(last);
  if (live) stderr.on('resize', redraw);
  try {
    while (!signal.aborted) {
      show(await make());
      await sleep(EVERY_MS, undefined, { signal }).catch(() => {});
    }
  } finally {
    if (live) {
      stderr.off('resize', redraw);
      stderr.write(LEAVE);
      terminal.out(last);
    }
  }
}

/** Draws the whole screen from the top, clears the rest of each line and of the screen, and leaves out what does not fit. */
function frame(text: string, rows: number, columns: number): string {
  const shown: string[] = [];
  // One row for the last line, one for the mark of what is left out.
  let room = rows - 2;
  for (const line of wrapText(text, columns).split('\n')) {
    room -= Math.max(1, Math.ceil(displayWidth(line) / columns));
    if (room < 0) {
      shown.push('…');
      break;
    }
    shown.push(line);
  }
  const time = new Date().toLocaleTimeString('sv-SE');
  // After a line that fills its row, the cursor is still on the last character, and clearing would delete that.
  const wiped = (line: string) => {
    const width = displayWidth(line);
    return width > 0 && width % columns === 0 ? line : `${line}\u001b[K`;
  };
  return `\u001b[H${[...shown, `${time}  Ctrl-C ends`].map(wiped).join('\n')}\u001b[J`;
}

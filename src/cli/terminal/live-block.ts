import ora from 'ora';
import type { LiveBlock } from './progress.ts';
import type { Terminal } from './terminal.ts';
import { displayWidth } from './width.ts';

/** ora puts two characters before the first line, so the other lines are indented as much. */
const INDENT = '  ';

/**
 * DECAWM: whether the terminal wraps text at the right edge. It must not while the block is shown: terminals report a new
 * size late (tmux a quarter of a second), and lines that are drawn until then must not need more rows.
 * https://vt100.net/docs/vt510-rm/DECAWM.html
 */
const WRAP = { on: '\u001b[?7h', off: '\u001b[?7l' };

/** The block on a terminal, drawn by ora. In a file of its own, because ora takes 50 ms to load and pipes do not need it. */
export function createLiveBlock({ stderr, columns }: Terminal): LiveBlock {
  const spinner = ora({ stream: stderr, color: false, discardStdin: false, isEnabled: true });
  let linesNow: () => readonly string[] = () => [];
  let drawn: readonly string[] = [];

  const draw = () => {
    drawn = linesNow();
    // The spinner draws by itself; this only sets its text.
    spinner.text = drawn.join(`\n${INDENT}`);
  };
  // A narrower terminal has wrapped the lines again, so a line that ora counts as one may be several by now.
  const onResize = () => {
    const rows = drawn.reduce(
      (sum, line) => sum + Math.max(1, Math.ceil((displayWidth(line) + INDENT.length) / columns())),
      0,
    );
    const broken = rows - drawn.length;
    spinner.clear();
    if (broken > 0) {
      stderr.moveCursor(0, -broken);
      stderr.clearScreenDown();
    }
    draw();
    spinner.render();
  };
  const wrapAgain = () => {
    stderr.write(WRAP.on);
  };
  return {
    show(lines) {
      linesNow = lines;
      draw();
      if (spinner.isSpinning) return;
      stderr.write(WRAP.off);
      process.once('exit', wrapAgain);
      spinner.start();
      stderr.on('resize', onResize);
    },
    above(print) {
      if (!spinner.isSpinning) return print();
      spinner.clear();
      stderr.write(WRAP.on);
      print();
      stderr.write(WRAP.off);
      spinner.render();
    },
    hide() {
      if (!spinner.isSpinning) return;
      spinner.stop();
      wrapAgain();
      process.off('exit', wrapAgain);
      stderr.off('resize', onResize);
    },
  };
}

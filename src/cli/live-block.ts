import ora from 'ora';
import type { LiveBlock } from './progress.ts';
import type { Terminal } from './terminal.ts';

/** The block on a terminal, drawn by ora. In a file of its own: ora takes 50 ms to load, and pipes need none. */
export function createLiveBlock({ stderr }: Terminal): LiveBlock {
  const spinner = ora({ stream: stderr, color: false, discardStdin: false, isEnabled: true });
  return {
    show(lines) {
      // The spinner draws at its own pace; only its text is made anew here.
      spinner.text = lines.join('\n  ');
      if (!spinner.isSpinning) spinner.start();
    },
    above(print) {
      spinner.clear();
      print();
      if (spinner.isSpinning) spinner.render();
    },
    hide() {
      spinner.stop();
    },
  };
}

import { tidiedLines, tidyUp } from '../cleanup/tidy-up.ts';
import type { Runtime } from '../runtime.ts';
import type { Chore } from './house.ts';

/** Tidies up and announces what was removed. It asks the state whether it is due, which other processes may have done. */
export const HOUSEKEEPING: Chore = {
  firstMs: 5_000,
  everyMs: 1_800_000,
  async work(runtime: Runtime) {
    const report = await tidyUp(runtime);
    for (const message of report ? tidiedLines(report) : []) runtime.observer({ type: 'notice', message });
  },
};

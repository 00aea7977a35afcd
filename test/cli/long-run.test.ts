import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';

/* A process of its own: what V8 is told counts for a whole process. */

const LONG_RUN = fileURLToPath(new URL('../../src/cli/long-run.ts', import.meta.url));

/** Finishes files, then lets objects live for a while, as requests do. @returns MiB that V8 has for new objects then */
function youngSpaceAfter(files: number): number {
  const script = `
    import { getHeapSpaceStatistics } from 'node:v8';
    import { keepLongRunsSmall } from ${JSON.stringify(LONG_RUN)};
    let passedOn = 0;
    const observe = keepLongRunsSmall(() => passedOn++);
    for (let file = 0; file < ${files}; file++) observe({ type: 'file-finished' });
    const underWay = [];
    for (let at = 0; at < 2_000_000; at++) underWay[at % 200_000] = { at, text: String(at) };
    if (passedOn !== ${files}) throw new Error(passedOn + ' events were passed on');
    console.log(getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space').space_size / 1024 ** 2);
  `;
  return Number(execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }));
}

test('after a few recordings, V8 no longer gives ever more memory to new objects', () => {
  const single = youngSpaceAfter(4);
  expect(youngSpaceAfter(16)).toBeLessThan(single / 2);
  expect(youngSpaceAfter(100)).toBeLessThan(single / 2);
});

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Measure, median, type Program } from './measure.ts';
import { makeRecordings } from './recordings.ts';

/** Some seconds each at most; the last one a minute. */
const RECORDINGS = [10, 100, 1_000, 10_000];
const VIDEO_BYTES = 10_000;
const RUNS = 5;

/**
 * What more work costs: ever more tiny recordings in one run (time for each, and memory, should stay), and then the
 * commands on the state that these have left, as a ratio to an empty one.
 */
export async function growth({
  measure,
  cli,
  base,
  folder,
  environment,
}: {
  measure: Measure;
  cli: readonly [string, ...string[]];
  base: Record<string, string>;
  folder: string;
  environment: Record<string, string>;
}): Promise<void> {
  const full = join(folder, 'full-state');
  const env = { ...base, ...environment, RECORDUPLOAD_USER_EMAIL: 'operator@example.com' };
  console.log('| recordings in one run | wall time for each | peak MiB |\n| --- | --- | --- |');
  for (const recordings of RECORDINGS) {
    const source = join(folder, `growth-${recordings}`);
    makeRecordings(source, { recordings, videoBytes: VIDEO_BYTES });
    rmSync(full, { recursive: true, force: true });
    const run = await measure({
      command: [...cli, 'upload', '--recursive', source, '--quiet'],
      env: { ...env, RECORDUPLOAD_STATE_DIR: full },
    });
    const each = `${(run.wallMs / recordings).toFixed(1)} ms`;
    console.log(`| ${recordings} | ${each} | ${(run.peakRssBytes / 1024 ** 2).toFixed(0)} |`);
    rmSync(source, { recursive: true, force: true });
  }
  const one = join(folder, 'one');
  const [dir = ''] = makeRecordings(one, { recordings: 1, videoBytes: VIDEO_BYTES });
  const empty = join(folder, 'no-state');
  console.log(`\n| on a state of ${RECORDINGS.at(-1)} recordings | × an empty one |\n| --- | --- |`);
  for (const args of [['status'], ['retry'], ['upload', dir, '--id', 'one-more', '--force']]) {
    const on = (stateDir: string): Program => ({
      command: [...cli, ...args, '--quiet'],
      env: { ...env, RECORDUPLOAD_STATE_DIR: stateDir },
    });
    const ratios: number[] = [];
    for (let turn = 0; turn <= RUNS; turn++) {
      const large = await measure(on(full));
      const small = await measure(on(empty));
      if (turn > 0) ratios.push(large.wallMs / small.wallMs);
    }
    console.log(`| ${args[0]} | ${median(ratios).toFixed(2)} |`);
  }
}

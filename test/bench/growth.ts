import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fillState } from './fill-state.ts';
import { type Measure, median, type Program, type Run } from './measure.ts';
import { makeRecordings } from './recordings.ts';

/** Some seconds each at most; the last one a minute. */
const RECORDINGS = [10, 100, 1_000, 10_000];
const VIDEO_BYTES = 10_000;
/** Of one file. A tenth of the last is a small share of what S3 allows, so a part has the least size. */
const PARTS = [100, 1_000, 9_900];
const PART_BYTES = 8 * 1024 * 1024;
/** What years leave behind. The state then has 6 GB. */
const LARGE_STATE = 1_000_000;
const RUNS = 5;

export interface GrowthBench {
  measure: Measure;
  cli: readonly [string, ...string[]];
  /** Holds the servers and keys. */
  env: Readonly<Record<string, string>>;
  folder: string;
  /** From 0 to 1: the share of all amounts, to try the benchmark itself. */
  scale: number;
}

/**
 * What more work costs: ever more tiny recordings in one run, ever more parts of one file (time for each, and memory, should
 * stay), and the commands on a large state, as a ratio to an empty one. About ten minutes.
 */
export async function growth(bench: GrowthBench): Promise<void> {
  await moreRecordings(bench);
  await moreParts(bench);
  await largeState(bench);
}

const peakMib = ({ peakRssBytes }: Run) => (peakRssBytes / 1024 ** 2).toFixed(0);

async function moreRecordings({ measure, cli, env, folder, scale }: GrowthBench): Promise<void> {
  console.log('| recordings in one run | wall time for each | peak MiB |\n| --- | --- | --- |');
  for (const recordings of RECORDINGS.map(count => Math.ceil(count * scale))) {
    const source = join(folder, `growth-${recordings}`);
    makeRecordings(source, { recordings, videoBytes: VIDEO_BYTES });
    const run = await measure({
      command: [...cli, 'upload', '--recursive', source, '--quiet'],
      env: {
        ...env,
        RECORDUPLOAD_STATE_DIR: mkdtempSync(join(folder, 'state-')),
        // The bucket has those of the run before.
        RECORDUPLOAD_ID_PREFIX: `of-${recordings}-`,
      },
    });
    console.log(`| ${recordings} | ${(run.wallMs / recordings).toFixed(1)} ms | ${peakMib(run)} |`);
    rmSync(source, { recursive: true, force: true });
  }
}

async function moreParts({ measure, cli, env, folder, scale }: GrowthBench): Promise<void> {
  console.log('\n| parts of one file | wall time for each GiB | peak MiB |\n| --- | --- | --- |');
  for (const parts of PARTS.map(count => Math.ceil(count * scale))) {
    const source = join(folder, `parts-${parts}`);
    const [dir = ''] = makeRecordings(source, { recordings: 1, videoBytes: parts * PART_BYTES });
    const run = await measure({
      command: [...cli, 'upload', dir, '--id', `parts-${parts}`, '--quiet'],
      env: { ...env, RECORDUPLOAD_STATE_DIR: mkdtempSync(join(folder, 'state-')) },
    });
    const gib = (parts * PART_BYTES) / 1024 ** 3;
    console.log(`| ${parts} | ${(run.wallMs / gib / 1000).toFixed(2)} s | ${peakMib(run)} |`);
    rmSync(source, { recursive: true, force: true });
  }
}

async function largeState({ measure, cli, env, folder, scale }: GrowthBench): Promise<void> {
  const recordings = Math.ceil(LARGE_STATE * scale);
  const [dir = ''] = makeRecordings(join(folder, 'one'), { recordings: 1, videoBytes: VIDEO_BYTES });
  const [full, empty] = [join(folder, 'full-state'), join(folder, 'no-state')];
  await fillState(full, recordings, { isAllDone: true });
  console.log(`\n| on a state of ${recordings} recordings | × an empty one |\n| --- | --- |`);
  for (const args of [
    ['status', '--quiet'],
    ['list'],
    ['retry', '--quiet'],
    ['upload', dir, '--id', 'one-more', '--force', '--quiet'],
  ]) {
    const on = (stateDir: string): Program => ({
      command: [...cli, ...args],
      env: { ...env, RECORDUPLOAD_STATE_DIR: stateDir },
    });
    const ratios: number[] = [];
    for (let turn = 0; turn <= RUNS; turn++) {
      const large = await measure(on(full));
      const small = await measure(on(empty));
      if (turn > 0) ratios.push(large.wallMs / small.wallMs);
    }
    console.log(`| \`${args[0]}\` | ${median(ratios).toFixed(2)} |`);
  }
}

/**
 * Kills the worker and the writer with SIGKILL at random moments while ffmpeg records below a watched folder, and compares
 * what is in the bucket at the end with the file, byte by byte. Needs ffmpeg (Debian: apt-get install ffmpeg).
 *
 *   node test/crash/live.ts [--rounds 100] [--seed N] [--parallel 4]
 *
 * `--rounds 1 --seed N` plays the round of that seed again; kills fall where the machine happens to be.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { makeClip } from '../support/ffmpeg-writer.ts';
import { makeLivePlan } from './live/plan.ts';
import { playLiveRound } from './live/round.ts';
import { buildProgram } from './program.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '100' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    parallel: { type: 'string', default: '4' },
  },
});
const [rounds, seed, parallel] = [Number(values.rounds), Number(values.seed), Number(values.parallel)];
console.log(`${rounds} recordings; rounds begin with seed ${seed}`);

const folder = mkdtempSync(join(tmpdir(), 'live-campaign-'));
const program = await buildProgram();
let next = seed;
let [killed, kept, failed] = [0, 0, 0];
try {
  const clip = makeClip(folder);
  const player = async () => {
    while (next < seed + rounds) {
      const plan = makeLivePlan(next++);
      const { kills, keptParts, problems, log } = await playLiveRound(plan, program.main, clip).catch(error => ({
        kills: 0,
        keptParts: 0,
        problems: [`the round broke off: ${error instanceof Error ? error.stack : String(error)}`],
        log: [],
      }));
      killed += kills;
      kept += keptParts;
      if (problems.length === 0) continue;
      failed++;
      console.log(`seed ${plan.seed} FAILED ${JSON.stringify(plan)}`);
      for (const line of [...problems, ...log.slice(-40)]) console.log(`  ${line}`);
    }
  };
  await Promise.all(Array.from({ length: Math.min(parallel, rounds) }, player));
} finally {
  program.remove();
  rmSync(folder, { recursive: true, force: true });
}
console.log(
  `${killed} kills in ${rounds} rounds, seeds ${seed} to ${seed + rounds - 1}; ${kept} parts were sent while they were recorded`,
);
// A campaign in which nothing goes up early would prove nothing.
if (kept === 0) failed++;
console.log(`${rounds - Math.min(failed, rounds)} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

/**
 * Kills the built program with SIGKILL at random moments of uploads, lets it finish, and looks at everything that is
 * left: the bucket, what was sent, the recordings server, the state. In some rounds the store fails now and then, and in
 * some the server processes payloads late while titles change: the last title must be the one that it keeps.
 *
 *   node test/crash/campaign.ts [--kills 250] [--seed N] [--parallel 16] [--rounds N] [--postgres]
 *
 * `--rounds 1 --seed N` plays the one round of that seed again: the same files, and kills at the same requests; those by
 * the clock fall where the machine happens to be. `--postgres`: the state is in a PostgreSQL of its own, a database for
 * each round.
 */
import { parseArgs } from 'node:util';
import { startCluster } from '../support/postgres.ts';
import { runCampaign } from './run-campaign.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '250' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    // Rounds that wait for a late payload cost nothing meanwhile.
    parallel: { type: 'string', default: '16' },
    rounds: { type: 'string' },
    postgres: { type: 'boolean', default: false },
  },
});
const [kills, seed, parallel] = [Number(values.kills), Number(values.seed), Number(values.parallel)];
console.log(`killing ${kills} runs; rounds begin with seed ${seed}`);

let killed = 0;
// Only processes of the program are killed, so the server need not flush its disk.
const cluster = values.postgres ? await startCluster({ settings: ['max_connections = 300'] }) : undefined;
const results = await runCampaign({
  kills,
  seed,
  parallel,
  cluster,
  rounds: values.rounds === undefined ? undefined : Number(values.rounds),
  onRound({ scenario, kills: count, problems }) {
    killed += count;
    if (problems.length > 0) {
      console.log(`seed ${scenario.seed} FAILED ${JSON.stringify(scenario)}`);
      for (const problem of problems) console.log(`  ${problem}`);
    }
  },
});
await cluster?.remove();
const failed = results.filter(({ problems }) => problems.length > 0);
console.log(`${killed} kills in ${results.length} rounds, seeds ${seed} to ${seed + results.length - 1}`);
console.log(`${results.length - failed.length} passed, ${failed.length} failed`);
process.exitCode = failed.length > 0 ? 1 : 0;

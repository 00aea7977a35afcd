/**
 * What an upload promises, proven on the built program in the ways that `campaign.ts` leaves out:
 * SIGTERM and Ctrl-C, a state that is lost with the process, two processes at once; and the server is told, in signed
 * webhooks of one id, exactly what is so.
 *
 *   node test/crash/interruptions.ts [seed] [kills]        after `npm run build`
 *
 * Each round has a seed of its own, the first one the seed given and each next one more; `interruptions.ts <seed> 1` plays a
 * failed round again. Kills at requests fall where they fell; those by the clock fall where the machine happens to be.
 */
import { clear } from './interruptions/machine.ts';
import { makePlan, type Plan } from './interruptions/plan.ts';
import { playRound, type RoundResult } from './interruptions/round.ts';

const ROUNDS_AT_ONCE = 2;
const [seed = Date.now() % 1_000_000, kills = 60] = process.argv.slice(2).map(Number);
if (!Number.isSafeInteger(seed) || !Number.isSafeInteger(kills)) throw new TypeError('interruptions.ts [seed] [kills]');

/** Rounds whose runs end before they are killed must not go on for ever. */
const MOST_ROUNDS = kills + 20;
/** A campaign of some size has each kind of round; a replay is one round only. */
const FEWEST_ROUNDS = Math.min(16, Math.ceil(kills / 4));

process.stdout.write(`seed ${seed}, ${kills} kills\n`);
process.once('SIGINT', async () => {
  await clear();
  process.exit(130);
});

let next = 0;
let killed = 0;
let failed = 0;
const startedAt = performance.now();
const kinds = new Map<Plan['kind'], number>();

async function playRounds(): Promise<void> {
  while (next < MOST_ROUNDS && (killed < kills || next < FEWEST_ROUNDS)) {
    const plan = makePlan(seed + next++);
    const result = await playRound(plan);
    killed += result.kills;
    kinds.set(plan.kind, (kinds.get(plan.kind) ?? 0) + 1);
    if (result.problems.length > 0) failed++;
    print(plan, result);
  }
}

function print(plan: Plan, { kills: count, problems, log }: RoundResult): void {
  const mark = problems.length > 0 ? '✘' : '✔';
  const mib = (plan.files['video.mkv'] / 1024 / 1024).toFixed(1);
  process.stdout.write(`${mark} seed ${plan.seed}: ${plan.kind}, ${mib} MiB, ${count} kills\n`);
  if (problems.length === 0) return;
  const lines = [...problems, JSON.stringify(plan), 'the last requests:', ...log.slice(-40)];
  process.stdout.write(`${lines.map(line => `    ${line}\n`).join('')}`);
}

try {
  await Promise.all(Array.from({ length: Math.min(ROUNDS_AT_ONCE, kills) }, playRounds));
} finally {
  await clear();
}
if (killed < kills) failed++;
const seconds = Math.round((performance.now() - startedAt) / 1000);
const told = [...kinds].map(([kind, count]) => `${count} ${kind}`).join(', ');
process.stdout.write(`${killed} of ${kills} kills in ${next} rounds (${told}), ${seconds} s\n`);
process.stdout.write(`${Math.max(0, next - failed)} passed, ${failed} failed\n`);
process.exitCode = failed > 0 ? 1 : 0;

/**
 * A fleet of four machines with network namespaces of their own, one database, one store and one recordings server, and a
 * cable from each machine to each of the three. Each round makes recordings and lets one thing go wrong: a cable is cut, a
 * machine killed, the database crashes, store and server restart.
 *
 *   npm run test:fleet -- [--rounds 8] [--seed N] [--shared]
 *
 * `--rounds 200` is the whole of it. `--shared`: with `sharedFolders`, so that machines take over from each other; unless
 * given, the second half of the rounds is played so. Needs root; elsewhere it is left out.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { seededRandom } from '../core/webhook/support.ts';
import { buildProgram } from '../crash/program.ts';
import { type Check, createChecks } from '../delivery/campaign/check.ts';
import { findPostgres } from '../support/postgres.ts';
import { closeNetwork, openNetwork, openPlace } from './network/cables.ts';
import { happen, type Stage } from './network/events.ts';
import { createMachine } from './network/machine.ts';
import { type Made, record, recordAgain } from './network/recordings.ts';
import { type Services, startServices } from './network/services.ts';
import { checkBucket, checkHands, checkSpools, checkWebhooks } from './network/verdict.ts';

const MACHINES = 4;
/** What waits has its own pauses: of uploads, of webhooks, and of what another machine had. */
const PATIENCE_MS = 150_000;
const INNER = 'RECORDUPLOAD_TEST_NETWORK';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '8' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    shared: { type: 'boolean', default: false },
  },
});
const [rounds, seed] = [Number(values.rounds), Number(values.seed)];

if (process.getuid?.() !== 0 || findPostgres() === undefined || spawnSync('unshare', ['--net', 'true']).status !== 0) {
  console.log('left out: network namespaces need root (in a container, --privileged), and the state PostgreSQL');
  console.log('0 passed, 0 failed');
} else if (process.env[INNER]) await main();
else {
  // A network of its own, which nothing else of this machine is in and which ends with the process.
  const args = ['--net', process.execPath, fileURLToPath(import.meta.url), ...process.argv.slice(2)];
  const { status } = spawnSync('unshare', args, { stdio: 'inherit', env: { ...process.env, [INNER]: '1' } });
  process.exitCode = status ?? 1;
}

async function main(): Promise<void> {
  console.log(`${rounds} rounds, seed ${seed}`);
  const { check, end } = createChecks();
  const random = seededRandom(seed);
  openNetwork();
  const program = await buildProgram();
  const places = await Promise.all(Array.from({ length: MACHINES }, (_, index) => openPlace(index + 1)));
  const play = async (rounds: number, isShared: boolean) => {
    const folder = mkdtempSync(join(tmpdir(), 'recordupload-fleet-'));
    const services = await startServices(folder, { isShared });
    const machines = places.map((place, index) =>
      createMachine({ name: `studio-${index + 1}`, place, folder, main: program.main, env: services.env }),
    );
    try {
      await playRounds(check, { services, machines, random, mishaps: [] }, rounds, { isShared });
    } finally {
      for (const machine of machines) await machine.kill();
      await services.close();
      rmSync(folder, { recursive: true, force: true });
    }
  };
  try {
    const shared = values.shared ? rounds : Math.floor(rounds / 2);
    if (rounds > shared) await play(rounds - shared, false);
    if (shared > 0) await play(shared, true);
  } catch (error) {
    check('the campaign comes to its end', false, error instanceof Error ? error.stack : String(error));
  } finally {
    closeNetwork();
    program.remove();
  }
  process.exitCode = end() > 0 ? 1 : 0;
}

async function playRounds(check: Check, stage: Stage, rounds: number, options: { isShared: boolean }): Promise<void> {
  const { services, machines, random } = stage;
  console.log(options.isShared ? 'machines with shared folders:' : 'machines with folders of their own:');
  for (const machine of machines) machine.start();
  const made: Made[] = [];
  const delivered = () => made.filter(one => isDelivered(one, services));
  for (let round = 0; round < rounds; round++) {
    const before = delivered();
    const again = before[Math.floor(random() * before.length)];
    if (again && random() < 0.7) recordAgain(again);
    for (const [index, machine] of machines.entries())
      made.push(record(String(1 + round * MACHINES + index), machine, { isLarge: (round + index) % 3 === 0 }));
    await sleep(500 + random() * 2_500);
    console.log(`  ${round + 1}: ${await happen(stage)}`);
    await sleep(500);
  }
  const startedAt = Date.now();
  for (const machine of machines) machine.start();
  const isDone = () => delivered().length === made.length && machines.every(one => one.spooled().length === 0);
  while (!isDone() && Date.now() - startedAt < PATIENCE_MS) await sleep(500);
  console.log(`  all of it is delivered ${((Date.now() - startedAt) / 1000).toFixed(0)} s after the last round`);
  const ends = await Promise.all(machines.map(machine => machine.stop()));
  const codes = ends.map(({ code }) => code);
  check(
    'each worker ends as it is asked to',
    codes.every(code => code === 143 || code === 0),
    {
      codes,
      said: ends.filter(({ code }) => code !== 143 && code !== 0).map(({ said }) => said.slice(-2_000)),
    },
  );
  await checkBucket(check, services, made);
  await checkWebhooks(check, services, made);
  checkHands(check, { services, machines, made, mishaps: stage.mishaps }, options);
  checkSpools(check, machines);
}

/** The server knows of the last version. */
function isDelivered({ id, sizeBytes }: Made, { sandbox }: Services): boolean {
  const info = sandbox.receiver.recording(id)?.payload.file_info as
    | { individual_sizes_mb: Record<string, number> }
    | undefined;
  return info?.individual_sizes_mb['video.mkv'] === Math.round((sizeBytes / 1024 / 1024) * 100) / 100;
}

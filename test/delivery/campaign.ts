/**
 * What the outbox promises, proven at full size with the built program: overlap, `kill -9`, speed, a dead endpoint, a
 * full disk, a year of outages; and what `watch` promises: a week of recordings. `node test/delivery/campaign.ts` after
 * `npm run build`; the seed of what is random can be given as an argument. `--week`: only the week, with 2,000 recordings
 * instead of 120. `--postgres`: only overlap and `kill -9`, each process as another machine of a fleet whose state is in a
 * PostgreSQL of its own. Disks are filled on a tmpfs, which needs root; elsewhere that part is left out.
 */
import { seededRandom } from '../core/webhook/support.ts';
import { startCluster } from '../support/postgres.ts';
import { createChecks } from './campaign/check.ts';
import { fullDisk } from './campaign/full-disk.ts';
import { onPostgres, onSqlite } from './campaign/homes.ts';
import { kills, overlap } from './campaign/overlap.ts';
import { deadEndpoint, speed } from './campaign/speed.ts';
import { clear } from './campaign/stage.ts';
import { SHORT_WEEK, WHOLE_WEEK, weekOfRecordings } from './campaign/week.ts';
import { yearOfOutages } from './campaign/year.ts';

const args = process.argv.slice(2);
const isWeek = args.includes('--week');
const isFleet = args.includes('--postgres');
const seed = Number(args.find(arg => /^\d+$/.test(arg)) ?? Date.now() % 1_000_000);
process.stdout.write(`seed ${seed}\n`);
const { check, end } = createChecks();
process.once('SIGINT', async () => {
  await clear();
  process.exit(130);
});
try {
  if (isWeek) await weekOfRecordings(check, seededRandom(seed), WHOLE_WEEK);
  else if (isFleet) await onFleet();
  else await allOfIt();
} catch (error) {
  check('the campaign comes to its end', false, error instanceof Error ? error.stack : String(error));
} finally {
  await clear();
}
process.exitCode = end() > 0 ? 1 : 0;

async function allOfIt(): Promise<void> {
  await speed(check);
  // It waits for time-outs; the others work meanwhile.
  const dead = deadEndpoint(check);
  await overlap(check, onSqlite);
  await kills(check, seededRandom(seed), onSqlite);
  await fullDisk(check);
  await dead;
  await yearOfOutages(check);
  await weekOfRecordings(check, seededRandom(seed), SHORT_WEEK);
}

async function onFleet(): Promise<void> {
  const cluster = await startCluster({ isDurable: true, settings: ['max_connections = 300'] });
  try {
    await overlap(check, onPostgres(cluster));
    await kills(check, seededRandom(seed), onPostgres(cluster));
  } finally {
    await cluster.remove();
  }
}

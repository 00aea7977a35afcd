import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Check } from './check.ts';
import { machine, queue, start, startReceiver, TOKEN, tempDir } from './stage.ts';

const DUE = 1000;
const CONCURRENCY = 16;

/**
 * One `retry` with 1,000 due deliveries, start-up of the program included. The speed is told, not judged: it is the
 * machine's as much as ours. Wanted are 300 a second, and with a delay no more than 1.5 of what it alone costs.
 */
export async function speed(check: Check): Promise<void> {
  const seconds = await timeRetry(0);
  check(`${DUE} due deliveries to a receiver on loopback: ${Math.round(DUE / seconds)} per second`, true);

  const slow = await timeRetry(50);
  const ideal = (DUE / CONCURRENCY) * 0.05;
  const ratio = slow / ideal;
  check(`with 50 ms of delay: ${slow.toFixed(1)} s, ${ratio.toFixed(2)} of what ${CONCURRENCY} at once can do`, true);
}

/** Seconds. */
async function timeRetry(delayMs: number): Promise<number> {
  const receiver = await startReceiver(delayMs);
  const stateDir = tempDir();
  await queue(stateDir, DUE);
  const env = machine(stateDir, receiver.url, { RECORDUPLOAD_WEBHOOK_CONCURRENCY: String(CONCURRENCY) });
  const { code, durationMs, stderr } = await start(['retry', '--quiet'], env).result;
  const { length } = await receiver.received();
  if (code !== 0 || length !== DUE) throw new Error(`retry ended with ${code} and sent ${length}: ${stderr}`);
  return durationMs / 1000;
}

/** An endpoint that never answers, with 500 waiting, beside one that does. Takes the 30 s of a time-out. */
export async function deadEndpoint(check: Check): Promise<void> {
  const [dead, alive] = await Promise.all([startReceiver('never'), startReceiver()]);
  const dir = tempDir();
  const stateDir = join(dir, 'state');
  const config = join(dir, 'config.json');
  const webhooks = [
    { name: 'dead', url: dead.url, token: TOKEN },
    { name: 'alive', url: alive.url, token: TOKEN },
  ];
  writeFileSync(config, JSON.stringify({ stateDir, webhooks }), { mode: 0o600 });
  await queue(stateDir, 500, ['dead', 'alive']);
  const startedAt = Date.now();
  await start(['retry', '--quiet', '--config', config], {}).result;
  const probes = await dead.received();
  const sent = await alive.received();
  // The dead one is given up after its time-out of 30 s; the other one was long done by then.
  const lastMs = Math.max(...sent.map(({ at }) => at)) - startedAt;
  check('a dead endpoint with 500 waiting costs a run 3 probes', probes.length === 3, `${probes.length} probes`);
  check('and delays no other endpoint', sent.length === 500 && lastMs < 20_000, { sent: sent.length, lastMs });
}

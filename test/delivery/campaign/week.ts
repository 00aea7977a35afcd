import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startSandbox } from '../../../src/sandbox/sandbox.ts';
import { disrupt, type Stage } from '../week/disruptions.ts';
import { openLine } from '../week/line.ts';
import { MARKER, type Made, record, recordAgain, WAYS, type Way } from '../week/recorders.ts';
import { checkBucket, checkFlat, checkLeftovers, checkWebhooks } from '../week/verdict.ts';
import { type Sample, startWorker } from '../week/worker.ts';
import type { Check } from './check.ts';
import { deliveriesOf, EMAIL, machine, start, TOKEN, tempDir } from './stage.ts';

export interface WeekOptions {
  recordings: number;
  /** Milliseconds from one to the next. */
  everyMs: number;
  /** How long the last ones may take after that by themselves. */
  patienceMs: number;
}

/** So it is also in a build's run; the whole week is `node test/delivery/campaign.ts --week`. */
export const SHORT_WEEK: WeekOptions = { recordings: 120, everyMs: 450, patienceMs: 30_000 };
export const WHOLE_WEEK: WeekOptions = { recordings: 2_000, everyMs: 350, patienceMs: 90_000 };

/** 100 Mbit/s, 20 ms. */
const LINE = { bytesPerSecond: 12_500_000, delayMs: 20 };

/**
 * Recordings of five kinds of recorders through one `recordupload watch` on a slow line, while line, store and server
 * fail. In the first half the worker is restarted and killed, too; the second half is one worker's life, whose memory,
 * open files and speed are compared.
 *
 * Measured on 27 November 2026 on two cores that others used as well, 1,000 recordings, 58 restarts and 59 kills in the
 * first half, 80 outages and new configurations: memory 303 MiB in the first third of the last worker's life and 297 MiB
 * in its last, 39 and 46 open files, 2.9 s and 1.3 s from a recording's end to its webhook (lower quartile).
 */
export async function weekOfRecordings(check: Check, random: () => number, options: WeekOptions): Promise<void> {
  const sandbox = await startSandbox({ receiver: { users: 'any', token: TOKEN } });
  const line = await openLine(sandbox.s3.port, LINE);
  const places = { root: join(tempDir(), 'root'), elsewhere: join(tempDir(), 'elsewhere') };
  for (const dir of Object.values(places)) mkdirSync(dir);
  const stateDir = tempDir();
  const configFile = join(tempDir(), 'config.json');
  const { url, token } = sandbox.receiver;
  const config = {
    endpoint: line.url,
    bucket: sandbox.s3.bucket,
    user: { email: EMAIL },
    settle: '1s',
    watch: { roots: [places.root], marker: MARKER, quiet: '10s' },
  };
  // Recorders have one of their own, which nobody breaks.
  const recordersFile = join(tempDir(), 'config.json');
  for (const file of [configFile, recordersFile]) writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
  const env = machine(stateDir, url, {
    WEBHOOK_TOKEN: token,
    AWS_ACCESS_KEY_ID: sandbox.s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: sandbox.s3.secretAccessKey,
  });
  const worker = startWorker(['--config', configFile], env);
  const stage: Stage = { sandbox, line, worker, configFile, config, random, exits: [] };

  const made: Made[] = [];
  const again = new Set<string>();
  const refusedBy: string[] = [];
  const enqueue = async (dir: string) => {
    const { code, stderr } = await start(['enqueue', dir, '--config', recordersFile], env).result;
    if (code !== 0) refusedBy.push(`${dir}: ${code}: ${stderr}`);
  };
  const comes = async (number: number) => {
    const way = WAYS[number % WAYS.length] as Way;
    const one = await record(String(number), way, { places, isLarge: number % 40 === 3, enqueue });
    made.push(one);
    if (number % 20 !== 1) return;
    while (!sandbox.receiver.recording(one.id)) await sleep(500);
    recordAgain(one);
    again.add(one.id);
  };
  const samples: Sample[] = [];
  const sampling = setInterval(() => {
    const sample = worker.sample();
    if (sample) samples.push(sample);
  }, 500);
  try {
    const happened: Map<string, number>[] = [];
    const half = Math.floor(options.recordings / 2);
    const coming: Promise<void>[] = [];
    for (const [from, to] of [
      [1, half],
      [half + 1, options.recordings],
    ] as const) {
      const stop = new AbortController();
      const disruptions = disrupt(stage, {
        withEndings: from === 1,
        pauseMs: options.everyMs * 4,
        signal: stop.signal,
      });
      for (let number = from; number <= to; number++) {
        coming.push(comes(number));
        await sleep(options.everyMs);
      }
      stop.abort();
      happened.push(await disruptions);
    }
    await within(Promise.all(coming), options.patienceMs);
    const late = await settled(stateDir, made, sandbox, options.patienceMs);
    // Beside the worker, as an operator may: the third try of a webhook is up to five minutes away, the fourth half an hour.
    if (late.length > 0) await start(['retry', '--now', '--quiet', '--config', configFile], env).result;
    const rest = await settled(stateDir, made, sandbox, options.patienceMs);
    process.stdout.write(`  ${late.length} webhooks or recordings were sent by "retry --now" in the end\n`);
    const { code, said } = await worker.stop();
    for (const one of happened)
      process.stdout.write(`  ${[...one].map(([kind, times]) => `${times} × ${kind}`).join(', ')}\n`);

    check('nothing waits any more in the end', rest.length === 0, rest.slice(0, 20));
    check('enqueue took each folder', refusedBy.length === 0, refusedBy.slice(0, 5));
    check(
      'each restart ended the worker in order',
      [...stage.exits, code].every(exit => exit === 0),
      stage.exits,
    );
    const bugs = said.split('\n').filter(text => /\b(?:TypeError|ReferenceError|bug)\b|at .*\.js:\d/.test(text));
    check('no worker had a fault of its own', bugs.length === 0, bugs.slice(0, 20));
    await checkBucket(check, sandbox, made);
    await checkWebhooks(check, sandbox, made, again);
    const { life } = samples.at(-1) as Sample;
    checkFlat(
      check,
      samples.filter(sample => sample.life === life),
      secondsOf(
        made.filter(({ id }) => Number(id) > half && !again.has(id)),
        sandbox.receiver.recordings(),
      ),
    );
    checkLeftovers(check, stateDir, Object.values(places));
  } finally {
    clearInterval(sampling);
    await line.close();
    await sandbox.close();
  }
}

/** Waits until all has been delivered. @returns what has not */
async function settled(
  stateDir: string,
  made: readonly Made[],
  { s3, receiver }: Awaited<ReturnType<typeof startSandbox>>,
  patienceMs: number,
): Promise<string[]> {
  const until = performance.now() + patienceMs;
  const waiting = async () => [
    ...made.filter(({ id }) => !receiver.recording(id)).map(({ id, way }) => `${id} (${way})`),
    ...made
      .filter(({ id, files }) =>
        s3.objects().some(({ key, size }) => key === `${id}/video.mkv` && size !== files.get('video.mkv')?.sizeBytes),
      )
      .map(({ id }) => `${id} as it is now`),
    ...(await deliveriesOf(stateDir))
      .filter(({ state }) => state === 'pending')
      .map(one => `webhook of ${one.recordingId}`),
  ];
  for (;;) {
    const rest = await waiting();
    if (rest.length === 0 || performance.now() > until) return rest;
    await sleep(1_000);
  }
}

async function within(work: Promise<unknown>, ms: number): Promise<void> {
  const enough = new AbortController();
  await Promise.race([work, sleep(ms, undefined, { signal: enough.signal }).catch(() => {})]);
  enough.abort();
}

/** In the order of the recordings. */
function secondsOf(
  made: readonly Made[],
  rows: readonly { recording_id: number | string; created: string }[],
): number[] {
  const createdAt = new Map(rows.map(row => [String(row.recording_id), Date.parse(row.created)]));
  return made
    .toSorted((a, b) => Number(a.id) - Number(b.id))
    .map(({ id, finishedAt }) => ((createdAt.get(id) ?? Number.NaN) - finishedAt) / 1000)
    .filter(seconds => !Number.isNaN(seconds));
}

import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Sandbox } from '../../../src/sandbox/sandbox.ts';
import type { Line } from './line.ts';
import type { Worker } from './worker.ts';

/** What a disruption can reach. */
export interface Stage {
  sandbox: Sandbox;
  line: Line;
  worker: Worker;
  configFile: string;
  config: Record<string, unknown>;
  random: () => number;
  /** Exit statuses of workers that were asked to end. */
  exits: (number | null)[];
}

const seconds = (from: number, to: number, random: () => number) => sleep((from + random() * (to - from)) * 1000);

/** Things that go wrong in a week, and end by themselves. */
const OUTAGES = {
  'the line is cut': async ({ line, random }) => {
    line.cut();
    await seconds(1, 5, random);
    line.mend();
  },
  'the store answers 503': async ({ sandbox, random }) => {
    const answer = { status: 503, code: 'SlowDown' };
    const fault = sandbox.faults.add({ server: 's3', times: Number.POSITIVE_INFINITY, action: { answer } });
    await seconds(1, 5, random);
    fault.remove();
  },
  'the server answers 502': async ({ sandbox, random }) => {
    const answer = { status: 502, body: '<html>Bad Gateway</html>' };
    const fault = sandbox.faults.add({ server: 'webhook', times: Number.POSITIVE_INFINITY, action: { answer } });
    await seconds(2, 6, random);
    fault.remove();
  },
  'answers of the server are lost': async ({ sandbox, random }) => {
    const fault = sandbox.faults.add({ server: 'webhook', times: 3, action: { drop: 'after' } });
    await seconds(2, 4, random);
    fault.remove();
  },
  'answers of the store are lost': async ({ sandbox, random }) => {
    const fault = sandbox.faults.add({ server: 's3', times: 3, action: { drop: 'after' } });
    await seconds(1, 3, random);
    fault.remove();
  },
  'the configuration is read again': async ({ worker, configFile, config, random }) => {
    const next = { ...config, webhookConcurrency: 4 + Math.floor(random() * 12) };
    writeFileSync(configFile, JSON.stringify(next), { mode: 0o600 });
    await worker.hangUp();
    await seconds(1, 2, random);
  },
  'a broken configuration is read': async ({ worker, configFile, config, random }) => {
    writeFileSync(configFile, '{"bucket": 7', { mode: 0o600 });
    await worker.hangUp();
    await seconds(1, 2, random);
    writeFileSync(configFile, JSON.stringify(config), { mode: 0o600 });
    await worker.hangUp();
  },
} satisfies Record<string, (stage: Stage) => Promise<void>>;

/** Only where the worker does not start meanwhile: it could not. */
const REFUSED = 'a broken configuration is read';

/** What ends the worker. */
const ENDINGS = {
  restart: async ({ worker, exits }) => {
    exits.push(await worker.restart());
  },
  'kill -9': ({ worker }) => worker.kill(),
} satisfies Record<string, (stage: Stage) => Promise<void>>;

/**
 * Lets one thing after the other go wrong until it is told to stop.
 * @param options.withEndings the worker ends meanwhile, too, whatever else goes wrong
 * @returns how often each has happened
 */
export async function disrupt(
  stage: Stage,
  { withEndings, pauseMs, signal }: { withEndings: boolean; pauseMs: number; signal: AbortSignal },
): Promise<Map<string, number>> {
  const happened = new Map<string, number>();
  const oneAfterTheOther = async (kinds: [string, (stage: Stage) => Promise<void>][]) => {
    while (!signal.aborted) {
      for (const [name, happen] of shuffled(kinds, stage.random)) {
        await sleep(pauseMs * (0.5 + stage.random()), undefined, { signal }).catch(() => {});
        if (signal.aborted) break;
        await happen(stage);
        happened.set(name, (happened.get(name) ?? 0) + 1);
      }
    }
  };
  await Promise.all([
    oneAfterTheOther(Object.entries(OUTAGES).filter(([name]) => !withEndings || name !== REFUSED)),
    ...(withEndings ? [oneAfterTheOther(Object.entries(ENDINGS))] : []),
  ]);
  return happened;
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items
    .map(item => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

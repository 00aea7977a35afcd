import { setTimeout as sleep } from 'node:timers/promises';
import type { Check } from './check.ts';
import type { OpenHome } from './homes.ts';
import { countBy, type Run, start, startReceiver } from './stage.ts';

const PROCESSES = 12;
const DUE = 3000;

/** Twelve `retry` at once: each delivery is received once, none is lost. */
export async function overlap(check: Check, openHome: OpenHome): Promise<void> {
  const receiver = await startReceiver();
  const home = await openHome();
  await home.queue(DUE);
  const runs = Array.from({ length: PROCESSES }, () => start(['retry', '--quiet'], home.env(receiver.url)));
  const results = await Promise.all(runs.map(({ result }) => result));
  const received = countBy(await receiver.received(), ({ recordingId }) => recordingId);
  const twice = [...received.values()].filter(ones => ones.length > 1).length;
  const states = countBy(await home.deliveries(), ({ state }) => state);
  check(
    `${PROCESSES} retry processes all end with 0`,
    results.every(({ code }) => code === 0),
    results[0]?.stderr,
  );
  check(`${DUE} deliveries are all received`, received.size === DUE, `${received.size} received`);
  check('none is received twice', twice === 0, `${twice} received more than once`);
  check('all are recorded as delivered', states.get('delivered')?.length === DUE, [...states.keys()].join());
}

/**
 * The same with `kill -9` among them. A delivery is sent again only where its sender died before it could record the
 * try: so each has exactly one recorded try in the end, however often it was received, and always the same webhook-id.
 */
export async function kills(check: Check, random: () => number, openHome: OpenHome): Promise<void> {
  const receiver = await startReceiver(20);
  const home = await openHome();
  await home.queue(DUE);
  const env = () => home.env(receiver.url, { RECORDUPLOAD_WEBHOOK_CONCURRENCY: '8' });
  const running = new Set<Run>();
  const launch = () => {
    const run = start(['retry', '--quiet'], env());
    running.add(run);
    void run.result.then(() => running.delete(run));
  };
  for (let n = 0; n < PROCESSES; n++) launch();
  let killed = 0;
  while (killed < 24 && running.size > 0) {
    await sleep(40 + random() * 120);
    const victims = [...running];
    const victim = victims[Math.floor(random() * victims.length)];
    if (victim?.child.kill('SIGKILL')) killed++;
    if (victim) launch();
  }
  await Promise.all([...running].map(({ result }) => result));
  const last = await start(['retry', '--now', '--quiet'], env()).result;

  const received = countBy(await receiver.received(), ({ recordingId }) => recordingId);
  const duplicates = [...received.values()].filter(ones => ones.length > 1);
  const changed = duplicates.filter(ones => new Set(ones.map(({ webhookId }) => webhookId)).size > 1);
  const deliveries = await home.deliveries();
  const unsettled = deliveries.filter(({ state }) => state !== 'delivered');
  const recordedAgain = deliveries.filter(({ attempts }) => attempts !== 1);
  check(`kill -9 of ${killed} senders: none of ${DUE} is lost`, received.size === DUE && unsettled.length === 0, {
    received: received.size,
    unsettled: unsettled.length,
    last: last.stderr,
  });
  check(
    `${duplicates.length} are received again, each because its sender died before the record`,
    recordedAgain.length === 0 && duplicates.length <= killed * 8,
    `${recordedAgain.length} were sent again although their try was recorded`,
  );
  check('a repeat has the same webhook-id', changed.length === 0, `${changed.length} have not`);
}

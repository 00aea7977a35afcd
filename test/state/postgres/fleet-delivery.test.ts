import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from '@jest/globals';
import type { State } from '../../../src/state/state.ts';
import {
  accept,
  enqueue,
  type Received,
  type Receiver,
  seededRandom,
  startReceiver,
} from '../../core/webhook/support.ts';
import { describeWithPostgres, openPostgres, useCluster } from './support.ts';

const PROCESS = join(import.meta.dirname, 'delivering-process.ts');
const MACHINES = 4;
const DUE = 240;
const KILLS = 6;

describeWithPostgres('machines that send from one state', () => {
  const stage = useCluster();
  let opened: { close(): Promise<void> }[] = [];
  const running = new Set<ChildProcess>();

  afterEach(async () => {
    for (const child of running) child.kill('SIGKILL');
    await Promise.all([...running].map(child => once(child, 'exit')));
    for (const one of opened) await one.close();
    opened = [];
  });

  /** A state with deliveries of recordings 1 … `DUE`, and their receiver. */
  async function queued(answerAfterMs: number) {
    const url = stage.cluster.url(await stage.cluster.createDatabase());
    const state = await openPostgres({ url, machine: 'desk', sharedFolders: false, program: 'test' }, process.pid);
    const receiver = await startReceiver(async (request, response) => {
      await sleep(answerAfterMs);
      accept(request, response);
    });
    opened.push(state, receiver);
    await Promise.all(Array.from({ length: DUE }, (_, index) => enqueue(state, index + 1, { title: 'old' })));
    return { url, state, receiver };
  }

  function startMachine(name: string, url: string, receiver: Receiver): ChildProcess {
    const child = spawn(process.execPath, [PROCESS, url, name, receiver.url], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    running.add(child);
    child.once('exit', () => running.delete(child));
    return child;
  }

  async function allEnd(): Promise<void> {
    await Promise.all([...running].map(child => once(child, 'exit')));
  }

  const idOf = ({ body }: Received) => String(JSON.parse(body).recording_id);
  const tries = async ({ outbox }: State) =>
    (await outbox.list({})).map(({ state, attempts }) => `${state} ${attempts}`);

  test('send each delivery once', async () => {
    const { url, state, receiver } = await queued(0);
    for (let n = 0; n < MACHINES; n++) startMachine(`studio-${n}`, url, receiver);
    await allEnd();
    expect(receiver.received).toHaveLength(DUE);
    expect(new Set(receiver.received.map(idOf)).size).toBe(DUE);
    expect(new Set(await tries(state))).toEqual(new Set(['delivered 1']));
    expect((await state.overview.measures()).deliveries).toMatchObject([{ endpoint: 'default', count: DUE }]);
    expect((await state.overview.all({ limit: 1 })).counts).toMatchObject({ delivered: DUE, waiting: 0 });
  }, 120_000);

  test('lose none where some of them are killed; what is sent again was not recorded, and has the same id', async () => {
    const { url, state, receiver } = await queued(10);
    const random = seededRandom(7);
    for (let n = 0; n < MACHINES; n++) startMachine(`studio-${n}`, url, receiver);
    for (let killed = 0; killed < KILLS && running.size > 0; ) {
      const before = receiver.received.length;
      while (receiver.received.length === before && running.size > 0) await sleep(20);
      const victims = [...running];
      const victim = victims[Math.floor(random() * victims.length)];
      if (!victim?.kill('SIGKILL')) continue;
      await once(victim, 'exit');
      killed++;
      startMachine(`studio-again-${killed}`, url, receiver);
    }
    await allEnd();
    const received = Map.groupBy(receiver.received, idOf);
    expect(received.size).toBe(DUE);
    expect(new Set(await tries(state))).toEqual(new Set(['delivered 1']));
    const again = [...received.values()].filter(ones => ones.length > 1);
    // Each had at most four in flight.
    expect(again.length).toBeLessThanOrEqual(KILLS * 4);
    for (const ones of again) expect(new Set(ones.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  }, 120_000);

  test('send no older payload after a newer one that is queued meanwhile', async () => {
    const { url, state, receiver } = await queued(5);
    for (let n = 0; n < MACHINES; n++) startMachine(`studio-${n}`, url, receiver);
    for (let id = DUE; id > 0; id--) await enqueue(state, id, { title: 'new' });
    await allEnd();
    // What was queued after they had ended.
    startMachine('studio-last', url, receiver);
    await allEnd();
    const titles = Map.groupBy(receiver.received, idOf);
    for (const ones of titles.values()) {
      const order = ones.map(({ body }) => JSON.parse(body).title);
      expect(order).toEqual(order.length === 1 ? ['new'] : ['old', 'new']);
    }
    expect(titles.size).toBe(DUE);
  }, 120_000);
});

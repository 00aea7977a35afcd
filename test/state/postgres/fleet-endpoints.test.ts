import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { deliverWebhooks } from '../../../src/core/delivery/deliver-webhooks.ts';
import { createPoster } from '../../../src/core/webhook/post-webhook.ts';
import type { State } from '../../../src/state/state.ts';
import {
  accept,
  answerJson,
  endpointAt,
  enqueue,
  type Handler,
  type Receiver,
  startReceiver,
  virtualClock,
} from '../../core/webhook/support.ts';
import { ATTEMPT, claimAll } from '../conformance/facts.ts';
import { describeWithPostgres, openPostgres, useCluster } from './support.ts';

const MACHINES = 6;
const DUE = 40;

describeWithPostgres('the endpoint of a fleet', () => {
  const stage = useCluster();
  let machines: State[];
  let receiver: Receiver;
  let answer: Handler;
  let poster: ReturnType<typeof createPoster>;
  let clock: ReturnType<typeof virtualClock>;

  beforeEach(async () => {
    const url = stage.cluster.url(await stage.cluster.createDatabase());
    machines = [];
    for (let n = 0; n < MACHINES; n++) {
      const fleet = { url, machine: `studio-${n}`, sharedFolders: false, program: 'test' };
      machines.push(await openPostgres(fleet, 100 + n));
    }
    receiver = await startReceiver((request, response) => answer(request, response));
    poster = createPoster({ userAgent: 'test' });
    clock = virtualClock();
  });
  afterEach(async () => {
    for (const state of machines) await state.close();
    await receiver.close();
    poster.close();
  });

  const dead: Handler = (_, response) => answerJson(response, 500, {});
  const send = (state: State, more: { token?: string | undefined } = {}) =>
    deliverWebhooks(
      { due: 'due', held: false, trigger: 'retry' },
      {
        state,
        endpoints: [endpointAt(receiver.url, more)],
        post: poster.post,
        clock,
        random: () => 0.5,
        observer: () => {},
        concurrency: 8,
      },
    );
  const fill = () => Promise.all(Array.from({ length: DUE }, (_, id) => enqueue(machines[0]!, id)));
  /** How many POSTs arrive while this runs. */
  const posts = async (work: () => Promise<unknown>) => {
    const before = receiver.received.length;
    await work();
    return receiver.received.length - before;
  };

  test('gets three POSTs where its server is dead, not three from each machine', async () => {
    answer = dead;
    await fill();
    expect(await posts(() => send(machines[0]!))).toBe(3);
    const others = await Promise.all(machines.slice(1).map(state => send(state)));
    expect(receiver.received).toHaveLength(3);
    expect(others.map(({ endpoints }) => endpoints[0]?.stopped)).toEqual(Array(MACHINES - 1).fill('failing'));
  });

  test('gets one probe once its pause is over, from one machine; each failure makes the pause longer', async () => {
    answer = dead;
    await fill();
    await send(machines[0]!);
    clock.advance(5_000);
    expect(await posts(() => Promise.all(machines.map(state => send(state))))).toBe(1);
    clock.advance(5_000);
    expect(await posts(() => Promise.all(machines.map(state => send(state))))).toBe(0);
    clock.advance(5_000);
    expect(await posts(() => Promise.all(machines.map(state => send(state))))).toBe(1);
  });

  test('gets all that is due once a probe is answered well', async () => {
    answer = dead;
    await fill();
    await send(machines[0]!);
    clock.advance(5_000);
    answer = accept;
    await Promise.all(machines.map(state => send(state)));
    expect(await machines[0]!.outbox.counts()).toMatchObject([{ state: 'delivered', count: DUE }]);
    expect(receiver.received).toHaveLength(DUE + 3);
    expect(await posts(() => send(machines[1]!))).toBe(0);
    expect(await machines[2]!.circuits?.enter('default', clock.now())).toBe('closed');
  });

  test('is tried all the same where an operator asks', async () => {
    answer = dead;
    await fill();
    await send(machines[0]!);
    answer = accept;
    const [delivery] = await machines[1]!.outbox.list({ states: ['pending'] });
    const selection = { due: 'now', held: false, trigger: 'retry', deliverySeqs: [delivery!.seq] } as const;
    const deps = { state: machines[1]!, endpoints: [endpointAt(receiver.url)], post: poster.post, clock };
    const report = await deliverWebhooks(selection, {
      ...deps,
      random: () => 0.5,
      observer: () => {},
      concurrency: 8,
    });
    expect(report.deliveries).toMatchObject([{ outcome: 'delivered' }]);
    expect(await machines[2]!.circuits?.enter('default', clock.now())).toBe('closed');
  });

  test('keeps its deliveries for others where a machine has no token', async () => {
    answer = accept;
    await fill();
    const { endpoints } = await send(machines[0]!, { token: undefined });
    expect(endpoints).toMatchObject([{ sent: 0, stopped: 'no-token' }]);
    const kept = await machines[1]!.outbox.list({});
    expect(new Set(kept.map(({ state, attempts }) => `${state} ${attempts}`))).toEqual(new Set(['pending 0']));
    await send(machines[1]!);
    expect(receiver.received).toHaveLength(DUE);
  });

  describe('that refuses the tokens of some machines', () => {
    const refusal = { status: 'error', message: 'Invalid or missing authentication token' };
    const countOf = (token: string) =>
      receiver.received.filter(({ headers }) => headers['x-webhook-token'] === token).length;
    beforeEach(() => {
      answer = (request, response) =>
        request.headers['x-webhook-token'] === 'fake-good'
          ? accept(request, response)
          : answerJson(response, 401, refusal);
    });

    test('gets everything from the others, whoever runs first, and no second POST with a token that it refused', async () => {
      await fill();
      await send(machines[0]!, { token: 'fake-bad' });
      await Promise.all([
        send(machines[0]!, { token: 'fake-bad' }),
        send(machines[1]!, { token: 'fake-worse' }),
        send(machines[2]!, { token: 'fake-good' }),
      ]);
      for (let turn = 0; turn < 3; turn++) {
        await enqueue(machines[0]!, `later-${turn}`);
        await send(machines[0]!, { token: 'fake-bad' });
        await send(machines[1]!, { token: 'fake-worse' });
        await send(machines[2]!, { token: 'fake-good' });
      }
      expect(await machines[3]!.outbox.counts()).toMatchObject([{ state: 'delivered', count: DUE + 3 }]);
      expect(countOf('fake-bad')).toBeLessThanOrEqual(3);
      expect(countOf('fake-worse')).toBeLessThanOrEqual(1);
    });

    test('is said to refuse them on these machines, until each has another one', async () => {
      await fill();
      await send(machines[0]!, { token: 'fake-bad' });
      await send(machines[1]!, { token: 'fake-bad' });
      const state = () => machines[4]!.endpoints.get('default');
      expect(await state()).toMatchObject({ refusedOn: ['studio-0', 'studio-1'], hasSender: false });
      await send(machines[1]!, { token: 'fake-good' });
      expect(await state()).toMatchObject({ refusedOn: ['studio-0'], hasSender: true });
      const { endpoints } = await machines[4]!.overview.all({ limit: 1 });
      expect(endpoints).toMatchObject([{ reason: 'refuses the token of studio-0; others send its webhooks' }]);
      await send(machines[0]!, { token: 'fake-good' });
      expect(await state()).toMatchObject({ refusedOn: [], refusedAt: null });
    });

    test('wakes the others with each refusal: one may have a token that is good', async () => {
      const bell = new EventTarget();
      let heard = 0;
      const stop = machines[5]!.changes!.subscribe(() => {
        heard++;
        bell.dispatchEvent(new Event('heard'));
      });
      while (heard === 0) await once(bell, 'heard');
      await fill();
      const [claimed] = await claimAll(machines[0]!, clock.now(), { limit: 1 });
      while (heard < 2) await once(bell, 'heard');
      heard = 0;
      const consequence = { kind: 'refuse' as const, fingerprint: { hash: 'ab', salt: 'cd' } };
      const next = { state: 'held' as const, heldReason: 'refused' as const, retries: 0 };
      await machines[0]!.claims.settle({ delivery: claimed!, now: clock.now(), attempt: ATTEMPT, next, consequence });
      while (heard === 0) await once(bell, 'heard');
      expect(await machines[5]!.outbox.nextDue()).toMatchObject([
        { endpoint: 'default', refusedAt: expect.any(Number) },
      ]);
      stop();
    });

    test('and settles many refusals of many machines at once', async () => {
      await fill();
      const tokens = ['fake-bad', 'fake-worse', 'fake-good', 'fake-worst', 'fake-good', 'fake-bad'];
      await Promise.all(machines.map((state, n) => send(state, { token: tokens[n] })));
      await send(machines[2]!, { token: 'fake-good' });
      expect(await machines[3]!.outbox.counts()).toMatchObject([{ state: 'delivered', count: DUE }]);
    });
  });

  test('that refuses the token of all machines holds what waits for all of them', async () => {
    const refusal = { status: 'error', message: 'Invalid or missing authentication token' };
    answer = (_, response) => answerJson(response, 401, refusal);
    await fill();
    expect(await posts(() => send(machines[0]!))).toBeLessThanOrEqual(3);
    expect(await posts(() => Promise.all(machines.slice(1).map(state => send(state))))).toBe(0);
    expect(await machines[3]!.outbox.counts()).toMatchObject([{ state: 'held', heldReason: 'refused', count: DUE }]);
  });

  test('wakes who listens when something is due: a webhook wakes all, a folder its own machine', async () => {
    const heard: string[] = [];
    const bell = new EventTarget();
    const listening = machines.slice(0, 2).map((state, n) => {
      return state.changes!.subscribe(() => {
        heard.push(`studio-${n}`);
        bell.dispatchEvent(new Event('heard'));
      });
    });
    // Each is woken once when it begins to listen.
    while (new Set(heard).size < 2) await once(bell, 'heard');
    const next = async (count: number, work: () => Promise<unknown>) => {
      heard.length = 0;
      await work();
      while (heard.length < count) await once(bell, 'heard');
      return [...heard].sort();
    };
    expect(await next(2, () => enqueue(machines[5]!, 'x'))).toEqual(['studio-0', 'studio-1']);
    const asked = { webhook: true, force: false, finished: true };
    const entry = { dir: '/recordings/3', recordingId: '3', origin: 'enqueued' as const, asked };
    expect(await next(1, () => machines[1]!.queue.add([entry], clock.now()))).toEqual(['studio-1']);
    for (const stop of listening) stop();
  });

  test('machines are known by name, with what they do', async () => {
    await enqueue(machines[1]!, 'x');
    const candidates = await machines[1]!.claims.candidates({ endpoint: 'default', dueBy: undefined });
    await machines[1]!.claims.claim(candidates, 1, clock.now(), { restart: false });
    await machines[2]!.takeWorker(clock.now());
    await machines[3]!.takeWorker(clock.now());
    await machines[3]!.close();
    const known = await machines[0]!.overview.machines();
    expect(known).toMatchObject([
      { name: 'studio-1', version: 'test', isAlive: true, sending: 1, uploading: 0, recording: 0, worker: undefined },
      { name: 'studio-2', isAlive: true, sending: 0, worker: { pid: 102, since: clock.now() } },
      { name: 'studio-3', isAlive: false, since: null, worker: undefined },
    ]);
  });
});

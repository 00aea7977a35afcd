import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type DeliverDeps, deliverWebhooks, type Selection } from '../../../src/core/delivery/deliver-webhooks.ts';
import { MAY_ARRIVE_MS, mayArriveUntil } from '../../../src/core/delivery/in-flight.ts';
import type { CoreEvent } from '../../../src/core/events.ts';
import type { PostResult } from '../../../src/core/webhook/post-result.ts';
import { POST_TIMEOUT_MS } from '../../../src/core/webhook/post-timeout.ts';
import { ATTEMPT, claimAll, enqueue, NOW } from '../../state/conformance/facts.ts';
import { type VirtualClock, virtualClock } from '../storage/virtual-clock.ts';
import { confirmation, endpointAt, openTestState, seededRandom, type TestState } from '../webhook/support.ts';

const timings = { total: 1 };
const ANSWER = {
  kind: 'answer',
  body: '',
  contentType: 'application/json',
  truncated: false,
  retryAfter: undefined,
  date: undefined,
  location: undefined,
  timings,
} as const;

describe('a request may still reach the server', () => {
  const startedAt = NOW - 1_000;
  const until = (result: PostResult) => mayArriveUntil(result, startedAt, NOW);
  const network = { kind: 'network', what: 'reset', code: 'ECONNRESET', message: '', timings } as const;

  it.each([
    ['was interrupted', { kind: 'aborted', wasSent: true, timings }, startedAt + POST_TIMEOUT_MS + 5_000],
    ['met no response in time', { kind: 'timeout', timeoutMs: 30_000, wasSent: true, timings }, NOW + 5_000],
    ['lost its connection', { ...network, wasSent: true }, NOW + 5_000],
    ['was answered by a proxy that waited in vain', { ...ANSWER, status: 504 }, NOW + 5_000],
    ['was answered by a proxy that lost the server', { ...ANSWER, status: 502 }, NOW + 5_000],
  ] satisfies [string, PostResult, number][])('where it %s', (_, result, expected) => {
    expect(until(result)).toBe(expected);
  });

  it.each([
    ['was answered', { ...ANSWER, status: 201 }],
    ['was answered with an error', { ...ANSWER, status: 500 }],
    ['was interrupted before it had a connection', { kind: 'aborted', wasSent: false, timings }],
    ['met no server', { ...network, what: 'refused', wasSent: false }],
  ] satisfies [string, PostResult][])('no longer where it %s', (_, result) => {
    expect(until(result)).toBeUndefined();
  });
});

describe('a run with a payload that an older one keeps waiting', () => {
  let state: TestState;
  let clock: VirtualClock;
  let events: CoreEvent[];
  /** What the server got, and when. */
  let posted: { title: string; at: number }[];
  beforeEach(async () => {
    state = await openTestState();
    clock = virtualClock(NOW);
    events = [];
    posted = [];
  });
  afterEach(() => state.remove());

  const post = async ({ body }: { body: string }): Promise<PostResult> => {
    const { recording_id: id, title } = JSON.parse(body);
    posted.push({ title, at: clock.elapsed() });
    return { ...ANSWER, status: 201, body: JSON.stringify(confirmation(id)) };
  };
  const run = (selection: Partial<Selection> = {}, deps: Partial<DeliverDeps> = {}) =>
    deliverWebhooks(
      { due: 'due', held: false, trigger: 'upload', ...selection },
      {
        state,
        endpoints: [endpointAt('http://127.0.0.1:1/')],
        post,
        clock,
        random: seededRandom(),
        observer: event => events.push(event),
        concurrency: 8,
        ...deps,
      },
    );
  const waits = () => events.filter(({ type }) => type === 'webhook-waiting');
  /** Of two recordings, an old payload may still arrive; a new one of each is queued, and one of a third. */
  async function queueBehind(): Promise<number[]> {
    for (const id of [1, 2]) await enqueue(state, id, { title: 'old' });
    for (const [index, delivery] of (await claimAll(state)).entries()) {
      const attempt = { ...ATTEMPT, outcome: 'interrupted' as const, status: null };
      const mayArrive = NOW + (index + 1) * 10_000;
      await state.claims.settle({ delivery, now: NOW, attempt, mayArriveUntil: mayArrive });
    }
    const queued: number[] = [];
    for (const id of [1, 2, 3]) queued.push((await enqueue(state, id, { title: `new ${id}` }))[0]!.delivery.seq);
    return queued;
  }

  it('sends it once that one cannot arrive any more, and everything else first', async () => {
    await queueBehind();
    const { endpoints } = await run();
    expect(posted).toEqual([
      { title: 'new 3', at: 0 },
      { title: 'new 1', at: 10_000 },
      { title: 'new 2', at: 20_000 },
    ]);
    expect(waits()).toMatchObject([
      { recordingId: '1', endpoint: 'default', until: NOW + 10_000 },
      { recordingId: '2', endpoint: 'default', until: NOW + 20_000 },
    ]);
    expect(endpoints).toMatchObject([{ sent: 3, left: 0, busy: 0 }]);
  });

  it('and is interrupted says that it waits, and until when', async () => {
    const deliverySeqs = await queueBehind();
    const controller = new AbortController();
    clock.at(5_000, () => controller.abort(new Error('stop')));
    const { deliveries, endpoints } = await run({ deliverySeqs }, { signal: controller.signal });
    expect(posted).toEqual([{ title: 'new 3', at: 0 }]);
    const detail = 'it waits because an older payload may still be arriving; "recordupload retry" sends it then';
    expect(deliveries).toMatchObject([
      { recordingId: '3', outcome: 'delivered' },
      { recordingId: '1', outcome: 'pending', detail, nextAt: NOW + 10_000 },
      { recordingId: '2', outcome: 'pending', detail, nextAt: NOW + 20_000 },
    ]);
    expect(endpoints).toMatchObject([{ sent: 1, left: 2, stopped: 'interrupted' }]);
  });

  it('waits after its own time-out, too, and after an interruption', async () => {
    await enqueue(state, 1, { title: 'old' });
    const timeout = async (): Promise<PostResult> => ({ kind: 'timeout', timeoutMs: 30_000, wasSent: true, timings });
    await run({}, { post: timeout });
    await enqueue(state, 1, { title: 'new' });
    await run();
    await enqueue(state, 1, { title: 'newer' });
    await run({}, { post: async () => ({ kind: 'aborted', wasSent: true, timings }) });
    await enqueue(state, 1, { title: 'newest' });
    await run();
    expect(posted).toEqual([
      { title: 'new', at: 5_000 },
      { title: 'newest', at: 5_000 + MAY_ARRIVE_MS },
    ]);
  });

  it('does not wait for ever where the clock is set back meanwhile', async () => {
    await queueBehind();
    let back = 0;
    const set: typeof clock = { ...clock, now: () => clock.now() - back, sleep: clock.sleep };
    clock.at(5_000, () => {
      back = 365 * 86_400_000;
    });
    await run({ due: 'now' }, { clock: set });
    expect(posted).toHaveLength(3);
    expect(clock.elapsed()).toBeLessThan(3 * MAY_ARRIVE_MS);
  });
});

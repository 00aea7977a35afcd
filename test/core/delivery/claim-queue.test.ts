import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createClaimQueue, MAX_CLAIM_AGE_MS } from '../../../src/core/delivery/claim-queue.ts';
import type { DeliveryClaims } from '../../../src/core/delivery/claims.ts';
import type { ClaimedDelivery } from '../../../src/core/delivery/delivery.ts';
import { openTemporaryState } from '../../../src/state/open.ts';
import type { State } from '../../../src/state/state.ts';
import { claimAll, deliver, enqueue, NOW } from '../../state/conformance/facts.ts';
import { type VirtualClock, virtualClock } from '../storage/virtual-clock.ts';

const CONCURRENCY = 8;
/** A batch that takes this long to send is not quick. */
const SLOW_MS = 1_500;

let state: State;
let clock: VirtualClock;
/** How many deliveries each call to `claim` asked for, and how many candidates it passed. */
let asked: { limit: number; candidates: number }[];
beforeEach(async () => {
  state = await openTemporaryState();
  clock = virtualClock(NOW);
  asked = [];
});
afterEach(() => state.close());

async function queueOf(count: number, restart = false) {
  await Promise.all(Array.from({ length: count }, (_, index) => enqueue(state, index + 1)));
  const claims: DeliveryClaims = {
    ...state.claims,
    claim(candidates, limit, now, options) {
      asked.push({ limit, candidates: candidates.length });
      return state.claims.claim(candidates, limit, now, options);
    },
  };
  const candidates = await state.claims.candidates({ endpoint: 'default', dueBy: undefined });
  return createClaimQueue(candidates, { claims, clock, concurrency: CONCURRENCY, restart });
}

type Queue = Awaited<ReturnType<typeof queueOf>>;

/** All that are ready. */
function takeAll(queue: Queue): ClaimedDelivery[] {
  const taken: ClaimedDelivery[] = [];
  for (let next = queue.next(); next; next = queue.next()) taken.push(next);
  return taken;
}
const limits = () => asked.map(({ limit }) => limit);
/** How many another process could claim now. */
const free = async () => (await claimAll(state, clock.now(), { dueBy: Number.MAX_SAFE_INTEGER })).length;

describe('a batch', () => {
  test('doubles while batches are sent quickly, up to 128', async () => {
    const queue = await queueOf(600);
    for (let batch = 0; batch < 7; batch++) {
      await queue.refill({ cautious: undefined });
      expect(takeAll(queue)).toHaveLength(limits()[batch]!);
      clock.advance(10);
    }
    expect(limits()).toEqual([8, 16, 32, 64, 128, 128, 128]);
  });

  test('is as large as the concurrency again after a slow one', async () => {
    const queue = await queueOf(200);
    for (const durationMs of [10, 10, SLOW_MS, 10]) {
      await queue.refill({ cautious: undefined });
      takeAll(queue);
      clock.advance(durationMs);
    }
    await queue.refill({ cautious: undefined });
    expect(limits()).toEqual([8, 16, 32, 8, 16]);
  });

  test('is as small as a cautious caller wants it', async () => {
    const queue = await queueOf(200);
    for (const cautious of [3, 2, 1]) {
      await queue.refill({ cautious });
      expect(takeAll(queue)).toHaveLength(cautious);
    }
    await queue.refill({ cautious: undefined });
    expect(limits()).toEqual([3, 2, 1, 8]);
  });

  test('comes in the order of the candidates, each once', async () => {
    const queue = await queueOf(40);
    const sent: string[] = [];
    for (let turn = 0; turn < 10; turn++) {
      await queue.refill({ cautious: undefined });
      sent.push(...takeAll(queue).map(({ recordingId }) => recordingId));
    }
    expect(sent).toEqual(Array.from({ length: 40 }, (_, index) => String(index + 1)));
    expect(await queue.end()).toEqual({ left: 0, busy: 0 });
  });

  test('is not claimed while another one is ready', async () => {
    const queue = await queueOf(20);
    await queue.refill({ cautious: undefined });
    expect([queue.hasReady, queue.next()?.recordingId]).toEqual([true, '1']);
    await queue.refill({ cautious: undefined });
    expect(limits()).toEqual([8]);
    expect(takeAll(queue)).toHaveLength(7);
    expect(queue.hasReady).toBe(false);
  });

  test('looks past deliveries that are gone or busy, at most 512 in one transaction', async () => {
    const queue = await queueOf(1100);
    const claimed = await claimAll(state, NOW, { limit: 1095 });
    for (const delivery of claimed.slice(0, 100)) await deliver(state, delivery);
    await queue.refill({ cautious: undefined });
    expect(asked).toEqual([
      { limit: 8, candidates: 512 },
      { limit: 8, candidates: 512 },
      { limit: 8, candidates: 76 },
    ]);
    expect(takeAll(queue)).toHaveLength(5);
    expect(await queue.end()).toEqual({ left: 0, busy: 995 });
  });

  test('restarts the schedule of what an operator asked for', async () => {
    const queue = await queueOf(1, true);
    const [claimed] = await claimAll(state);
    const attempt = { trigger: 'retry', at: NOW, durationMs: 1, outcome: 'pending', status: 500 } as const;
    const tried = { ...attempt, error: null, excerpt: null };
    const next = { state: 'pending' as const, nextAt: NOW, retries: 5 };
    await state.claims.settle({ delivery: claimed!, now: NOW, attempt: tried, next });
    // Tried since the run looked: it is gone.
    await queue.refill({ cautious: undefined });
    expect(queue.hasReady).toBe(false);
    const again = await queueOf(0, true);
    await again.refill({ cautious: undefined });
    expect(again.next()).toMatchObject({ retries: 0, attempts: 1 });
  });
});

describe('a claim that has waited for too long', () => {
  test('is given back and made anew: its lease must outlast the POST', async () => {
    const queue = await queueOf(3);
    await queue.refill({ cautious: undefined });
    const first = queue.next();
    clock.advance(MAX_CLAIM_AGE_MS + 1);
    expect(queue.next()).toBeUndefined();
    await queue.refill({ cautious: undefined });
    const again = takeAll(queue);
    expect(again.map(({ recordingId }) => recordingId)).toEqual(['2', '3']);
    expect(again[0]!.claim).not.toBe(first!.claim);
    expect(await deliver(state, again[0]!, clock.now())).toBe(true);
    expect(await queue.end()).toEqual({ left: 0, busy: 0 });
  });

  test('is still good at the limit', async () => {
    const queue = await queueOf(1);
    await queue.refill({ cautious: undefined });
    clock.advance(MAX_CLAIM_AGE_MS);
    expect(queue.next()?.recordingId).toBe('1');
  });

  test('is free for other processes once the run ends', async () => {
    const queue = await queueOf(3);
    await queue.refill({ cautious: undefined });
    clock.advance(MAX_CLAIM_AGE_MS + 1);
    queue.next();
    expect(await queue.end()).toEqual({ left: 3, busy: 0 });
    expect(await free()).toBe(3);
  });
});

describe('deliveries that other processes are sending', () => {
  test('are looked at once more, once: their process may have died', async () => {
    const queue = await queueOf(3);
    const others = await claimAll(state, NOW, { limit: 2 });
    await queue.refill({ cautious: undefined });
    expect(takeAll(queue).map(({ recordingId }) => recordingId)).toEqual(['3']);
    await state.claims.release(others.slice(0, 1));
    expect(queue.lookAgain()).toBe(true);
    await queue.refill({ cautious: undefined });
    expect(takeAll(queue).map(({ recordingId }) => recordingId)).toEqual(['1']);
    expect(queue.lookAgain()).toBe(false);
    expect(await queue.end()).toEqual({ left: 0, busy: 1 });
  });

  test('are not looked for where there are none', async () => {
    const queue = await queueOf(1);
    await queue.refill({ cautious: undefined });
    takeAll(queue);
    expect(queue.lookAgain()).toBe(false);
  });
});

describe('the end of a run', () => {
  test('gives unused claims back, and counts what was not sent', async () => {
    const queue = await queueOf(20);
    await queue.refill({ cautious: undefined });
    const sending = [queue.next(), queue.next()];
    expect(await queue.end()).toEqual({ left: 18, busy: 0 });
    expect(queue.hasReady).toBe(false);
    expect(await free()).toBe(18);
    for (const delivery of sending) expect(await deliver(state, delivery!)).toBe(true);
  });

  test('before the first claim has nothing to give back', async () => {
    const queue = await queueOf(2);
    expect(await queue.end()).toEqual({ left: 2, busy: 0 });
    expect(asked).toEqual([]);
  });

  test('comes where nothing can be claimed because the database is away; all of it is left', async () => {
    await queueOf(3);
    const candidates = await state.claims.candidates({ endpoint: 'default', dueBy: undefined });
    const claims = { ...state.claims, claim: async () => [] };
    const queue = createClaimQueue(candidates, { claims, clock, concurrency: CONCURRENCY, restart: false });
    await queue.refill({ cautious: undefined });
    expect(queue.hasReady).toBe(false);
    expect(await queue.end()).toEqual({ left: 3, busy: 0 });
  });
});

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ClaimedDelivery } from '../../src/core/delivery/delivery.ts';
import { LEASE_MS } from '../../src/state/sqlite/delivery-claims.ts';
import { enqueue, openTestState, type TestState } from '../core/webhook/support.ts';

const NOW = Date.UTC(2026, 0, 1);
const HOUR = 3_600_000;
let state: TestState;
beforeEach(() => {
  state = openTestState();
});
afterEach(() => state.remove());

const attempt = {
  trigger: 'retry' as const,
  at: NOW,
  durationMs: 5,
  outcome: 'delivered' as const,
  status: 201,
  error: null,
  excerpt: null,
};

async function claimAll(now = NOW, endpoint = 'default', dueBy: number | undefined = now): Promise<ClaimedDelivery[]> {
  const { claims } = state.outbox;
  const results = await claims.claim(claims.candidates({ endpoint, dueBy }), 1000, now, { restart: false });
  return results.filter(result => typeof result === 'object').map(({ delivery }) => delivery);
}
function deliver({ seq, claim }: ClaimedDelivery, now = NOW): Promise<boolean> {
  return state.outbox.claims.settle({ seq, claim, now, attempt, next: { state: 'delivered' } });
}
const get = (seq: number) => state.outbox.deliveries.get(seq)!;

describe('queueing', () => {
  it('makes one delivery an endpoint, with an id of its own', async () => {
    const queued = enqueue(state, 3, { endpoints: ['default', 'backup'] });
    expect(queued.map(({ how, delivery }) => [how, delivery.endpoint, delivery.state])).toEqual([
      ['new', 'default', 'pending'],
      ['new', 'backup', 'pending'],
    ]);
    expect(new Set(queued.map(({ delivery }) => delivery.webhookId)).size).toBe(2);
    expect(queued[0]!.delivery.webhookId).toMatch(/^msg_[0-9a-f]{32}$/);
  });

  it('uses the row again while the content is the same, and says so once it is delivered', async () => {
    const [first] = enqueue(state, 3);
    expect(enqueue(state, 3)[0]).toMatchObject({ how: 'reused', delivery: { seq: first!.delivery.seq } });
    await deliver((await claimAll())[0]!);
    expect(enqueue(state, 3)[0]).toMatchObject({ how: 'already-delivered', delivery: { seq: first!.delivery.seq } });
  });

  it('supersedes older undelivered payloads of the recording, also held ones', async () => {
    const [a] = enqueue(state, 3, { title: 'a' });
    const [b] = enqueue(state, 3, { title: 'b' });
    const [claimed] = await claimAll();
    await state.outbox.claims.settle({
      ...claimed!,
      now: NOW,
      attempt,
      next: { state: 'held', heldReason: 'rejected', retries: 0 },
    });
    const [c] = enqueue(state, 3, { title: 'a' });
    expect([a, b, c].map(queued => get(queued!.delivery.seq).state)).toEqual(['superseded', 'superseded', 'pending']);
    expect(c!.how).toBe('new');
  });

  it('joins a transaction that is open, and goes with it', async () => {
    expect(() =>
      state.database.transaction(() => {
        enqueue(state, 3);
        throw new Error('the disk is gone');
      }),
    ).toThrow('the disk is gone');
    expect(state.outbox.deliveries.list({})).toEqual([]);
  });

  it('names the delivery that a full disk did not take', async () => {
    const pages = Number(state.database.sql.prepare('PRAGMA page_count').get()!.page_count);
    state.database.sql.exec(`PRAGMA max_page_count = ${pages}`);
    expect(() => enqueue(state, 3, { title: 'x'.repeat(100_000) })).toThrow(
      'the webhook delivery of recording 3 could not be stored: the disk of the state folder',
    );
    expect(state.outbox.deliveries.list({})).toEqual([]);
  });
});

describe('claims', () => {
  it('are exclusive until they are settled, released, or their lease is over', async () => {
    enqueue(state, 3);
    const [first] = await claimAll();
    expect(await claimAll()).toEqual([]);
    state.outbox.claims.release([first!]);
    const [second] = await claimAll();
    expect(await claimAll(NOW + LEASE_MS - 1)).toEqual([]);
    const [third] = await claimAll(NOW + LEASE_MS);
    expect(new Set([first, second, third].map(claimed => claimed!.claim)).size).toBe(3);
  });

  it('of a dead process are free at once', async () => {
    enqueue(state, 3);
    await claimAll();
    state.database.sql.exec(`UPDATE deliveries SET claimed_by = 'a-process-that-is-no-more'`);
    expect(await claimAll()).toEqual([]);
    state.outbox.claims.repair('default', NOW);
    expect(await claimAll()).toHaveLength(1);
  });

  it('from far in the future are void, and rows scheduled there are due: the clock had been wrong', async () => {
    enqueue(state, 3);
    const wrong = NOW + 365 * 24 * HOUR;
    const [claimed] = await claimAll(wrong);
    expect(await claimAll(NOW)).toHaveLength(1);
    const [again] = await claimAll(wrong + LEASE_MS);
    expect(again!.seq).toBe(claimed!.seq);
    const next = { state: 'pending' as const, nextAt: wrong + HOUR, retries: 1 };
    await state.outbox.claims.settle({ ...again!, now: wrong, attempt, next });
    expect(await claimAll(NOW)).toEqual([]);
    state.outbox.claims.repair('default', NOW);
    expect(await claimAll(NOW)).toHaveLength(1);
  });

  it('survive a small step back of the clock', async () => {
    enqueue(state, 3);
    await claimAll(NOW);
    expect(await claimAll(NOW - 2000, 'default', NOW)).toEqual([]);
  });

  it('let no late finisher overwrite; its try is in the history', async () => {
    enqueue(state, 3);
    const [slow] = await claimAll();
    const [fast] = await claimAll(NOW + LEASE_MS);
    expect(await deliver(fast!)).toBe(true);
    const late = { state: 'pending' as const, nextAt: NOW, retries: 1 };
    expect(
      await state.outbox.claims.settle({ ...slow!, now: NOW, attempt: { ...attempt, outcome: 'pending' }, next: late }),
    ).toEqual(false);
    const [{ delivery, attempts }] = state.outbox.deliveries.history('3') as [
      ReturnType<TestState['outbox']['deliveries']['history']>[0],
    ];
    expect(delivery).toMatchObject({ state: 'delivered', attempts: 2 });
    expect(attempts.map(({ number, outcome }) => [number, outcome])).toEqual([
      [1, 'delivered'],
      [2, 'pending'],
    ]);
  });

  it('never send a newer payload while the older one is under way, nor the older one after it', async () => {
    enqueue(state, 3, { title: 'old' });
    const [old] = await claimAll();
    const [queued] = enqueue(state, 3, { title: 'new' });
    expect(await claimAll()).toEqual([]);
    await state.outbox.claims.settle({
      ...old!,
      now: NOW,
      attempt,
      next: { state: 'pending', nextAt: NOW, retries: 1 },
    });
    expect(get(old!.seq).state).toBe('superseded');
    expect((await claimAll()).map(({ seq }) => seq)).toEqual([queued!.delivery.seq]);
  });

  it('skip what somebody else has tried since the run looked', async () => {
    enqueue(state, 3);
    const { claims } = state.outbox;
    const seen = claims.candidates({ endpoint: 'default', dueBy: undefined });
    const [other] = await claimAll();
    expect(await claims.claim(seen, 1, NOW, { restart: true })).toEqual(['busy']);
    await claims.settle({ ...other!, now: NOW, attempt, next: { state: 'pending', nextAt: NOW + HOUR, retries: 1 } });
    expect(await claims.claim(seen, 1, NOW, { restart: true })).toEqual(['gone']);
  });

  it('interrupted tries change nothing but the history', async () => {
    enqueue(state, 3);
    const [claimed] = await claimAll();
    await state.outbox.claims.settle({ ...claimed!, now: NOW, attempt: { ...attempt, outcome: 'interrupted' } });
    expect(get(claimed!.seq)).toMatchObject({ state: 'pending', retries: 0, attempts: 1, nextAt: NOW });
    expect(await claimAll()).toHaveLength(1);
  });
});

describe('endpoints', () => {
  const identity = { url: 'https://ops.example.org/', token: 'fake-token-for-tests', secrets: [] };

  it('that refused hold what waits, know what they refused, and keep no token', async () => {
    enqueue(state, 3, { endpoints: ['default', 'backup'] });
    const { endpoints, deliveries } = state.outbox;
    expect(endpoints.refuse('default', identity, NOW)).toBe(1);
    expect(deliveries.newest('3', 'default')).toMatchObject({ state: 'held', heldReason: 'refused' });
    expect(deliveries.newest('3', 'backup')).toMatchObject({ state: 'pending' });
    expect(endpoints.isRefused('default', { ...identity })).toBe(true);
    expect(endpoints.isRefused('default', { ...identity, token: 'fake-other-token' })).toBe(false);
    expect(endpoints.isRefused('default', { ...identity, url: 'https://new.example.org/' })).toBe(false);
    expect(endpoints.isRefused('backup', identity)).toBe(false);
    expect(JSON.stringify(state.database.sql.prepare('SELECT * FROM endpoints').all())).not.toContain('fake-token');
    expect(endpoints.releaseRefused('default', NOW)).toBe(1);
    expect(endpoints.get('default').refusedAt).toBeNull();
    expect(await claimAll()).toHaveLength(1);
  });

  it('are disabled until enabled', async () => {
    const { endpoints } = state.outbox;
    expect(endpoints.get('default')).toMatchObject({ disabledReason: null });
    endpoints.disable('default', 'the server answered 410', NOW);
    expect(endpoints.list()).toEqual([
      { name: 'default', disabledReason: 'the server answered 410', disabledAt: NOW, refusedAt: null },
    ]);
    endpoints.enable('default', NOW);
    expect(endpoints.get('default')).toMatchObject({ disabledReason: null, disabledAt: null });
  });
});

describe('looking after the outbox', () => {
  it('prunes delivered and superseded rows by age, never others', async () => {
    enqueue(state, 1);
    await deliver((await claimAll())[0]!, NOW);
    enqueue(state, 2, { title: 'old' });
    enqueue(state, 2, { title: 'new' });
    enqueue(state, 4);
    await deliver((await claimAll()).find(({ recordingId }) => recordingId === '4')!, NOW + HOUR);
    expect(state.outbox.deliveries.prune(NOW + 1)).toBe(2);
    expect(state.outbox.deliveries.list({}).map(d => [d.recordingId, d.state])).toEqual([
      ['2', 'pending'],
      ['4', 'delivered'],
    ]);
    expect(state.outbox.deliveries.history('1')).toEqual([]);
  });

  it('makes delivered ones due again for a replay, but never an older one behind a newer one', async () => {
    const [old] = enqueue(state, 3, { title: 'old' });
    await deliver((await claimAll())[0]!);
    const [current] = enqueue(state, 3, { title: 'current' });
    await deliver((await claimAll())[0]!);
    const seqs = [old!.delivery.seq, current!.delivery.seq];
    expect(state.outbox.deliveries.requeue(seqs, NOW)).toEqual([seqs[1]]);
    expect((await claimAll()).map(({ webhookId }) => webhookId)).toEqual([current!.delivery.webhookId]);
  });

  it('lists and counts', async () => {
    enqueue(state, 1, { endpoints: ['a', 'b'], now: NOW });
    enqueue(state, 2, { endpoints: ['a'], now: NOW + HOUR });
    const { deliveries } = state.outbox;
    expect(deliveries.counts().map(({ endpoint, state: s, count }) => [endpoint, s, count])).toEqual([
      ['a', 'pending', 2],
      ['b', 'pending', 1],
    ]);
    const ids = (filter: Parameters<typeof deliveries.list>[0]) =>
      deliveries.list(filter).map(d => `${d.recordingId}${d.endpoint}`);
    expect(ids({ endpoint: 'a' })).toEqual(['1a', '2a']);
    expect(ids({ since: NOW + 1 })).toEqual(['2a']);
    expect(ids({ until: NOW + HOUR, limit: 1 })).toEqual(['1a']);
    expect(ids({ states: ['held', 'delivered'] })).toEqual([]);
    expect(ids({ recordingId: '1', states: ['pending'] })).toEqual(['1a', '1b']);
  });
});

it('stays quick with 100,000 delivered rows: looking and claiming read no table in full', async () => {
  const { sql } = state.database;
  sql.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
    INSERT INTO deliveries (webhook_id, endpoint, recording_id, payload, content_hash, state, created_at, next_at, settled_at)
    SELECT 'w' || i, 'default', 'r' || i, '{}', 'h', 'delivered', ${NOW}, ${NOW}, ${NOW} FROM n`);
  for (let i = 0; i < 100; i++) enqueue(state, i);
  const startedAt = performance.now();
  for (let i = 0; i < 20; i++) {
    state.outbox.claims.repair('default', NOW);
    const claimed = await claimAll();
    expect(claimed).toHaveLength(100);
    state.outbox.claims.release(claimed);
  }
  expect(performance.now() - startedAt).toBeLessThan(1000);
});

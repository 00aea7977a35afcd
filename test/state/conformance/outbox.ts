import { describe, expect, test } from '@jest/globals';
import type { DeliveryFilter } from '../../../src/core/delivery/outbox.ts';
import { claimAll, deliver, enqueue, HOUR, hold, NOW } from './facts.ts';
import type { Stage } from './stage.ts';

/** The queue of deliveries. */
export function outboxConforms(stage: Stage): void {
  describe('queueing', () => {
    test('makes one delivery an endpoint, each with an id of its own', async () => {
      const queued = await enqueue(stage.state, 3, { endpoints: ['default', 'backup'] });
      expect(queued.map(({ how, delivery }) => [how, delivery.endpoint, delivery.state])).toEqual([
        ['new', 'default', 'pending'],
        ['new', 'backup', 'pending'],
      ]);
      expect(new Set(queued.map(({ delivery }) => delivery.webhookId)).size).toBe(2);
      expect(queued[0]!.delivery).toMatchObject({
        webhookId: expect.stringMatching(/^msg_[0-9a-f]{32}$/),
        recordingId: '3',
        heldReason: null,
        attempts: 0,
        retries: 0,
        createdAt: NOW,
        nextAt: NOW,
        settledAt: null,
      });
      expect(queued[1]!.delivery.seq).toBeGreaterThan(queued[0]!.delivery.seq);
    });

    test('reuses a delivery of the same content, and says so once it is delivered', async () => {
      const [first] = await enqueue(stage.state, 3);
      const { seq } = first!.delivery;
      expect((await enqueue(stage.state, 3))[0]).toMatchObject({ how: 'reused', delivery: { seq } });
      await deliver(stage.state, (await claimAll(stage.state))[0]!);
      expect((await enqueue(stage.state, 3))[0]).toMatchObject({ how: 'already-delivered', delivery: { seq } });
      expect((await enqueue(stage.state, 3, { force: true }))[0]).toMatchObject({ how: 'new' });
    });

    test('holds a payload that is not complete until another takes its place, whoever asks for it', async () => {
      const { outbox, claims } = stage.state;
      const [first] = await enqueue(stage.state, 3, { hold: 'no-email' });
      const { seq } = first!.delivery;
      expect(first!.delivery).toMatchObject({ state: 'held', heldReason: 'no-email', settledAt: NOW });
      expect(await claims.releaseHeld({ endpoint: 'default' }, NOW)).toBe(0);
      expect(await claims.releaseHeld({ endpoint: 'default', seqs: [seq] }, NOW)).toBe(0);
      expect(await outbox.requeue([seq], NOW)).toEqual([]);
      expect(await claimAll(stage.state)).toEqual([]);
      expect((await enqueue(stage.state, 3, { hold: 'no-email' }))[0]).toMatchObject({ how: 'reused' });
      await enqueue(stage.state, 3, { title: 'complete' });
      expect((await outbox.get(seq))?.state).toBe('superseded');
      expect(await claimAll(stage.state)).toHaveLength(1);
    });

    test('supersedes older undelivered payloads of the recording, also held ones', async () => {
      const { outbox } = stage.state;
      const [a] = await enqueue(stage.state, 3, { title: 'a' });
      const [b] = await enqueue(stage.state, 3, { title: 'b' });
      await hold(stage.state, (await claimAll(stage.state))[0]!);
      const [c] = await enqueue(stage.state, 3, { title: 'a', now: NOW + 7 });
      const found = await Promise.all([a, b, c].map(queued => outbox.get(queued!.delivery.seq)));
      expect(found.map(delivery => delivery?.state)).toEqual(['superseded', 'superseded', 'pending']);
      expect(found[1]).toMatchObject({ heldReason: null, settledAt: NOW + 7 });
      expect(c!.how).toBe('new');
    });

    test('leaves other recordings and other endpoints alone', async () => {
      await enqueue(stage.state, 3, { title: 'old', endpoints: ['default', 'backup'] });
      await enqueue(stage.state, 4, { title: 'old' });
      await enqueue(stage.state, 3, { title: 'new' });
      const states = (await stage.state.outbox.list({})).map(one => [one.recordingId, one.endpoint, one.state]);
      expect(states).toEqual([
        ['3', 'default', 'superseded'],
        ['3', 'backup', 'pending'],
        ['4', 'default', 'pending'],
        ['3', 'default', 'pending'],
      ]);
    });
  });

  describe('looking at the queue', () => {
    test('finds a delivery, the newest of a recording, and all with their attempts', async () => {
      const { outbox } = stage.state;
      const [old] = await enqueue(stage.state, 3, { title: 'old' });
      await deliver(stage.state, (await claimAll(stage.state))[0]!);
      const [current] = await enqueue(stage.state, 3, { title: 'new' });
      expect(await outbox.get(current!.delivery.seq)).toEqual(current!.delivery);
      expect(await outbox.get(999)).toBeUndefined();
      expect((await outbox.newest('3', 'default'))?.seq).toBe(current!.delivery.seq);
      expect(await outbox.newest('3', 'backup')).toBeUndefined();
      const history = await outbox.history('3');
      expect(history.map(({ delivery, attempts }) => [delivery.seq, attempts.length])).toEqual([
        [old!.delivery.seq, 1],
        [current!.delivery.seq, 0],
      ]);
      expect(history[0]!.attempts[0]).toMatchObject({ number: 1, at: NOW, durationMs: 5, status: 201 });
      expect(await outbox.history('4')).toEqual([]);
    });

    test('narrows by endpoint, recording, state and time, and counts', async () => {
      await enqueue(stage.state, 1, { endpoints: ['a', 'b'] });
      await enqueue(stage.state, 2, { endpoints: ['a'], now: NOW + HOUR });
      const { outbox } = stage.state;
      expect((await outbox.counts()).map(({ endpoint, state, count }) => [endpoint, state, count])).toEqual([
        ['a', 'pending', 2],
        ['b', 'pending', 1],
      ]);
      expect((await outbox.counts())[0]).toMatchObject({ heldReason: null, oldestAt: NOW, nextAt: NOW });
      const ids = async (filter: DeliveryFilter) =>
        (await outbox.list(filter)).map(one => `${one.recordingId}${one.endpoint}`);
      expect(await ids({ endpoint: 'a' })).toEqual(['1a', '2a']);
      expect(await ids({ since: NOW + 1 })).toEqual(['2a']);
      expect(await ids({ until: NOW + HOUR, limit: 1 })).toEqual(['1a']);
      expect(await ids({ states: ['held', 'delivered'] })).toEqual([]);
      expect(await ids({ recordingId: '1', states: ['pending'] })).toEqual(['1a', '1b']);
    });

    test('can leave out what a newer payload has followed', async () => {
      await enqueue(stage.state, 3, { title: 'old' });
      const [current] = await enqueue(stage.state, 3, { title: 'new' });
      const found = await stage.state.outbox.list({ newestOnly: true });
      expect(found.map(({ seq }) => seq)).toEqual([current!.delivery.seq]);
    });

    test('knows which endpoints have something waiting', async () => {
      await enqueue(stage.state, 1, { endpoints: ['a', 'b', 'c'] });
      await enqueue(stage.state, 2, { endpoints: ['b'] });
      await hold(stage.state, (await claimAll(stage.state, NOW, { endpoint: 'b' }))[0]!);
      await deliver(stage.state, (await claimAll(stage.state, NOW, { endpoint: 'c' }))[0]!);
      expect(await stage.state.outbox.waiting()).toEqual([
        { endpoint: 'a', count: 1 },
        { endpoint: 'b', count: 2 },
      ]);
    });
  });

  describe('a replay', () => {
    test('makes delivered and held ones due again, never one that a newer payload has followed', async () => {
      const { outbox } = stage.state;
      const [old] = await enqueue(stage.state, 3, { title: 'old' });
      await deliver(stage.state, (await claimAll(stage.state))[0]!);
      const [current] = await enqueue(stage.state, 3, { title: 'current' });
      await deliver(stage.state, (await claimAll(stage.state))[0]!);
      const [held] = await enqueue(stage.state, 4);
      await hold(stage.state, (await claimAll(stage.state))[0]!);
      const seqs = [old, current, held].map(queued => queued!.delivery.seq);
      expect(await outbox.requeue(seqs, NOW + HOUR)).toEqual(seqs.slice(1));
      expect(await outbox.requeue(seqs, NOW + HOUR)).toEqual([]);
      expect(await outbox.get(seqs[2]!)).toMatchObject({
        state: 'pending',
        heldReason: null,
        settledAt: null,
        nextAt: NOW + HOUR,
        retries: 0,
      });
      const due = await claimAll(stage.state, NOW + HOUR);
      expect(due.map(({ webhookId }) => webhookId)).toEqual([current!, held!].map(one => one.delivery.webhookId));
    });
  });

  describe('pruning', () => {
    test('removes delivered and superseded deliveries by age, never others', async () => {
      const { outbox, housekeeping } = stage.state;
      await enqueue(stage.state, 1);
      await deliver(stage.state, (await claimAll(stage.state))[0]!, NOW);
      await enqueue(stage.state, 2, { title: 'old' });
      await enqueue(stage.state, 2, { title: 'new' });
      await enqueue(stage.state, 4);
      const claimed = await claimAll(stage.state);
      await deliver(stage.state, claimed.find(({ recordingId }) => recordingId === '4')!, NOW + HOUR);
      const options = { settledBefore: NOW + 1, now: NOW };
      expect(await housekeeping.prune({ ...options, dryRun: true })).toMatchObject({ deliveries: 2, deadOwners: 0 });
      expect(await outbox.list({})).toHaveLength(4);
      expect(await housekeeping.prune({ ...options, dryRun: false })).toMatchObject({ deliveries: 2, setAside: [] });
      expect((await outbox.list({})).map(one => [one.recordingId, one.state])).toEqual([
        ['2', 'pending'],
        ['4', 'delivered'],
      ]);
      expect(await outbox.history('1')).toEqual([]);
    });

    test('remembers what was delivered: the same content is not queued again, other content is', async () => {
      const { housekeeping } = stage.state;
      const pruneAll = () => housekeeping.prune({ settledBefore: NOW + HOUR, now: NOW, dryRun: false });
      for (const title of ['old', 'new']) {
        await enqueue(stage.state, 1, { title });
        await deliver(stage.state, (await claimAll(stage.state))[0]!);
        await pruneAll();
      }
      expect((await enqueue(stage.state, 1, { title: 'new' }))[0]).toMatchObject({
        how: 'already-delivered',
        delivery: { recordingId: '1', state: 'delivered', settledAt: NOW },
      });
      expect((await enqueue(stage.state, 1, { title: 'old' }))[0]?.how).toBe('new');
      await pruneAll();
      expect((await enqueue(stage.state, 2, { title: 'new' }))[0]?.how).toBe('new');
      expect((await enqueue(stage.state, 1, { title: 'new', endpoints: ['other'] }))[0]?.how).toBe('new');
    });

    test('is due once in a while: again after a failure, later after a success, and after a clock that was wrong', async () => {
      const { housekeeping } = stage.state;
      const turn = (now: number) => housekeeping.takeTurn({ everyMs: 24 * HOUR, againMs: HOUR, now });
      expect(await turn(NOW)).toBe(true);
      expect(await turn(NOW + HOUR - 1)).toBe(false);
      expect(await turn(NOW + HOUR)).toBe(true);
      await housekeeping.noteTidied(NOW + HOUR);
      expect(await turn(NOW + 3 * HOUR)).toBe(false);
      expect(await turn(NOW + 25 * HOUR)).toBe(true);
      expect(await turn(NOW - 24 * HOUR)).toBe(true);
    });

    test('is done by one of several that ask at the same time', async () => {
      const { housekeeping } = stage.state;
      const turns = Array.from({ length: 4 }, () => housekeeping.takeTurn({ everyMs: HOUR, againMs: HOUR, now: NOW }));
      expect((await Promise.all(turns)).filter(Boolean)).toHaveLength(1);
    });

    test('the same content is queued again all the same where an operator forces it', async () => {
      await enqueue(stage.state, 1);
      await deliver(stage.state, (await claimAll(stage.state))[0]!);
      await stage.state.housekeeping.prune({ settledBefore: NOW + HOUR, now: NOW, dryRun: false });
      expect((await enqueue(stage.state, 1, { force: true }))[0]?.how).toBe('new');
    });
  });
}

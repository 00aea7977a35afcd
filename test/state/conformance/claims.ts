import { describe, expect, test } from '@jest/globals';
import { LEASE_MS } from '../../../src/core/delivery/claims.ts';
import { ATTEMPT, claimAll, claimedOf, deliver, enqueue, HOUR, hold, NOW } from './facts.ts';
import type { Stage } from './stage.ts';

const pendingAt = (nextAt: number, retries = 1) => ({ state: 'pending' as const, nextAt, retries });

/** Taking deliveries out of the queue, and recording how that ended. */
export function claimsConform(stage: Stage): void {
  describe('candidates', () => {
    test('are those that are due, the one due longest first; or all that are pending', async () => {
      const { claims } = stage.state;
      const later = (await enqueue(stage.state, 1, { now: NOW + 5 }))[0]!.delivery.seq;
      const first = (await enqueue(stage.state, 2, { now: NOW }))[0]!.delivery.seq;
      const future = (await enqueue(stage.state, 3, { now: NOW + HOUR }))[0]!.delivery.seq;
      await enqueue(stage.state, 4, { endpoints: ['backup'] });
      const seqs = async (more: object, dueBy: number | undefined) =>
        (await claims.candidates({ endpoint: 'default', dueBy, ...more })).map(({ seq }) => seq);
      expect(await seqs({}, NOW + 10)).toEqual([first, later]);
      expect(await seqs({}, undefined)).toEqual([first, later, future]);
      expect(await seqs({ seqs: [future, first, 999] }, undefined)).toEqual([future, first]);
      expect(await seqs({ seqs: [future, first] }, NOW)).toEqual([first]);
      expect(await seqs({ recordingIds: ['3', '1', '4'] }, undefined)).toEqual([future, later]);
    });
  });

  describe('claims', () => {
    test('are exclusive until they are released, or their lease is over', async () => {
      await enqueue(stage.state, 3);
      const [first] = await claimAll(stage.state);
      expect(await claimAll(stage.state)).toEqual([]);
      await stage.state.claims.release([first!]);
      const [second] = await claimAll(stage.state);
      expect(await claimAll(stage.state, NOW + LEASE_MS - 1)).toEqual([]);
      const [third] = await claimAll(stage.state, NOW + LEASE_MS);
      expect(new Set([first, second, third].map(claimed => claimed!.claim)).size).toBe(3);
      await stage.state.claims.release([second!]);
      expect(await claimAll(stage.state, NOW + LEASE_MS)).toEqual([]);
    });

    test('stop at the limit, in order, with one result for each that was looked at', async () => {
      for (const id of [1, 2, 3, 4]) await enqueue(stage.state, id);
      const { claims } = stage.state;
      const candidates = await claims.candidates({ endpoint: 'default', dueBy: NOW });
      await claims.claim(candidates.slice(0, 1), 1, NOW, { restart: false });
      const results = await claims.claim(candidates, 2, NOW, { restart: false });
      expect(results.map(result => (typeof result === 'object' ? claimedOf(result).seq : result))).toEqual([
        'busy',
        candidates[1]!.seq,
        candidates[2]!.seq,
      ]);
    });

    test('restart the schedule where an operator asks for it', async () => {
      await enqueue(stage.state, 3);
      const { claims } = stage.state;
      const [claimed] = await claimAll(stage.state);
      await claims.settle({ delivery: claimed!, now: NOW, attempt: ATTEMPT, next: pendingAt(NOW, 4) });
      const candidates = await claims.candidates({ endpoint: 'default', dueBy: NOW });
      const [again] = await claims.claim(candidates, 1, NOW, { restart: true });
      expect(again).toMatchObject({ delivery: { retries: 0, attempts: 1 } });
    });

    test('from far in the future are void, and deliveries scheduled there are due: the clock had been wrong', async () => {
      await enqueue(stage.state, 3);
      const { claims } = stage.state;
      const wrong = NOW + 365 * 24 * HOUR;
      const [claimed] = await claimAll(stage.state, wrong);
      expect(await claimAll(stage.state)).toHaveLength(1);
      const [again] = await claimAll(stage.state, wrong + LEASE_MS);
      expect(again!.seq).toBe(claimed!.seq);
      await claims.settle({ delivery: again!, now: wrong, attempt: ATTEMPT, next: pendingAt(wrong + HOUR) });
      expect(await claimAll(stage.state)).toEqual([]);
      await claims.repair('default', NOW);
      expect(await claimAll(stage.state)).toHaveLength(1);
    });

    test('survive a small step back of the clock', async () => {
      await enqueue(stage.state, 3);
      await claimAll(stage.state);
      expect(await claimAll(stage.state, NOW - 2000, { dueBy: NOW })).toEqual([]);
    });

    test('never hold a newer payload while the older one is being sent, nor the older one after it', async () => {
      await enqueue(stage.state, 3, { title: 'old' });
      const [old] = await claimAll(stage.state);
      const [queued] = await enqueue(stage.state, 3, { title: 'new' });
      expect(await claimAll(stage.state)).toEqual([]);
      const { claims, outbox } = stage.state;
      await claims.settle({ delivery: old!, now: NOW, attempt: ATTEMPT, next: pendingAt(NOW) });
      expect((await outbox.get(old!.seq))?.state).toBe('superseded');
      expect((await claimAll(stage.state)).map(({ seq }) => seq)).toEqual([queued!.delivery.seq]);
    });

    test('skip what was tried since the run looked', async () => {
      await enqueue(stage.state, 3);
      const { claims } = stage.state;
      const seen = await claims.candidates({ endpoint: 'default', dueBy: undefined });
      const [other] = await claimAll(stage.state);
      expect(await claims.claim(seen, 1, NOW, { restart: true })).toEqual(['busy']);
      await claims.settle({ delivery: other!, now: NOW, attempt: ATTEMPT, next: pendingAt(NOW + HOUR) });
      expect(await claims.claim(seen, 1, NOW, { restart: true })).toEqual(['gone']);
    });
  });

  describe('settling', () => {
    test('stores the state, the try and the schedule', async () => {
      await enqueue(stage.state, 3);
      const { claims, outbox } = stage.state;
      const [claimed] = await claimAll(stage.state);
      const attempt = { ...ATTEMPT, outcome: 'pending' as const, status: null, error: 'no answer', excerpt: 'x' };
      const next = pendingAt(NOW + HOUR, 3);
      expect(await claims.settle({ delivery: claimed!, now: NOW, attempt, next })).toBe(true);
      const [{ delivery, attempts } = { delivery: undefined, attempts: undefined }] = await outbox.history('3');
      expect(delivery).toMatchObject({
        state: 'pending',
        nextAt: NOW + HOUR,
        retries: 3,
        attempts: 1,
        settledAt: null,
      });
      expect(attempts).toEqual([{ number: 1, ...attempt }]);
      const [again] = await claimAll(stage.state, NOW + HOUR);
      await hold(stage.state, again!, NOW + HOUR);
      const held = { state: 'held', heldReason: 'rejected', settledAt: NOW + HOUR, attempts: 2 };
      expect(await outbox.get(claimed!.seq)).toMatchObject(held);
    });

    test('by a late finisher changes nothing; its try is in the history', async () => {
      await enqueue(stage.state, 3);
      const { claims, outbox } = stage.state;
      const [slow] = await claimAll(stage.state);
      const [fast] = await claimAll(stage.state, NOW + LEASE_MS);
      expect(await deliver(stage.state, fast!)).toBe(true);
      const attempt = { ...ATTEMPT, outcome: 'pending' as const };
      const late = { delivery: slow!, now: NOW, attempt, next: pendingAt(NOW) };
      expect(await claims.settle({ ...late, consequence: { kind: 'disable', reason: 'gone' } })).toBe(false);
      const [{ delivery, attempts } = { delivery: undefined, attempts: [] }] = await outbox.history('3');
      expect(delivery).toMatchObject({ state: 'delivered', attempts: 2 });
      expect(attempts.map(({ number, outcome }) => [number, outcome])).toEqual([
        [1, 'delivered'],
        [2, 'pending'],
      ]);
      expect((await stage.state.endpoints.get('default')).disabledReason).toBeNull();
    });

    test('a superseded delivery as delivered says so: the server has it', async () => {
      await enqueue(stage.state, 3, { title: 'old' });
      const [old] = await claimAll(stage.state);
      await enqueue(stage.state, 3, { title: 'new' });
      await deliver(stage.state, old!);
      expect((await stage.state.outbox.get(old!.seq))?.state).toBe('delivered');
    });

    test('an interrupted try changes nothing but the history', async () => {
      await enqueue(stage.state, 3);
      const { claims, outbox } = stage.state;
      const [claimed] = await claimAll(stage.state);
      await claims.settle({ delivery: claimed!, now: NOW, attempt: { ...ATTEMPT, outcome: 'interrupted' } });
      expect(await outbox.get(claimed!.seq)).toMatchObject({ state: 'pending', retries: 0, attempts: 1, nextAt: NOW });
      expect(await claimAll(stage.state)).toHaveLength(1);
    });

    test('what was pruned in the meantime does nothing', async () => {
      await enqueue(stage.state, 3);
      const [claimed] = await claimAll(stage.state);
      await enqueue(stage.state, 3, { title: 'new' });
      await stage.state.housekeeping.prune({ settledBefore: NOW + 1, now: NOW + LEASE_MS, dryRun: false });
      expect(await deliver(stage.state, claimed!)).toBe(false);
      expect(await stage.state.outbox.history('3')).toHaveLength(1);
    });
  });

  describe('held deliveries', () => {
    test('become pending and due where an operator asks: all, those of recordings, or single ones', async () => {
      const ids = ['1', '2', '3'];
      for (const id of ids) await enqueue(stage.state, id);
      const { claims, outbox } = stage.state;
      const holdAll = async () => {
        for (const claimed of await claimAll(stage.state, NOW + HOUR)) await hold(stage.state, claimed);
      };
      const pending = async () => (await outbox.list({ states: ['pending'] })).map(({ recordingId }) => recordingId);
      await holdAll();
      const later = NOW + HOUR;
      expect(await claims.releaseHeld({ endpoint: 'default', recordingIds: ['2', '9'] }, later)).toBe(1);
      expect(await pending()).toEqual(['2']);
      const third = (await outbox.newest('3', 'default'))!.seq;
      expect(await claims.releaseHeld({ endpoint: 'default', seqs: [third] }, later)).toBe(1);
      expect(await pending()).toEqual(['2', '3']);
      expect(await outbox.get(third)).toMatchObject({ heldReason: null, nextAt: later, retries: 0, settledAt: null });
      await holdAll();
      expect(await claims.releaseHeld({ endpoint: 'backup' }, later)).toBe(0);
      expect(await claims.releaseHeld({ endpoint: 'default' }, later)).toBe(3);
      expect(await pending()).toEqual(ids);
    });
  });
}

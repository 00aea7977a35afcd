import { describe, expect, test } from '@jest/globals';
import type { Consequence } from '../../../src/core/delivery/claims.ts';
import { ATTEMPT, claimAll, enqueue, HOUR, NOW } from './facts.ts';
import type { Stage } from './stage.ts';

const NO_REFUSAL = { refusedOn: [], hasSender: false };

/** The endpoints' memory, and what settling a try means for an endpoint. */
export function endpointsConform(stage: Stage): void {
  /** One delivery's try ends with this, and the delivery is held for it. */
  const settleWith = async (consequence: Consequence, endpoint = 'default') => {
    const [claimed] = await claimAll(stage.state, NOW, { endpoint, limit: 1 });
    const heldReason = consequence.kind === 'refuse' ? ('refused' as const) : ('disabled' as const);
    await stage.state.claims.settle({
      delivery: claimed!,
      now: NOW,
      attempt: ATTEMPT,
      next: { state: 'held', heldReason, retries: 0 },
      consequence,
    });
  };
  const [bad, worse, good] = ['ab', 'cd', 'ef'].map(hash => ({ hash, salt: '01' }));
  const refusalOf = (token = bad!): Consequence => ({ kind: 'refuse', fingerprint: token });
  const reasons = async () => (await stage.state.outbox.list({})).map(({ state, heldReason }) => heldReason ?? state);

  describe('an endpoint', () => {
    test('of which nothing is remembered is enabled and not refused', async () => {
      const { endpoints } = stage.state;
      const state = { name: 'default', disabledReason: null, disabledAt: null, refusedAt: null, ...NO_REFUSAL };
      expect(await endpoints.get('default')).toEqual(state);
      expect(await endpoints.refusals('default')).toEqual([]);
      expect(await endpoints.list()).toEqual([]);
    });

    test('that refused holds what waits, and what is queued later, until the token is another one', async () => {
      for (const id of [1, 2]) await enqueue(stage.state, id, { endpoints: ['default', 'backup'] });
      const { endpoints, outbox } = stage.state;
      await settleWith(refusalOf());
      expect(await endpoints.refusals('default')).toEqual([bad]);
      expect(await endpoints.refusals('backup')).toEqual([]);
      expect(await endpoints.get('default')).toMatchObject({
        refusedAt: NOW,
        refusedOn: [expect.any(String)],
        hasSender: false,
      });
      const held = await outbox.list({ states: ['held'] });
      expect(held.map(one => [one.recordingId, one.endpoint, one.heldReason])).toEqual([
        ['1', 'default', 'refused'],
        ['2', 'default', 'refused'],
      ]);
      await enqueue(stage.state, 3);
      expect(await endpoints.leaveToOthers('default', [bad!], NOW)).toBe(1);
      expect(await endpoints.useToken('default', [good!], NOW + 1)).toBe(3);
      expect(await endpoints.get('default')).toMatchObject({ refusedAt: null, refusedOn: [] });
      expect(await claimAll(stage.state, NOW + 1)).toHaveLength(3);
    });

    test('that refused one token leaves all to who has another one, and again what it refuses later', async () => {
      for (const id of [1, 2, 3]) await enqueue(stage.state, id);
      const { endpoints, outbox } = stage.state;
      await settleWith(refusalOf());
      expect(await endpoints.useToken('default', [good!], NOW)).toBe(3);
      expect(await endpoints.leaveToOthers('default', [bad!], NOW)).toBe(0);
      expect(await reasons()).toEqual(['pending', 'pending', 'pending']);
      expect(await endpoints.get('default')).toMatchObject({
        refusedAt: NOW,
        refusedOn: [expect.any(String)],
        hasSender: true,
      });
      // A third one tries, and is refused: the delivery that met it is due for the others.
      await settleWith(refusalOf(worse));
      expect(await reasons()).toEqual(['pending', 'pending', 'pending']);
      expect(await outbox.list({ states: ['pending'] })).toMatchObject([{ attempts: 2 }, {}, {}]);
      expect(await endpoints.refusals('default')).toEqual([bad, worse]);
    });

    test('that refused every token holds what waits, and forgets none of them', async () => {
      for (const id of [1, 2]) await enqueue(stage.state, id);
      const { endpoints } = stage.state;
      await settleWith(refusalOf());
      await endpoints.useToken('default', [worse!], NOW);
      await settleWith(refusalOf(worse));
      expect(await reasons()).toEqual(['refused', 'refused']);
      expect(await endpoints.leaveToOthers('default', [bad!], NOW)).toBe(0);
      expect(await endpoints.refusals('default')).toEqual([bad, worse]);
      expect(await endpoints.get('default')).toMatchObject({ refusedOn: [expect.any(String)], hasSender: false });
      // The server accepts one again.
      expect(await endpoints.useToken('default', [worse!], NOW)).toBe(2);
      expect(await endpoints.refusals('default')).toEqual([bad]);
    });

    test('whose last good token is refused, too, holds what waits', async () => {
      for (const id of [1, 2]) await enqueue(stage.state, id);
      await settleWith(refusalOf());
      await stage.state.endpoints.useToken('default', [good!], NOW);
      await settleWith(refusalOf(good));
      expect(await reasons()).toEqual(['refused', 'refused']);
    });

    test('counts on nobody who has not looked for more than a day', async () => {
      await enqueue(stage.state, 1);
      const { endpoints } = stage.state;
      await settleWith(refusalOf());
      await endpoints.useToken('default', [good!], NOW);
      const later = NOW + 26 * HOUR;
      expect(await endpoints.leaveToOthers('default', [bad!], later)).toBe(1);
      expect(await endpoints.get('default')).toMatchObject({ refusedAt: NOW, hasSender: false });
    });

    test('says when it refused the last token that somebody still has', async () => {
      await enqueue(stage.state, 1);
      await settleWith(refusalOf());
      const { endpoints, outbox } = stage.state;
      expect(await outbox.nextDue()).toEqual([{ endpoint: 'default', refusedAt: NOW }]);
      await endpoints.useToken('default', [good!], NOW);
      const due = { endpoint: 'default', nextAt: NOW };
      expect(await outbox.nextDue()).toEqual(expect.arrayContaining([due]));
      // The server accepts it again.
      await endpoints.useToken('default', [bad!], NOW);
      expect(await outbox.nextDue()).toEqual([due]);
    });

    test('is disabled by a 410 or an operator until it is enabled; that releases what the 410 held', async () => {
      for (const id of [1, 2]) await enqueue(stage.state, id);
      const { endpoints, outbox } = stage.state;
      await settleWith({ kind: 'disable', reason: 'the server answered 410' });
      await endpoints.disable('backup', 'by an operator', NOW + 1);
      expect(await endpoints.list()).toEqual([
        { name: 'backup', disabledReason: 'by an operator', disabledAt: NOW + 1, refusedAt: null, ...NO_REFUSAL },
        { name: 'default', disabledReason: 'the server answered 410', disabledAt: NOW, refusedAt: null, ...NO_REFUSAL },
      ]);
      expect((await outbox.list({})).map(({ state }) => state)).toEqual(['held', 'pending']);
      expect(await endpoints.enable('default', NOW + 2)).toBe(1);
      expect(await endpoints.get('default')).toMatchObject({ disabledReason: null, disabledAt: null });
      expect((await outbox.list({})).map(({ state }) => state)).toEqual(['pending', 'pending']);
      expect(await endpoints.enable('unknown', NOW)).toBe(0);
    });
  });
}

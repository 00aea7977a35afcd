import { describe, expect, test } from '@jest/globals';
import type { Consequence } from '../../../src/core/delivery/claims.ts';
import { ATTEMPT, claimAll, enqueue, NOW } from './facts.ts';
import type { Stage } from './stage.ts';

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
  const refuse: Consequence = { kind: 'refuse', fingerprint: { hash: 'ab', salt: 'cd' } };

  describe('an endpoint', () => {
    test('of which nothing is remembered is enabled and not refused', async () => {
      const { endpoints } = stage.state;
      const state = { name: 'default', disabledReason: null, disabledAt: null, refusedAt: null };
      expect(await endpoints.get('default')).toEqual(state);
      expect(await endpoints.refusal('default')).toBeUndefined();
      expect(await endpoints.list()).toEqual([]);
    });

    test('that refused holds what waits, and what is queued later, until the refusal is forgotten', async () => {
      for (const id of [1, 2]) await enqueue(stage.state, id, { endpoints: ['default', 'backup'] });
      const { endpoints, outbox } = stage.state;
      await settleWith(refuse);
      expect(await endpoints.refusal('default')).toEqual({ hash: 'ab', salt: 'cd' });
      expect(await endpoints.refusal('backup')).toBeUndefined();
      expect((await endpoints.get('default')).refusedAt).toBe(NOW);
      const held = await outbox.list({ states: ['held'] });
      expect(held.map(one => [one.recordingId, one.endpoint, one.heldReason])).toEqual([
        ['1', 'default', 'refused'],
        ['2', 'default', 'refused'],
      ]);
      await enqueue(stage.state, 3);
      expect(await endpoints.holdRefused('default', NOW)).toBe(1);
      expect(await endpoints.releaseRefused('default', NOW + 1)).toBe(3);
      expect((await endpoints.get('default')).refusedAt).toBeNull();
      expect(await endpoints.refusal('default')).toBeUndefined();
      expect(await claimAll(stage.state, NOW + 1)).toHaveLength(3);
    });

    test('that refused again remembers the last refusal', async () => {
      await enqueue(stage.state, 1);
      await settleWith(refuse);
      await stage.state.endpoints.releaseRefused('default', NOW);
      await settleWith({ kind: 'refuse', fingerprint: { hash: 'ef', salt: '01' } });
      expect(await stage.state.endpoints.refusal('default')).toEqual({ hash: 'ef', salt: '01' });
    });

    test('is disabled by a 410 or an operator until it is enabled; that releases what the 410 held', async () => {
      for (const id of [1, 2]) await enqueue(stage.state, id);
      const { endpoints, outbox } = stage.state;
      await settleWith({ kind: 'disable', reason: 'the server answered 410' });
      await endpoints.disable('backup', 'by an operator', NOW + 1);
      expect(await endpoints.list()).toEqual([
        { name: 'backup', disabledReason: 'by an operator', disabledAt: NOW + 1, refusedAt: null },
        { name: 'default', disabledReason: 'the server answered 410', disabledAt: NOW, refusedAt: null },
      ]);
      expect((await outbox.list({})).map(({ state }) => state)).toEqual(['held', 'pending']);
      expect(await endpoints.enable('default', NOW + 2)).toBe(1);
      expect(await endpoints.get('default')).toMatchObject({ disabledReason: null, disabledAt: null });
      expect((await outbox.list({})).map(({ state }) => state)).toEqual(['pending', 'pending']);
      expect(await endpoints.enable('unknown', NOW)).toBe(0);
    });
  });
}

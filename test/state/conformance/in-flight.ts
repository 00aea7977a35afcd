import { describe, expect, test } from '@jest/globals';
import { type ClaimResult, LEASE_MS } from '../../../src/core/delivery/claims.ts';
import type { ClaimedDelivery } from '../../../src/core/delivery/delivery.ts';
import { MAY_ARRIVE_MS } from '../../../src/core/delivery/in-flight.ts';
import type { State } from '../../../src/state/state.ts';
import { ATTEMPT, claimAll, claimedOf, deliver, enqueue, HOUR, NOW } from './facts.ts';
import type { Stage } from './stage.ts';

const UNTIL = NOW + 20_000;

/** A newer payload waits until an older one cannot reach the server any more. */
export function inFlightConforms(stage: Stage): void {
  describe('a payload whose request may still reach the server', () => {
    /** Claims what is pending of recording 3. */
    const claim = async (now: number, endpoint = 'default'): Promise<ClaimResult | undefined> => {
      const candidates = await stage.state.claims.candidates({ endpoint, recordingIds: ['3'], dueBy: undefined });
      return (await stage.state.claims.claim(candidates, 1, now, { restart: false }))[0];
    };
    const interrupt = (delivery: ClaimedDelivery, mayArriveUntil: number | undefined, now = NOW) =>
      stage.state.claims.settle({
        delivery,
        now,
        attempt: { ...ATTEMPT, outcome: 'interrupted', status: null },
        mayArriveUntil,
      });
    const interrupted = async (mayArriveUntil: number | undefined) => {
      await enqueue(stage.state, 3, { title: 'old', endpoints: ['default', 'backup'] });
      const [old] = await claimAll(stage.state);
      await interrupt(old!, mayArriveUntil);
      return old!;
    };
    const enqueueNew = async (title = 'new') =>
      (await enqueue(stage.state, 3, { title, endpoints: ['default', 'backup'] }))[0]!.delivery;

    test('keeps newer ones waiting until then, at its endpoint alone', async () => {
      await interrupted(UNTIL);
      const queued = await enqueueNew();
      expect(await claim(NOW)).toMatchObject({ notBefore: UNTIL, waiting: { seq: queued.seq, recordingId: '3' } });
      expect(await claim(UNTIL - 1)).toMatchObject({ notBefore: UNTIL });
      expect(claimedOf(await claim(NOW, 'backup')).recordingId).toBe('3');
      expect(claimedOf(await claim(UNTIL)).seq).toBe(queued.seq);
    });

    test('keeps neither itself waiting, nor the same content, nor other recordings', async () => {
      const old = await interrupted(UNTIL);
      const again = claimedOf(await claim(NOW));
      expect(again.seq).toBe(old.seq);
      await deliver(stage.state, again);
      const forced = await enqueue(stage.state, 3, { title: 'old', force: true });
      expect(claimedOf(await claim(NOW)).seq).toBe(forced[0]!.delivery.seq);
      await enqueue(stage.state, 4, { title: 'new' });
      expect(await claimAll(stage.state)).toHaveLength(1);
    });

    test('does so after a later try of it was answered, too', async () => {
      await interrupted(UNTIL);
      await deliver(stage.state, claimedOf(await claim(NOW)));
      await enqueueNew();
      expect(await claim(NOW)).toMatchObject({ notBefore: UNTIL });
    });

    test('does so until the last of its requests cannot arrive any more', async () => {
      await interrupted(UNTIL);
      await interrupt(claimedOf(await claim(NOW)), UNTIL - 10_000);
      await enqueueNew();
      expect(await claim(NOW)).toMatchObject({ notBefore: UNTIL });
    });

    test('does so over any number of newer ones', async () => {
      await interrupted(UNTIL);
      await enqueueNew('new');
      const last = await enqueueNew('newest');
      expect(await claim(NOW)).toMatchObject({ notBefore: UNTIL, waiting: { seq: last.seq } });
    });

    test('is one whose request was sent: any other keeps nobody waiting', async () => {
      await interrupted(undefined);
      const queued = await enqueueNew();
      expect(claimedOf(await claim(NOW)).seq).toBe(queued.seq);
    });

    test('stays through a pruning', async () => {
      await interrupted(UNTIL);
      await enqueueNew();
      const prune = (now: number) => stage.state.housekeeping.prune({ settledBefore: HOUR + now, now, dryRun: false });
      expect((await prune(NOW)).deliveries).toBe(1);
      expect(await claim(NOW)).toMatchObject({ notBefore: UNTIL });
      expect((await prune(UNTIL)).deliveries).toBe(1);
    });

    test('keeps nobody waiting for long where a wrong clock says so', async () => {
      await interrupted(NOW + 365 * 24 * HOUR);
      await enqueueNew();
      await stage.state.claims.repair('default', NOW);
      expect(await claim(NOW)).toMatchObject({ notBefore: NOW + MAY_ARRIVE_MS });
      await stage.state.claims.repair('default', NOW + 1_000);
      expect(await claim(NOW + 1_000)).toMatchObject({ notBefore: NOW + MAY_ARRIVE_MS });
    });
  });
}

/** The same after a process that died. */
export function abandonedConform(stage: Stage): void {
  describe('what a dead process had claimed may still reach the server', () => {
    const claimNew = async ({ claims }: State, now: number) => {
      const candidates = await claims.candidates({ endpoint: 'default', dueBy: undefined });
      return (await claims.claim(candidates, 1, now, { restart: false }))[0];
    };

    test('for as long as a server may take, from when its death was found out', async () => {
      await stage.crash('claims a delivery');
      await enqueue(stage.state, 3, { title: 'new' });
      expect(await claimNew(stage.state, NOW + 1_000)).toBe('busy');
      await stage.state.claims.repair('default', NOW + 1_000);
      const notBefore = NOW + 1_000 + MAY_ARRIVE_MS;
      expect(await claimNew(stage.state, NOW + 1_000)).toMatchObject({ notBefore });
      await stage.state.claims.repair('default', notBefore);
      expect(claimedOf(await claimNew(stage.state, notBefore)).recordingId).toBe('3');
    });

    test('no longer than its lease', async () => {
      await stage.crash('claims a delivery');
      await enqueue(stage.state, 3, { title: 'new' });
      await stage.state.claims.repair('default', NOW + LEASE_MS - 1_000);
      expect(await claimNew(stage.state, NOW + LEASE_MS - 1_000)).toMatchObject({ notBefore: NOW + LEASE_MS });
    });

    test('and goes again at once itself', async () => {
      await stage.crash('claims a delivery');
      await stage.state.claims.repair('default', NOW);
      expect(claimedOf(await claimNew(stage.state, NOW)).recordingId).toBe('3');
    });
  });
}

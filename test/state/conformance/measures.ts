import { describe, expect, test } from '@jest/globals';
import {
  ATTEMPT,
  claimAll,
  deliver,
  enqueue,
  FACTS,
  FILE_REF,
  HOUR,
  hold,
  NOW,
  OBJECT,
  RECORDING,
  REF,
  TARGET,
} from './facts.ts';
import type { Stage } from './stage.ts';

/** What monitoring asks for. */
export function measuresConform(stage: Stage): void {
  const measures = () => stage.state.overview.measures();
  const begin = (now: number) => stage.state.journal.begin(TARGET, RECORDING, { webhooks: true, now });

  describe('what is measured', () => {
    test('of an empty state is nothing', async () => {
      expect(await measures()).toEqual({
        uploads: [],
        sentFiles: { count: 0, sum: 0 },
        sentParts: 0,
        attempts: [],
        deliveries: [],
        lastUploadAt: null,
        lastDeliveryAt: null,
        lastPassAt: null,
        waiting: [],
        held: [],
      });
    });

    test('counts uploads by their outcome, and those that had begun before', async () => {
      const { journal } = stage.state;
      await begin(NOW);
      await journal.finish(REF, { state: 'partial', error: 'no network', now: NOW + 1_000 });
      await begin(NOW + HOUR);
      await journal.finish(REF, { state: 'done', error: null, now: NOW + HOUR + 3_000 });
      await begin(NOW + 2 * HOUR);
      await journal.finish(REF, { state: 'done', error: null, now: NOW + 2 * HOUR + 500 });
      expect(await measures()).toMatchObject({
        uploads: [
          { outcome: 'done', run: 'again', count: 1, sum: 3_000 },
          { outcome: 'done', run: 'first', count: 1, sum: 500 },
          { outcome: 'partial', run: 'first', count: 1, sum: 1_000 },
        ],
        lastUploadAt: NOW + 2 * HOUR + 500,
      });
    });

    test('knows when the worker looked after everything last', async () => {
      await stage.state.notePass(NOW);
      await stage.state.notePass(NOW + HOUR);
      expect((await measures()).lastPassAt).toBe(NOW + HOUR);
    });

    test('counts a clock that was set back as no time', async () => {
      await begin(NOW);
      await stage.state.journal.finish(REF, { state: 'done', error: null, now: NOW - HOUR });
      expect((await measures()).uploads).toEqual([{ outcome: 'done', run: 'first', count: 1, sum: 0 }]);
    });

    test('counts bytes and parts that were sent, not those that the bucket had', async () => {
      const { journal } = stage.state;
      const sentBytes = OBJECT.partSizeBytes + 1;
      await journal.fileUploaded(FILE_REF, FACTS, OBJECT, { now: NOW, sentBytes });
      await journal.fileUploaded({ ...FILE_REF, name: 'a.jpg' }, FACTS, OBJECT, { now: NOW, sentBytes: 0 });
      await journal.fileUploaded({ ...FILE_REF, name: 'a.txt' }, FACTS, OBJECT, { now: NOW, sentBytes: 7 });
      expect(await measures()).toMatchObject({ sentFiles: { count: 2, sum: sentBytes + 7 }, sentParts: 3 });
    });

    test('counts tries by outcome and status, deliveries by how long they took, and keeps that when they are pruned', async () => {
      const { claims, housekeeping } = stage.state;
      await enqueue(stage.state, 'a');
      const [first] = await claimAll(stage.state);
      const failed = { ...ATTEMPT, outcome: 'pending' as const, status: null, error: 'no answer', durationMs: 30_000 };
      const later = { state: 'pending' as const, nextAt: NOW, retries: 1 };
      await claims.settle({ delivery: first!, now: NOW, attempt: failed, next: later });
      await deliver(stage.state, (await claimAll(stage.state))[0]!, NOW + 700);
      await enqueue(stage.state, 'b');
      await deliver(stage.state, (await claimAll(stage.state))[0]!, NOW + 2 * 24 * HOUR);
      const expected = {
        attempts: [
          { endpoint: 'default', outcome: 'delivered', status: '201', run: 'again', count: 1, sum: 5 },
          { endpoint: 'default', outcome: 'delivered', status: '201', run: 'first', count: 1, sum: 5 },
          { endpoint: 'default', outcome: 'pending', status: 'none', run: 'first', count: 1, sum: 30_000 },
        ],
        deliveries: [{ endpoint: 'default', count: 2, sum: 700 + 2 * 24 * HOUR, within: [0, 1, 1, 1, 1, 1, 1, 1, 1] }],
        lastDeliveryAt: NOW + 2 * 24 * HOUR,
      };
      expect(await measures()).toMatchObject(expected);
      const now = NOW + 90 * 24 * HOUR;
      expect((await housekeeping.prune({ settledBefore: now, now, dryRun: false })).deliveries).toBe(2);
      expect(await measures()).toMatchObject(expected);
    });

    test('counts what waits and what is held, by endpoint and reason', async () => {
      await enqueue(stage.state, 'a', { endpoints: ['x', 'y'] });
      await enqueue(stage.state, 'b', { endpoints: ['x'] });
      await enqueue(stage.state, 'c', { endpoints: ['x'], hold: 'no-email' });
      await hold(stage.state, (await claimAll(stage.state, NOW, { endpoint: 'y' }))[0]!);
      expect(await measures()).toMatchObject({
        waiting: [{ endpoint: 'x', count: 2 }],
        held: [
          { endpoint: 'x', reason: 'no-email', count: 1 },
          { endpoint: 'y', reason: 'rejected', count: 1 },
        ],
      });
    });
  });
}

import { describe, expect, test } from '@jest/globals';
import type { AskedFolder, NotBegun } from '../../../src/core/upload/queue.ts';
import { HOUR, NOW, RECORDING, TARGET } from './facts.ts';
import type { Stage } from './stage.ts';

const asked = { title: 'Weekly', webhook: true, force: false, finished: true };

const folder = (dir: string, origin: AskedFolder['origin'] = 'enqueued'): AskedFolder => ({
  dir,
  recordingId: dir.slice(dir.lastIndexOf('/') + 1),
  origin,
  asked,
});

const refused = (reason = 'has no video'): NotBegun => ({
  state: 'refused',
  reason,
  hint: 'name it video.mkv',
  nextAt: NOW + HOUR,
});

/** Folders whose upload was asked for and has not begun. */
export function queueConforms(stage: Stage): void {
  const dirs = async () => (await stage.state.queue.list()).map(({ dir }) => dir);

  describe('a folder in the queue', () => {
    test('waits with what was asked for, the oldest first, until it is removed', async () => {
      const { queue } = stage.state;
      await queue.add([folder('/r/43')], NOW + HOUR);
      await queue.add([{ ...folder('/r/42', 'upload'), ...refused() }, folder('/r/41', 'found')], NOW);
      const untouched = { state: 'waiting', reason: null, hint: null };
      const at = (now: number) => ({ since: now, askedAt: now, updatedAt: now });
      expect(await queue.list()).toEqual([
        { ...folder('/r/41', 'found'), ...untouched, ...at(NOW), nextAt: NOW },
        { ...folder('/r/42', 'upload'), ...refused(), ...at(NOW) },
        { ...folder('/r/43'), ...untouched, ...at(NOW + HOUR), nextAt: NOW + HOUR },
      ]);
      await queue.remove('/r/42');
      await queue.remove('/r/nobody');
      expect(await dirs()).toEqual(['/r/41', '/r/43']);
    });

    test('that is asked for again is one entry: what is asked now counts, and its first time stays', async () => {
      const { queue } = stage.state;
      await queue.add([{ ...folder('/r/42', 'upload'), ...refused() }], NOW);
      const again = { ...folder('/r/42'), recordingId: '7', asked: { ...asked, id: '7', title: 'Monthly' } };
      await queue.add([again], NOW + HOUR);
      const waiting = { state: 'waiting', reason: null, hint: null, nextAt: NOW + HOUR };
      const times = { since: NOW, askedAt: NOW + HOUR, updatedAt: NOW + HOUR };
      expect(await queue.list()).toEqual([{ ...again, ...waiting, ...times }]);
    });

    test('is in the overview, the one that was asked for or looked at last first', async () => {
      const { queue, overview } = stage.state;
      await queue.add([folder('/r/41'), folder('/r/42')], NOW);
      await queue.add([{ ...folder('/r/43', 'upload'), ...refused() }], NOW + HOUR);
      await queue.postpone('/r/41', refused(), NOW + 2 * HOUR);
      const listed = async (filter: Parameters<typeof overview.queue>[0]) =>
        (await overview.queue(filter)).map(({ dir }) => dir);
      expect(await listed({ limit: 20 })).toEqual(['/r/41', '/r/43', '/r/42']);
      expect(await listed({ limit: 2 })).toEqual(['/r/41', '/r/43']);
      expect(await listed({ limit: 20, since: NOW + 1 })).toEqual(['/r/41', '/r/43']);
      expect(await listed({ limit: 20, state: 'waiting' })).toEqual(['/r/42']);
      expect(await listed({ limit: 1, state: 'refused' })).toEqual(['/r/41']);
    });

    test('that a recorder handed over is not changed by an upload that refused it', async () => {
      const { queue } = stage.state;
      await queue.add([folder('/r/42'), folder('/r/43', 'found')], NOW);
      const other = { asked: { ...asked, title: 'Cron said so' }, ...refused() };
      await queue.add(
        [
          { ...folder('/r/42', 'upload'), ...other },
          { ...folder('/r/43', 'upload'), ...other },
        ],
        NOW + 1,
      );
      expect(await queue.list()).toMatchObject([
        { origin: 'enqueued', asked: { title: 'Weekly' }, state: 'waiting', askedAt: NOW },
        { origin: 'upload', asked: { title: 'Cron said so' }, state: 'refused' },
      ]);
    });

    test('is not changed by the worker, which finds it', async () => {
      const { queue } = stage.state;
      await queue.add([folder('/r/42')], NOW);
      await queue.add([{ ...folder('/r/42', 'found'), asked: { ...asked, title: 'Nobody said so' } }], NOW + 1);
      expect(await queue.list()).toMatchObject([{ origin: 'enqueued', asked: { title: 'Weekly' }, askedAt: NOW }]);
    });

    test('that is looked at and not begun is due later, and says why', async () => {
      const { queue } = stage.state;
      await queue.add([folder('/r/42'), folder('/r/43')], NOW);
      await queue.postpone('/r/42', { ...refused(), nextAt: NOW + 5000 }, NOW + 10);
      await queue.postpone('/r/nobody', refused(), NOW);
      expect(await queue.list()).toMatchObject([
        { dir: '/r/42', ...refused(), nextAt: NOW + 5000, since: NOW, askedAt: NOW, updatedAt: NOW + 10 },
        { dir: '/r/43', state: 'waiting', reason: null },
      ]);
      expect((await queue.due(NOW + 4999)).map(({ dir }) => dir)).toEqual(['/r/43']);
      expect((await queue.due(NOW + 5000)).map(({ dir }) => dir)).toEqual(['/r/42', '/r/43']);
      expect(await queue.nextAt()).toBe(NOW);
      await queue.remove('/r/43');
      expect(await queue.nextAt()).toBe(NOW + 5000);
      await queue.remove('/r/42');
      expect(await queue.nextAt()).toBeUndefined();
    });

    test('is due at once where its time is too far away, because the clock was ahead; not more than are asked for', async () => {
      const { queue } = stage.state;
      await queue.add([{ ...folder('/r/42'), ...refused(), nextAt: NOW + 24 * HOUR }], NOW);
      await queue.add([{ ...folder('/r/43'), ...refused(), nextAt: NOW + HOUR }], NOW + 1);
      expect((await queue.due(NOW)).map(({ dir }) => dir)).toEqual(['/r/42']);
      expect((await queue.due(NOW + 2 * HOUR, 1)).map(({ dir }) => dir)).toEqual(['/r/42']);
    });

    test('leaves it once its upload begins, and no other one does', async () => {
      const { queue, journal } = stage.state;
      await queue.add([folder(RECORDING.dir), folder('/r/other')], NOW);
      await journal.begin(TARGET, RECORDING, { webhooks: true, now: NOW });
      expect(await dirs()).toEqual(['/r/other']);
    });

    test('stays where it was asked for again after the upload that begins now, even in the same millisecond', async () => {
      const { queue, journal } = stage.state;
      await queue.add([folder(RECORDING.dir)], NOW);
      const [{ askedAt } = { askedAt: 0 }] = await queue.list();
      await queue.add([folder(RECORDING.dir)], NOW);
      await journal.begin(TARGET, RECORDING, { webhooks: true, now: NOW + HOUR, askedAt });
      expect(await dirs()).toEqual([RECORDING.dir]);
    });

    test('is in the overview, waiting or refused, counted, and among what is known of its ID', async () => {
      const { queue, overview } = stage.state;
      for (const [index, name] of ['a', 'b', 'c', 'd', 'e', 'f'].entries()) {
        const entry = folder(`/r/${name}`);
        await queue.add([index < 3 ? { ...entry, ...refused() } : entry], NOW + index);
      }
      const all = await overview.all({ limit: 2 });
      expect(all.counts).toMatchObject({ queued: 3, refused: 3 });
      expect(all.refused.map(({ dir }) => dir)).toEqual(['/r/a', '/r/b']);
      expect(all.queued.map(({ dir }) => dir)).toEqual(['/r/d', '/r/e']);
      expect(all.oldest).toMatchObject({ refused: NOW, queued: NOW + 3 });
      expect((await overview.recording('b')).queue.map(({ dir }) => dir)).toEqual(['/r/b']);
    });
  });

  describe('the worker', () => {
    test('is one process, until it gives the place back', async () => {
      const { state } = stage;
      expect(await state.overview.worker()).toBeUndefined();
      const taken = await state.takeWorker(NOW);
      expect(taken).toMatchObject({ ok: true });
      const worker = { pid: 4711, since: NOW };
      expect(await state.overview.worker()).toEqual(worker);
      expect((await state.overview.all({ limit: 1 })).worker).toEqual(worker);
      expect(await state.takeWorker(NOW + 1)).toEqual({ ok: false, ...worker });
      if (taken.ok) await taken.release();
      expect(await state.overview.worker()).toBeUndefined();
      expect(await state.takeWorker(NOW + 2)).toMatchObject({ ok: true });
    });
  });
}

/** Several processes that want to be the worker. */
export function workersConform(stage: Stage): void {
  test('of two processes one is the worker; the other may be once that has ended, and nobody else ends it', async () => {
    const other = await stage.open(22);
    const results = await Promise.all([stage.state.takeWorker(NOW), other.takeWorker(NOW)]);
    const won = results.findIndex(({ ok }) => ok);
    const [winner, loser] = won === 0 ? [stage.state, other] : [other, stage.state];
    expect(results[1 - won]).toEqual({ ok: false, pid: won === 0 ? 4711 : 22, since: NOW });
    await winner.close();
    expect(await loser.overview.worker()).toBeUndefined();
    expect(await loser.takeWorker(NOW + 1)).toMatchObject({ ok: true });
  });

  test('a worker that was killed is none', async () => {
    await stage.crash('becomes the worker');
    expect(await stage.state.overview.worker()).toBeUndefined();
    expect(await stage.state.takeWorker(NOW)).toMatchObject({ ok: true });
  });
}

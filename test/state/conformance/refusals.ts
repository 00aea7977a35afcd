import { describe, expect, test } from '@jest/globals';
import type { Refusal } from '../../../src/core/upload/refusals.ts';
import { HOUR, NOW, RECORDING, TARGET } from './facts.ts';
import type { Stage } from './stage.ts';

const refusal = (dir: string, error = 'has no video'): Omit<Refusal, 'since' | 'updatedAt'> => ({
  dir,
  recordingId: dir.slice(dir.lastIndexOf('/') + 1),
  error,
  hint: 'name it video.mkv',
  asked: { title: 'Weekly', webhook: true, force: false, finished: true },
});

/** Folders whose upload was refused. */
export function refusalsConform(stage: Stage): void {
  describe('a refused folder', () => {
    test('is remembered with what was asked for, the oldest first, until it is forgotten', async () => {
      const { refusals } = stage.state;
      await refusals.refuse(refusal('/r/43'), NOW + HOUR);
      await refusals.refuse(refusal('/r/42'), NOW);
      expect(await refusals.list()).toEqual([
        { ...refusal('/r/42'), since: NOW, updatedAt: NOW },
        { ...refusal('/r/43'), since: NOW + HOUR, updatedAt: NOW + HOUR },
      ]);
      await refusals.forget('/r/42');
      await refusals.forget('/r/nobody');
      expect((await refusals.list()).map(({ dir }) => dir)).toEqual(['/r/43']);
    });

    test('that is refused again has the newest reason and its first time', async () => {
      const { refusals } = stage.state;
      await refusals.refuse({ ...refusal('/r/42'), hint: null }, NOW);
      await refusals.refuse(refusal('/r/42', 'is empty'), NOW + HOUR);
      expect(await refusals.list()).toEqual([{ ...refusal('/r/42', 'is empty'), since: NOW, updatedAt: NOW + HOUR }]);
    });

    test('is forgotten once its upload begins', async () => {
      const { refusals, journal } = stage.state;
      await refusals.refuse(refusal(RECORDING.dir), NOW);
      await refusals.refuse(refusal('/r/other'), NOW);
      await journal.begin(TARGET, RECORDING, { webhooks: true, now: NOW });
      expect((await refusals.list()).map(({ dir }) => dir)).toEqual(['/r/other']);
    });

    test('is in the overview, counted, and among what is known of its ID', async () => {
      const { refusals, overview } = stage.state;
      for (const [index, name] of ['a', 'b', 'c'].entries()) await refusals.refuse(refusal(`/r/${name}`), NOW + index);
      const { counts, refused, oldest } = await overview.all({ limit: 2 });
      expect(counts.refused).toBe(3);
      expect(refused.map(({ dir }) => dir)).toEqual(['/r/a', '/r/b']);
      expect(oldest.refused).toBe(NOW);
      expect((await overview.recording('b')).refused.map(({ dir }) => dir)).toEqual(['/r/b']);
    });
  });
}

import { describe, expect, test } from '@jest/globals';
import type { RecordingId } from '../../../src/core/recording/recording.ts';
import { claimAll, enqueue, FILE_REF, NOW, PID, part, RECORDING, REF, TARGET, UPLOAD } from './facts.ts';
import type { Stage } from './stage.ts';

const OPTIONS = { webhooks: true, now: NOW };

/** Several processes on one state. */
export function processesConform(stage: Stage): void {
  describe('two processes', () => {
    test('see what the other has stored, as soon as that has resolved', async () => {
      const other = await stage.open(22);
      await stage.state.journal.beginUpload(REF, UPLOAD, [], NOW);
      await stage.state.journal.addParts(FILE_REF, [part(1)]);
      expect(await other.journal.openUpload(FILE_REF)).toEqual({ upload: UPLOAD, parts: [part(1)] });
      await enqueue(other, 3);
      expect(await stage.state.outbox.list({})).toHaveLength(1);
    });

    test('do not upload one recording at the same time', async () => {
      const other = await stage.open(22);
      expect(await stage.state.journal.begin(TARGET, RECORDING, OPTIONS)).toMatchObject({ ok: true });
      expect(await other.journal.begin(TARGET, RECORDING, OPTIONS)).toEqual({ ok: false, pid: PID });
      const fourth = { ...RECORDING, id: '4' as RecordingId };
      expect(await other.journal.begin(TARGET, fourth, OPTIONS)).toMatchObject({ ok: true });
      await other.journal.release(REF);
      expect(await other.journal.begin(TARGET, RECORDING, OPTIONS)).toEqual({ ok: false, pid: PID });
      await stage.state.journal.finish(REF, { state: 'done', error: null, now: NOW });
      expect(await other.journal.begin(TARGET, RECORDING, OPTIONS)).toMatchObject({ ok: true });
      expect(await stage.state.journal.begin(TARGET, RECORDING, OPTIONS)).toEqual({ ok: false, pid: 22 });
    });

    test('lose their recordings where they end without giving them back', async () => {
      const other = await stage.open(22);
      await other.journal.begin(TARGET, RECORDING, OPTIONS);
      const during = await stage.state.overview.all({ limit: 1 });
      expect(during.uploads).toMatchObject([{ state: 'uploading', pid: 22 }]);
      await other.close();
      expect((await stage.state.overview.all({ limit: 1 })).uploads).toMatchObject([{ state: 'partial', pid: null }]);
      expect(await stage.state.journal.begin(TARGET, RECORDING, OPTIONS)).toMatchObject({ ok: true });
    });

    test('never claim the same delivery', async () => {
      const other = await stage.open(22);
      for (let id = 0; id < 50; id++) await enqueue(stage.state, id);
      const claimed = (await Promise.all([claimAll(stage.state), claimAll(other), claimAll(stage.state)])).flat();
      expect(claimed).toHaveLength(50);
      expect(new Set(claimed.map(({ seq }) => seq)).size).toBe(50);
    });

    test('write at the same time, and nothing is lost', async () => {
      const other = await stage.open(22);
      const ids = Array.from({ length: 40 }, (_, id) => id);
      await Promise.all(ids.map(id => enqueue(id % 2 ? other : stage.state, id)));
      expect((await stage.state.outbox.list({})).map(one => Number(one.recordingId)).sort((a, b) => a - b)).toEqual(
        ids,
      );
    });
  });

  test('closing waits for writes that are under way', async () => {
    const other = await stage.open(22);
    const writes = [1, 2, 3].map(id => enqueue(other, id));
    await other.close();
    await Promise.all(writes);
    expect(await stage.state.outbox.list({})).toHaveLength(3);
  });
}

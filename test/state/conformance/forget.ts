import { describe, expect, test } from '@jest/globals';
import type { RecordingId } from '../../../src/core/recording/recording.ts';
import {
  claimAll,
  deliver,
  enqueue,
  FACTS,
  FILE_REF,
  HOUR,
  hold,
  NOW,
  OBJECT,
  part,
  RECORDING,
  REF,
  TARGET,
  UPLOAD,
} from './facts.ts';
import type { Stage } from './stage.ts';

const OTHER = 'https://elsewhere.example.com/mistyped';
const ID = RECORDING.id;

/** Ending what nobody wants. */
export function forgettingConforms(stage: Stage): void {
  const begin = (target = TARGET, id: string = ID) =>
    stage.state.journal.begin(target, { ...RECORDING, id: id as RecordingId }, { webhooks: true, now: NOW });

  describe('discarding', () => {
    test('ends what waits and what is held, and nothing else', async () => {
      const { outbox } = stage.state;
      await enqueue(stage.state, 3, { endpoints: ['a', 'b', 'c'] });
      await hold(stage.state, (await claimAll(stage.state, NOW, { endpoint: 'b' }))[0]!);
      await deliver(stage.state, (await claimAll(stage.state, NOW, { endpoint: 'c' }))[0]!);
      await enqueue(stage.state, 4, { endpoints: ['a'] });
      expect(await outbox.discard('3', { endpoint: 'a', now: NOW + 7 })).toMatchObject({
        ok: true,
        discarded: [{ endpoint: 'a', state: 'discarded', settledAt: NOW + 7, heldReason: null }],
      });
      expect(await outbox.discard('3', { now: NOW + 8 })).toMatchObject({ ok: true, discarded: [{ endpoint: 'b' }] });
      expect(await outbox.discard('3', { now: NOW + 9 })).toEqual({ ok: true, discarded: [] });
      const states = (await outbox.list({})).map(one => [one.recordingId, one.endpoint, one.state]);
      expect(states).toEqual([
        ['3', 'a', 'discarded'],
        ['3', 'b', 'discarded'],
        ['3', 'c', 'delivered'],
        ['4', 'a', 'pending'],
      ]);
      expect(await outbox.waiting()).toEqual([{ endpoint: 'a', count: 1 }]);
      expect(await claimAll(stage.state, NOW + HOUR, { endpoint: 'b' })).toEqual([]);
    });

    test('is no obstacle to the same content later', async () => {
      await enqueue(stage.state, 3);
      await stage.state.outbox.discard('3', { now: NOW });
      expect(await enqueue(stage.state, 3)).toMatchObject([{ how: 'new', delivery: { state: 'pending' } }]);
    });

    test('waits for a process that is sending one', async () => {
      await enqueue(stage.state, 3);
      const [claimed] = await claimAll(stage.state);
      expect(await stage.state.outbox.discard('3', { now: NOW })).toEqual({ ok: false });
      await begin();
      await stage.state.journal.release(REF);
      expect(await stage.state.journal.forget(ID, NOW)).toEqual({ ok: false, atWork: 'webhook' });
      await hold(stage.state, claimed!);
      expect(await stage.state.outbox.discard('3', { now: NOW })).toMatchObject({ ok: true, discarded: [{}] });
    });
  });

  describe('forgetting', () => {
    test('removes a recording in every bucket, and says what is left there', async () => {
      const { journal, outbox, overview } = stage.state;
      for (const target of [TARGET, OTHER]) {
        await begin(target);
        await journal.finish({ ...REF, target }, { state: 'partial', error: 'x', now: NOW });
      }
      await begin(TARGET, '4');
      await journal.fileUploaded({ ...FILE_REF, name: 'thumbnail.jpg' }, FACTS, OBJECT, { now: NOW, sentBytes: 0 });
      await journal.beginUpload({ ...REF, target: OTHER }, UPLOAD, [part(1)], NOW);
      await enqueue(stage.state, 3);
      const result = await journal.forget(ID, NOW + 1);
      expect(result).toMatchObject({
        ok: true,
        discarded: [{ endpoint: 'default', state: 'discarded' }],
        uploads: expect.arrayContaining([
          { target: TARGET, dir: RECORDING.dir, state: 'partial', multipart: [], stored: ['3/thumbnail.jpg'] },
          {
            target: OTHER,
            dir: RECORDING.dir,
            state: 'partial',
            multipart: [{ key: '3/video.mkv', uploadId: 'u1' }],
            stored: [],
          },
        ]),
      });
      expect(await overview.recording(ID)).toMatchObject({ recordings: [], deliveries: [{}] });
      expect((await overview.recent({ limit: 9 })).map(({ id }) => id)).toEqual(['4']);
      expect((await outbox.history(ID)).map(({ delivery }) => delivery.state)).toEqual(['discarded']);
      expect(await journal.openUploadIds(OTHER)).toEqual(new Set());
      expect(await journal.files(REF)).toEqual([]);
    });

    test('keeps the ids of multipart uploads until they are aborted', async () => {
      const { journal } = stage.state;
      await begin();
      await journal.beginUpload(REF, UPLOAD, [], NOW);
      await journal.finish(REF, { state: 'partial', error: 'x', now: NOW });
      await journal.forget(ID, NOW);
      const again = { target: TARGET, multipart: [{ key: '3/video.mkv', uploadId: 'u1' }], stored: [] };
      expect(await journal.forget(ID, NOW)).toEqual({ ok: true, discarded: [], uploads: [again] });
      await journal.forgetUploads(TARGET, ['u1']);
      expect(await journal.forget(ID, NOW)).toEqual({ ok: true, discarded: [], uploads: [] });
    });

    test('leaves a recording alone that a process is at work on', async () => {
      await begin();
      expect(await stage.state.journal.forget(ID, NOW)).toMatchObject({ ok: false, atWork: 'upload' });
      expect(await stage.state.journal.recording(REF)).toBeDefined();
    });
  });

  describe('listing', () => {
    test('names the newest first, with what became of their webhooks', async () => {
      const { journal, overview } = stage.state;
      const finish = (id: string, state: 'done' | 'partial', now: number) =>
        journal.finish({ target: TARGET, recordingId: id as RecordingId }, { state, error: null, now });
      for (const id of ['3', '4', '5', '6']) await begin(TARGET, id);
      await journal.fileUploaded(FILE_REF, FACTS, OBJECT, { now: NOW, sentBytes: 0 });
      await finish('3', 'done', NOW + 1);
      await finish('4', 'partial', NOW + 2);
      await finish('6', 'done', NOW + 3);
      await enqueue(stage.state, 3, { endpoints: ['default', 'ops'] });
      await hold(stage.state, (await claimAll(stage.state))[0]!);
      const ids = async (filter: Omit<Parameters<typeof overview.recent>[0], 'limit'> & { limit?: number }) =>
        (await overview.recent({ limit: 9, ...filter })).map(({ id }) => id);
      expect(await ids({})).toEqual(['6', '4', '3', '5']);
      expect(await ids({ limit: 2 })).toEqual(['6', '4']);
      expect(await ids({ since: NOW + 2 })).toEqual(['6', '4']);
      expect(await ids({ state: 'done' })).toEqual(['6', '3']);
      expect(await ids({ state: 'partial' })).toEqual(['4']);
      expect(await ids({ state: 'uploading' })).toEqual(['5']);
      expect(await ids({ state: 'held' })).toEqual(['3']);
      expect(await ids({ state: 'waiting' })).toEqual(['3']);
      expect((await overview.recent({ limit: 9 })).find(({ id }) => id === '3')).toMatchObject({
        target: TARGET,
        id: '3',
        dir: RECORDING.dir,
        title: RECORDING.details.title,
        state: 'done',
        updatedAt: NOW + 1,
        files: 1,
        storedBytes: FACTS.sizeBytes,
        localRemovedAt: null,
        webhooks: [
          { endpoint: 'default', state: 'held' },
          { endpoint: 'ops', state: 'waiting' },
        ],
      });
    });
  });
}

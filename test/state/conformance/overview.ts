import { describe, expect, test } from '@jest/globals';
import type { RecordingId } from '../../../src/core/recording/recording.ts';
import {
  ATTEMPT,
  claimAll,
  deliver,
  enqueue,
  FACTS,
  HOUR,
  hold,
  NOW,
  OBJECT,
  PID,
  part,
  RECORDING,
  TARGET,
  UPLOAD,
} from './facts.ts';
import type { Stage } from './stage.ts';

const OTHER_TARGET = 'https://elsewhere.example.com/fyemeet';

/** Reading where everything stands. */
export function overviewConforms(stage: Stage): void {
  const begin = (id: string, now: number, target = TARGET) =>
    stage.state.journal.begin(target, { ...RECORDING, id: id as RecordingId }, { webhooks: true, now });
  const ref = (id: string, target = TARGET) => ({ target, recordingId: id as RecordingId });

  describe('the overview', () => {
    test('of an empty state counts nothing', async () => {
      expect(await stage.state.overview.all({ limit: 20 })).toEqual({
        counts: {
          recording: 0,
          uploading: 0,
          partial: 0,
          queued: 0,
          refused: 0,
          done: 0,
          removed: 0,
          waiting: 0,
          held: 0,
          delivered: 0,
          superseded: 0,
        },
        uploads: [],
        queued: [],
        refused: [],
        held: [],
        waiting: [],
        endpoints: [],
        nextAt: null,
        oldest: { partial: null, upload: null, queued: null, refused: null, waiting: null },
        worker: undefined,
      });
    });

    test('counts uploads, shows those at work first, and since when something is missing', async () => {
      const { journal, overview } = stage.state;
      for (const [id, now] of [
        ['done', 1],
        ['late', 30],
        ['early', 10],
        ['working', 40],
      ] as const)
        await begin(id, now);
      await journal.finish(ref('done'), { state: 'done', error: null, now: 50 });
      await journal.finish(ref('late'), { state: 'partial', error: 'no network', now: 51 });
      await journal.finish(ref('early'), { state: 'partial', error: 'the disk', now: 52 });
      const { counts, uploads, oldest } = await overview.all({ limit: 20 });
      expect(counts).toMatchObject({ uploading: 1, partial: 2, done: 1 });
      expect(uploads.map(({ id, state, pid, since, error }) => [id, state, pid, since, error])).toEqual([
        ['working', 'uploading', PID, 40, null],
        ['early', 'partial', null, 10, 'the disk'],
        ['late', 'partial', null, 30, 'no network'],
      ]);
      expect(oldest).toMatchObject({ partial: 10, upload: 10 });
      const one = await overview.all({ limit: 1 });
      expect([one.counts, one.uploads.map(({ id }) => id)]).toEqual([counts, ['working', 'early']]);
    });

    test('an upload that is retried does not become younger, one that was done does', async () => {
      const { journal, overview } = stage.state;
      const since = async () => (await overview.all({ limit: 1 })).oldest.upload;
      await begin('a', 10);
      await journal.finish(ref('a'), { state: 'partial', error: 'the disk', now: 11 });
      await begin('a', 20);
      expect(await since()).toBe(10);
      await journal.finish(ref('a'), { state: 'done', error: null, now: 21 });
      expect(await since()).toBeNull();
      await begin('a', 30);
      expect(await since()).toBe(30);
    });

    test('shows how far each file of an upload is', async () => {
      const { journal, overview } = stage.state;
      await begin('a', NOW);
      const named = (name: string) => ({ ...ref('a'), name });
      await journal.fileUploaded(named('b.jpg'), { ...FACTS, role: 'thumbnail' }, OBJECT, { now: NOW, sentBytes: 0 });
      await journal.fileFailed(named('a.txt'), { ...FACTS, role: 'transcript' }, 'no network', NOW);
      await journal.fileFailed(named(UPLOAD.name), FACTS, 'cut off', NOW);
      await journal.beginUpload(ref('a'), UPLOAD, [part(1)], NOW);
      const { sizeBytes } = UPLOAD;
      expect((await overview.all({ limit: 1 })).uploads[0]?.files).toEqual([
        { name: 'a.txt', state: 'pending', sizeBytes, partsDone: 0, parts: 0, error: 'no network' },
        { name: 'b.jpg', state: 'uploaded', sizeBytes, partsDone: 3, parts: 3, error: null },
        { name: 'video.mkv', state: 'sending', sizeBytes, partsDone: 1, parts: 3, error: 'cut off' },
      ]);
    });

    test('shows waiting webhooks by when they are due, held ones by when they were held', async () => {
      const { overview, claims } = stage.state;
      await enqueue(stage.state, 'later', { endpoints: ['b'], now: NOW + 2 * HOUR });
      await enqueue(stage.state, 'soon', { endpoints: ['a'], now: NOW + HOUR });
      await enqueue(stage.state, 'tried');
      const [tried] = await claimAll(stage.state);
      const attempt = { ...ATTEMPT, outcome: 'pending' as const, error: 'no answer' };
      const next = { state: 'pending' as const, nextAt: NOW + 3 * HOUR, retries: 1 };
      await claims.settle({ delivery: tried!, now: NOW, attempt, next });
      for (const [id, heldAt] of [
        ['x', NOW + 9],
        ['y', NOW + 8],
      ] as const) {
        await enqueue(stage.state, id);
        await hold(stage.state, (await claimAll(stage.state))[0]!, heldAt);
      }
      await enqueue(stage.state, 'sent', { title: 'old' });
      await enqueue(stage.state, 'sent', { title: 'new' });
      await deliver(stage.state, (await claimAll(stage.state))[0]!);
      const { counts, waiting, held, nextAt, oldest } = await overview.all({ limit: 20 });
      expect(counts).toMatchObject({ waiting: 3, held: 2, delivered: 1, superseded: 1 });
      expect(waiting.map(one => [one.recordingId, one.endpoint, one.nextAt, one.error])).toEqual([
        ['soon', 'a', NOW + HOUR, null],
        ['later', 'b', NOW + 2 * HOUR, null],
        ['tried', 'default', NOW + 3 * HOUR, 'no answer'],
      ]);
      expect(held.map(one => [one.recordingId, one.state, one.heldReason, one.nextAt, one.error])).toEqual([
        ['y', 'held', 'rejected', null, 'no e-mail'],
        ['x', 'held', 'rejected', null, 'no e-mail'],
      ]);
      expect([nextAt, oldest.waiting]).toEqual([NOW + HOUR, NOW + 2 * HOUR]);
      const less = await overview.all({ limit: 1 });
      expect([less.counts, less.waiting.length, less.held.length]).toEqual([counts, 1, 1]);
      const none = await overview.all({ limit: 0 });
      expect([none.waiting, none.held, none.nextAt]).toEqual([[], [], NOW + HOUR]);
    });

    test('names endpoints to which nothing is sent, and why', async () => {
      const { claims, endpoints, overview } = stage.state;
      await endpoints.disable('b', 'by an operator', NOW);
      await enqueue(stage.state, 1, { endpoints: ['a'] });
      const [claimed] = await claimAll(stage.state, NOW, { endpoint: 'a' });
      const fingerprint = { hash: 'ab', salt: 'cd' };
      const consequence = { kind: 'refuse' as const, fingerprint };
      await claims.settle({ delivery: claimed!, now: NOW + 1, attempt: ATTEMPT, consequence });
      expect((await overview.all({ limit: 1 })).endpoints).toEqual([
        {
          name: 'a',
          // A fleet's state says on which machine.
          reason: expect.stringMatching(/^refuses the token( of \S+)?$/),
          isRefusing: true,
          hasSender: false,
          since: NOW + 1,
        },
        { name: 'b', reason: 'disabled: by an operator', since: NOW },
      ]);
      await endpoints.enable('b', NOW);
      await endpoints.useToken('a', [fingerprint], NOW);
      expect((await overview.all({ limit: 1 })).endpoints).toEqual([]);
    });
  });

  describe('one recording', () => {
    test('is shown in each bucket, with all its webhooks', async () => {
      const { journal, overview } = stage.state;
      await begin('a', 10);
      await begin('a', 20, OTHER_TARGET);
      const metadata = { text: '{"recording_id":"a"}', etag: 'm1' };
      await journal.finish(ref('a', OTHER_TARGET), { state: 'done', error: null, metadata, now: 30 });
      await enqueue(stage.state, 'a', { title: 'old' });
      await enqueue(stage.state, 'a', { title: 'new' });
      const found = await overview.recording('a');
      const shown = found.recordings.map(({ target, state, pid, since, metadata: text }) => [
        target,
        state,
        pid,
        since,
        text,
      ]);
      expect(shown).toEqual([
        [OTHER_TARGET, 'done', null, null, metadata.text],
        [TARGET, 'uploading', PID, 10, null],
      ]);
      expect(found.deliveries.map(({ delivery }) => delivery.state)).toEqual(['superseded', 'pending']);
      expect(await overview.recording('unknown')).toEqual({ recordings: [], queue: [], deliveries: [] });
    });

    test('is found by how its id begins, the one that was touched last first', async () => {
      const { overview } = stage.state;
      for (const [index, id] of ['a1', 'a2', 'b1', 'a%'].entries()) await begin(id, index + 1);
      await begin('a1', 9, OTHER_TARGET);
      expect(await overview.recordingIds('a', { limit: 10 })).toEqual(['a1', 'a%', 'a2']);
      expect(await overview.recordingIds('a%', { limit: 10 })).toEqual(['a%']);
      expect(await overview.recordingIds('', { limit: 2 })).toEqual(['a1', 'a%']);
    });
  });
}

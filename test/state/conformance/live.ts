import { describe, expect, test } from '@jest/globals';
import type { RecordingId } from '../../../src/core/recording/recording.ts';
import { FILE_REF, IDENTITY, NOW, PID, part, RECORDING, REF, TARGET, UPLOAD } from './facts.ts';
import type { Stage } from './stage.ts';

/** The journal of recordings that are uploaded while they are recorded. */
export function liveConforms(stage: Stage): void {
  const begin = (now = NOW) => stage.state.journal.beginLive(TARGET, RECORDING, { now });

  describe('a recording in progress', () => {
    test('is claimed once, and is not among the unfinished ones while its process lives', async () => {
      const { journal, overview } = stage.state;
      expect(await begin()).toMatchObject({ ok: true });
      expect(await begin()).toEqual({ ok: false, pid: PID });
      expect(await journal.begin(TARGET, RECORDING, { webhooks: true, now: NOW })).toEqual({ ok: false, pid: PID });
      expect(await journal.recording(REF)).toMatchObject({ state: 'recording', dir: RECORDING.dir });
      expect(await journal.unfinished(TARGET)).toEqual([]);
      const { counts, oldest, uploads } = await overview.all({ limit: 5 });
      expect(counts).toMatchObject({ recording: 1, uploading: 0, partial: 0 });
      expect(oldest).toMatchObject({ upload: null, partial: null });
      expect(uploads).toMatchObject([{ id: RECORDING.id, state: 'recording', pid: PID }]);
      expect(await overview.recent({ state: 'recording', limit: 5 })).toMatchObject([{ state: 'recording' }]);
      expect(await overview.recent({ state: 'uploading', limit: 5 })).toEqual([]);
    });

    test('is unfinished once its claim is given back, and its upload keeps its token and not its age', async () => {
      const { journal, overview } = stage.state;
      const live = await begin();
      await journal.release(REF);
      expect(await journal.unfinished(TARGET)).toMatchObject([{ id: RECORDING.id, state: 'recording' }]);
      expect((await overview.all({ limit: 5 })).counts).toMatchObject({ recording: 0, uploading: 0, partial: 1 });
      expect(await overview.recent({ limit: 5 })).toMatchObject([{ state: 'partial' }]);
      const upload = await journal.begin(TARGET, RECORDING, { webhooks: true, now: NOW + 50 });
      expect(upload).toEqual(live);
      expect((await overview.all({ limit: 5 })).oldest.upload).toBe(NOW + 50);
    });

    test('can be claimed again, but not once its upload was begun', async () => {
      const { journal } = stage.state;
      const first = await begin();
      await journal.release(REF);
      expect(await begin(NOW + 1)).toEqual(first);
      await journal.release(REF);
      await journal.begin(TARGET, RECORDING, { webhooks: true, now: NOW + 2 });
      await journal.finish(REF, { state: 'partial', error: 'the disk', now: NOW + 3 });
      expect(await begin(NOW + 4)).toEqual({ ok: false, known: 'partial' });
      await journal.begin(TARGET, RECORDING, { webhooks: true, now: NOW + 5 });
      await journal.finish(REF, { state: 'done', error: null, now: NOW + 6 });
      expect(await begin(NOW + 7)).toEqual({ ok: false, known: 'done' });
    });

    test('is known by its folder until its upload begins, under each id that it had', async () => {
      const { journal } = stage.state;
      const early = { id: 'early' as RecordingId, names: [] };
      await journal.beginLive(TARGET, { ...RECORDING, id: early.id }, { now: NOW });
      await begin();
      const own = { id: RECORDING.id, names: [] };
      expect(await journal.liveIn(TARGET, RECORDING.dir, RECORDING.id)).toEqual([own, early]);
      expect(await journal.liveIn(TARGET, '/elsewhere', RECORDING.id)).toEqual([]);
      expect(await journal.liveIn('https://elsewhere.example.com/fyemeet', RECORDING.dir, RECORDING.id)).toEqual([]);
      await journal.release(REF);
      await journal.begin(TARGET, RECORDING, { webhooks: true, now: NOW });
      expect(await journal.liveIn(TARGET, RECORDING.dir, RECORDING.id)).toEqual([early]);
    });

    test('is known by its live uploads until they end, also once its upload has begun', async () => {
      const { journal } = stage.state;
      const live = { ...UPLOAD, live: true };
      await begin();
      await journal.beginUpload(REF, live, [part(1)], NOW);
      await journal.beginUpload(REF, { ...live, name: 'video.mp4', live: false }, [], NOW);
      await journal.release(REF);
      await journal.begin(TARGET, RECORDING, { webhooks: true, now: NOW });
      const left = [{ id: RECORDING.id, names: [live.name] }];
      expect(await journal.liveIn(TARGET, RECORDING.dir, RECORDING.id)).toEqual(left);
      await journal.dropUpload(FILE_REF);
      expect(await journal.liveIn(TARGET, RECORDING.dir, RECORDING.id)).toEqual([]);
    });

    test('is forgotten only as long as its upload has not begun', async () => {
      const { journal } = stage.state;
      await begin();
      await journal.forgetLive(REF);
      expect(await journal.recording(REF)).toBeUndefined();
      await journal.begin(TARGET, RECORDING, { webhooks: true, now: NOW });
      await journal.forgetLive(REF);
      expect(await journal.recording(REF)).toMatchObject({ state: 'uploading' });
    });
  });

  describe('a live upload', () => {
    test('is known as one, with what its file was at the last look, until its parts are proven', async () => {
      const { journal } = stage.state;
      const live = { ...UPLOAD, live: true };
      await journal.beginUpload(REF, live, [part(1)], NOW);
      expect(await journal.openUpload(FILE_REF)).toEqual({ upload: live, parts: [part(1)] });
      const grown = { ...IDENTITY, sizeBytes: IDENTITY.sizeBytes + 1, mtimeNs: '2' };
      await journal.fileLookedAt(FILE_REF, { ...grown, live: true });
      await journal.addParts(FILE_REF, [part(2)]);
      expect(await journal.openUpload(FILE_REF)).toEqual({ upload: { ...live, ...grown }, parts: [part(1), part(2)] });
      await journal.fileLookedAt(FILE_REF, { ...grown, live: false });
      expect((await journal.openUpload(FILE_REF))?.upload.live).toBe(false);
    });
  });
}

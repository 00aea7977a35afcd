import { describe, expect, test } from '@jest/globals';
import type { RecordingId } from '../../../src/core/recording/recording.ts';
import type { UploadJournal } from '../../../src/core/upload/journal.ts';
import { enqueue, FACTS, FILE_REF, NOW, OBJECT, PID, part, RECORDING, REF, TARGET, UPLOAD } from './facts.ts';
import type { Stage } from './stage.ts';

const OTHER_TARGET = 'https://elsewhere.example.com/fyemeet';

/** The journal of recordings and their files. */
export function journalConforms(stage: Stage): void {
  const begin = (id = RECORDING.id, options = { webhooks: true, now: NOW }) =>
    stage.state.journal.begin(TARGET, { ...RECORDING, id }, options);

  describe('a recording', () => {
    test('is known from when its upload was begun', async () => {
      const { journal } = stage.state;
      expect(await journal.recording(REF)).toBeUndefined();
      expect(await begin()).toMatchObject({ ok: true });
      expect(await journal.recording(REF)).toEqual({
        target: TARGET,
        id: RECORDING.id,
        dir: RECORDING.dir,
        details: RECORDING.details,
        state: 'uploading',
        error: null,
        metadata: null,
        metadataEtag: null,
        webhooks: true,
        updatedAt: NOW,
      });
      expect(await journal.recording({ ...REF, target: OTHER_TARGET })).toBeUndefined();
    });

    test('has other details once they were amended', async () => {
      const { journal } = stage.state;
      await begin();
      const details = { ...RECORDING.details, user: { email: 'asked@example.com' }, emailFrom: 'asked' as const };
      await journal.amend(REF, details);
      expect(await journal.recording(REF)).toMatchObject({ details, state: 'uploading' });
      await journal.amend({ ...REF, target: OTHER_TARGET }, details);
      expect(await journal.recording({ ...REF, target: OTHER_TARGET })).toBeUndefined();
    });

    test('can be begun once at a time, and again once it was given back', async () => {
      const { journal } = stage.state;
      await begin();
      expect(await begin()).toEqual({ ok: false, pid: PID });
      await journal.release(REF);
      expect(await begin()).toMatchObject({ ok: true });
      await journal.finish(REF, { state: 'partial', error: 'the disk', now: NOW });
      expect(await begin()).toMatchObject({ ok: true });
    });

    test('that is begun again has the new folder, and its error is gone', async () => {
      const { journal } = stage.state;
      await begin();
      const metadata = { text: '{"recording_id":3}', etag: 'm1' };
      await journal.finish(REF, { state: 'partial', error: 'the disk', metadata, now: NOW });
      const moved = { ...RECORDING, dir: '/moved/3', details: { ...RECORDING.details, title: 'Renamed' } };
      await journal.begin(TARGET, moved, { webhooks: false, now: NOW + 1 });
      expect(await journal.recording(REF)).toMatchObject({
        dir: '/moved/3',
        details: moved.details,
        state: 'uploading',
        error: null,
        metadata: metadata.text,
        webhooks: false,
        updatedAt: NOW + 1,
      });
    });

    test('is unfinished until it is done, the one that was touched longest ago first', async () => {
      const { journal } = stage.state;
      const ids = ['a', 'b', 'c'] as RecordingId[];
      const times = [30, 10, 20];
      for (const [index, id] of ids.entries()) await begin(id, { webhooks: true, now: times[index]! });
      const unfinished = async () => (await journal.unfinished(TARGET)).map(({ id, error }) => [id, error]);
      expect(await unfinished()).toEqual([
        ['b', null],
        ['c', null],
        ['a', null],
      ]);
      await journal.finish({ ...REF, recordingId: ids[1]! }, { state: 'partial', error: 'the disk', now: 40 });
      await journal.finish({ ...REF, recordingId: ids[2]! }, { state: 'done', error: null, now: 41 });
      expect(await unfinished()).toEqual([
        ['a', null],
        ['b', 'the disk'],
      ]);
      expect(await journal.unfinished(OTHER_TARGET)).toEqual([]);
    });
  });

  describe('the end of an upload', () => {
    const webhook = { endpoints: ['default', 'backup'], payload: '{"recording_id":3}', contentHash: 'h1' };

    test('stores outcome and metadata.json and queues the webhook', async () => {
      const { journal, outbox } = stage.state;
      await begin();
      const metadata = { text: webhook.payload, etag: 'm1' };
      const queued = await journal.finish(REF, { state: 'done', error: null, metadata, webhook, now: NOW + 5 });
      expect(queued.map(({ how, delivery }) => [how, delivery.endpoint, delivery.state, delivery.payload])).toEqual([
        ['new', 'default', 'pending', webhook.payload],
        ['new', 'backup', 'pending', webhook.payload],
      ]);
      expect(await outbox.list({})).toEqual(queued.map(({ delivery }) => delivery));
      const stored = { state: 'done', metadata: metadata.text, metadataEtag: 'm1', updatedAt: NOW + 5 };
      expect(await journal.recording(REF)).toMatchObject(stored);
    });

    test('without metadata.json keeps what is known of an older one, and without a webhook queues none', async () => {
      const { journal, outbox } = stage.state;
      await begin();
      await journal.finish(REF, { state: 'done', error: null, metadata: { text: '{}', etag: 'm1' }, now: NOW });
      await begin();
      expect(await journal.finish(REF, { state: 'partial', error: 'no network', now: NOW })).toEqual([]);
      expect(await journal.recording(REF)).toMatchObject({ state: 'partial', metadata: '{}', metadataEtag: 'm1' });
      expect(await outbox.list({})).toEqual([]);
    });

    test('queues equal content once, as the outbox does', async () => {
      const { journal, outbox } = stage.state;
      const [known] = await enqueue(stage.state, 3);
      const { payload, contentHash } = known!.delivery;
      const same = { endpoints: ['default'], payload, contentHash };
      await begin();
      const [again] = await journal.finish(REF, { state: 'done', error: null, webhook: same, now: NOW });
      expect(again).toMatchObject({ how: 'reused', delivery: { seq: known!.delivery.seq } });
      await begin();
      const forced = { ...same, force: true };
      const [anew] = await journal.finish(REF, { state: 'done', error: null, webhook: forced, now: NOW });
      expect(anew?.how).toBe('new');
      expect((await outbox.list({})).map(({ state }) => state)).toEqual(['superseded', 'pending']);
    });
  });

  describe('a file', () => {
    test('that is uploaded has no open upload any more, in one step', async () => {
      const { journal } = stage.state;
      await journal.beginUpload(REF, UPLOAD, [part(1), part(2)], NOW);
      await journal.fileUploaded(FILE_REF, FACTS, OBJECT, { now: NOW, sentBytes: 0 });
      expect(await journal.file(FILE_REF)).toEqual({
        name: FILE_REF.name,
        state: 'uploaded',
        ...FACTS,
        ...OBJECT,
        error: null,
      });
      expect(await journal.openUpload(FILE_REF)).toBeUndefined();
      expect(await journal.openUploadIds(TARGET)).toEqual(new Set());
      expect(await begunIds(journal, TARGET)).toEqual([]);
    });

    test('that failed keeps its open upload', async () => {
      const { journal } = stage.state;
      await journal.beginUpload(REF, UPLOAD, [part(1)], NOW);
      await journal.fileFailed(FILE_REF, FACTS, 'no network', NOW);
      const failed = { state: 'pending', error: 'no network', etag: null, checksum: null, token: null };
      expect(await journal.file(FILE_REF)).toMatchObject(failed);
      expect((await journal.openUpload(FILE_REF))?.parts).toEqual([part(1)]);
    });

    test('is listed with the others by name, each with its last outcome', async () => {
      const { journal } = stage.state;
      expect(await journal.files(REF)).toEqual([]);
      const named = (name: string) => ({ ...REF, name });
      await journal.fileFailed(named('b.txt'), { ...FACTS, role: 'transcript' }, 'no network', NOW);
      await journal.fileUploaded(
        named('a.jpg'),
        { ...FACTS, role: 'thumbnail' },
        { ...OBJECT, token: null },
        { now: NOW, sentBytes: 0 },
      );
      await journal.fileUploaded(named('b.txt'), { ...FACTS, role: 'transcript' }, OBJECT, { now: NOW, sentBytes: 0 });
      const files = await journal.files(REF);
      expect(files.map(({ name, role, state, token, error }) => [name, role, state, token, error])).toEqual([
        ['a.jpg', 'thumbnail', 'uploaded', null, null],
        ['b.txt', 'transcript', 'uploaded', 't1', null],
      ]);
      expect(await journal.files({ ...REF, target: OTHER_TARGET })).toEqual([]);
    });
  });
}

/** Ids, in order, of the uploads that were begun. */
async function begunIds(journal: UploadJournal, target: string): Promise<string[]> {
  return (await journal.begunUploads(target)).map(upload => upload.uploadId).sort();
}

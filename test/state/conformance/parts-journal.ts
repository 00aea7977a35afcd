import { describe, expect, test } from '@jest/globals';
import type { UploadJournal } from '../../../src/core/upload/journal.ts';
import { FACTS, FILE_REF, NOW, OBJECT, part, REF, TARGET, UPLOAD } from './facts.ts';
import type { Stage } from './stage.ts';

/** The journal of multipart uploads. */
export function partsJournalConforms(stage: Stage): void {
  describe('an open upload', () => {
    test('has its parts by number', async () => {
      const { journal } = stage.state;
      await journal.beginUpload(REF, UPLOAD, [], NOW);
      for (const number of [3, 1, 2]) await journal.addParts(FILE_REF, [part(number)]);
      expect(await journal.openUpload(FILE_REF)).toEqual({ upload: UPLOAD, parts: [part(1), part(2), part(3)] });
      await journal.addParts(FILE_REF, [{ ...part(2), etag: 'sent-again' }, part(10)]);
      await journal.removeParts(FILE_REF, [1, 3, 99]);
      const { parts } = (await journal.openUpload(FILE_REF))!;
      expect(parts).toEqual([{ ...part(2), etag: 'sent-again' }, part(10)]);
    });

    test('replaces the one before it with all its parts', async () => {
      const { journal } = stage.state;
      await journal.beginUpload(REF, UPLOAD, [part(1), part(2)], NOW);
      await journal.beginUpload(REF, { ...UPLOAD, uploadId: 'u2' }, [part(3)], NOW);
      expect(await journal.openUpload(FILE_REF)).toEqual({ upload: { ...UPLOAD, uploadId: 'u2' }, parts: [part(3)] });
    });

    test('may have no id yet, and no token of ours', async () => {
      const { journal } = stage.state;
      await journal.beginUpload(REF, { ...UPLOAD, uploadId: null }, [], NOW);
      expect((await journal.openUpload(FILE_REF))?.upload.uploadId).toBeNull();
      expect(await journal.openUploadIds(TARGET)).toEqual(new Set());
      await journal.beginUpload(REF, { ...UPLOAD, token: null }, [], NOW);
      expect((await journal.openUpload(FILE_REF))?.upload.token).toBeNull();
      expect(await journal.openUploadIds(TARGET)).toEqual(new Set(['u1']));
    });

    test('keeps since when Creates without a response were sent', async () => {
      const { journal } = stage.state;
      await journal.beginUpload(REF, { ...UPLOAD, uploadId: null, askedAt: NOW - 5 }, [], NOW);
      expect((await journal.openUpload(FILE_REF))?.upload.askedAt).toBe(NOW - 5);
    });

    test('belongs to one file of one recording in one bucket', async () => {
      const { journal } = stage.state;
      await journal.beginUpload(REF, UPLOAD, [part(1)], NOW);
      const others = [
        { ...FILE_REF, target: 'https://elsewhere.example.com/fyemeet' },
        { ...FILE_REF, recordingId: '33' as never },
        { ...FILE_REF, name: 'audio.mkv' },
      ];
      for (const other of others) {
        expect(await journal.openUpload(other)).toBeUndefined();
        await journal.dropUpload(other);
      }
      expect((await journal.openUpload(FILE_REF))?.parts).toEqual([part(1)]);
      await journal.dropUpload(FILE_REF);
      expect(await journal.openUpload(FILE_REF)).toBeUndefined();
    });
  });

  describe('uploads that were begun here', () => {
    test('are known after they were dropped, until they are forgotten', async () => {
      const { journal } = stage.state;
      await journal.beginUpload(REF, UPLOAD, [], NOW);
      await journal.beginUpload(REF, { ...UPLOAD, uploadId: 'u2' }, [], NOW);
      expect(await journal.openUploadIds(TARGET)).toEqual(new Set(['u2']));
      expect(await begunIds(journal, TARGET)).toEqual(['u1', 'u2']);
      await journal.dropUpload(FILE_REF);
      expect(await begunIds(journal, TARGET)).toEqual(['u1', 'u2']);
      await journal.forgetUploads(TARGET, ['u2', 'unknown']);
      expect(await begunIds(journal, TARGET)).toEqual(['u1']);
      expect(await begunIds(journal, 'https://elsewhere.example.com/fyemeet')).toEqual([]);
    });

    test('have their key and their time, and the files that were touched are known by their keys', async () => {
      const { journal } = stage.state;
      await journal.beginUpload(REF, UPLOAD, [], NOW);
      const key = `${REF.recordingId}/${FILE_REF.name}`;
      expect(await journal.begunUploads(TARGET)).toEqual([{ uploadId: 'u1', key, begunAt: NOW }]);
      expect(await journal.knownKeys(TARGET)).toEqual([]);
      await journal.fileFailed(FILE_REF, FACTS, 'refused', NOW);
      expect(await journal.knownKeys(TARGET)).toEqual([key]);
    });

    test('end with their file; older ones of the file do not', async () => {
      const { journal } = stage.state;
      await journal.beginUpload(REF, UPLOAD, [], NOW);
      await journal.beginUpload(REF, { ...UPLOAD, uploadId: 'u2' }, [], NOW);
      await journal.fileUploaded(FILE_REF, FACTS, OBJECT, { now: NOW, sentBytes: 0 });
      expect(await begunIds(journal, TARGET)).toEqual(['u1']);
    });
  });
}

/** Ids, in order, of the uploads that were begun. */
async function begunIds(journal: UploadJournal, target: string): Promise<string[]> {
  return (await journal.begunUploads(target)).map(upload => upload.uploadId).sort();
}

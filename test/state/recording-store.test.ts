import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Recording, RecordingId } from '../../src/core/recording/recording.ts';
import { type Database, openDatabase } from '../../src/state/sqlite/database.ts';
import { openRecordingStore, type RecordingStore } from '../../src/state/sqlite/recording-store.ts';

const TARGET = 'https://s3.example.com/fyemeet';
const ID = '3' as RecordingId;
const NAME = 'video.mkv';
const IDENTITY = { sizeBytes: 20_000_000, mtimeNs: '1790000000123456789', inode: '18446744073709551615' };
const RECORDING: Recording = {
  id: ID,
  dir: '/recordings/3',
  files: [],
  skipped: [],
  details: { title: 'A meeting', createdAt: '2026-01-02 03:04:05.000000', user: { email: 'ada@example.com' } },
};
const UPLOAD = { name: NAME, uploadId: 'u1', token: 't1', partSizeBytes: 8_388_608, ...IDENTITY };
const part = (number: number) => ({ number, etag: `etag${number}`, sha256: `sha${number}` });

let stateDir: string;
let opened: Database[];
const open = (pid = 1): RecordingStore => {
  const database = openDatabase(stateDir);
  opened.push(database);
  return openRecordingStore(database, pid);
};
beforeEach(() => {
  opened = [];
  stateDir = mkdtempSync(join(tmpdir(), 'recording-store-'));
});
afterEach(() => {
  for (const database of opened) database.close();
  rmSync(stateDir, { recursive: true });
});

describe('A recording', () => {
  test('is known from when it was begun, not from when it was claimed', () => {
    const store = open();
    expect(store.claim(TARGET, ID)).toEqual({ ok: true });
    expect(store.recording(TARGET, ID)).toBeUndefined();
    expect(store.unfinished(TARGET)).toEqual([]);
    store.begin(TARGET, RECORDING, { webhooks: true, now: 5 });
    expect(store.recording(TARGET, ID)).toMatchObject({
      state: 'uploading',
      dir: RECORDING.dir,
      details: RECORDING.details,
    });
  });

  test('is unfinished until it is done, those untouched longest first', () => {
    const store = open();
    for (const [id, now] of [
      ['a', 30],
      ['b', 10],
      ['c', 20],
    ] as [RecordingId, number][]) {
      store.claim(TARGET, id);
      store.begin(TARGET, { ...RECORDING, id }, { webhooks: true, now });
    }
    expect(store.unfinished(TARGET).map(({ id }) => id)).toEqual(['b', 'c', 'a']);
    store.finish(TARGET, 'b' as RecordingId, { state: 'partial', error: 'the disk', now: 40 });
    store.finish(TARGET, 'c' as RecordingId, { state: 'done', error: null, now: 41 });
    expect(store.unfinished(TARGET).map(({ id, error }) => [id, error])).toEqual([
      ['a', null],
      ['b', 'the disk'],
    ]);
    expect(store.unfinished('https://elsewhere/fyemeet')).toEqual([]);
  });

  test('belongs to one living process at a time', () => {
    const [first, second] = [open(11), open(22)];
    expect(first.claim(TARGET, ID)).toEqual({ ok: true });
    expect(second.claim(TARGET, ID)).toEqual({ ok: false, pid: 11 });
    expect(second.claim(TARGET, '4' as RecordingId)).toEqual({ ok: true });
    first.release(TARGET, ID);
    expect(second.claim(TARGET, ID)).toEqual({ ok: true });
  });

  test('is free again at once when its process has died', () => {
    expect(open(11).claim(TARGET, ID)).toEqual({ ok: true });
    opened.pop()?.liveness.close();
    expect(open(22).claim(TARGET, ID)).toEqual({ ok: true });
  });

  test('is not released by a process that does not have it', () => {
    const [first, second] = [open(11), open(22)];
    first.claim(TARGET, ID);
    second.release(TARGET, ID);
    expect(second.claim(TARGET, ID)).toEqual({ ok: false, pid: 11 });
  });

  test('remembers that no webhook was wanted', () => {
    const store = open();
    store.claim(TARGET, ID);
    store.begin(TARGET, RECORDING, { webhooks: false, now: 1 });
    expect(store.recording(TARGET, ID)?.webhooks).toBe(false);
  });
});

describe('A file', () => {
  const file = { name: NAME, role: 'video' as const, ...IDENTITY };
  const object = { partSizeBytes: 8_388_608, checksum: 'abc-3', etag: 'e-3', token: 't1' };

  test('that is there has no open upload any more, in one step', () => {
    const store = open();
    store.beginUpload(TARGET, ID, UPLOAD, [part(1), part(2)], 1);
    store.fileUploaded(TARGET, ID, file, object, 2);
    expect(store.file(TARGET, ID, NAME)).toMatchObject({ state: 'uploaded', ...IDENTITY, ...object, error: null });
    expect(store.openUpload(TARGET, ID, NAME)).toBeUndefined();
    expect(store.openUploadIds(TARGET)).toEqual(new Set());
  });

  test('that failed keeps its open upload', () => {
    const store = open();
    store.beginUpload(TARGET, ID, UPLOAD, [part(1)], 1);
    store.fileFailed(TARGET, ID, file, 'no network', 2);
    expect(store.file(TARGET, ID, NAME)).toMatchObject({ state: 'pending', error: 'no network', etag: null });
    expect(store.openUpload(TARGET, ID, NAME)?.parts).toEqual([part(1)]);
  });
});

describe('An open upload', () => {
  test('is known to other processes with each part as soon as that is stored', () => {
    const [here, there] = [open(), open()];
    here.beginUpload(TARGET, ID, UPLOAD, [], 1);
    for (const number of [3, 1, 2]) here.addPart(TARGET, ID, NAME, part(number));
    expect(there.openUpload(TARGET, ID, NAME)).toEqual({ upload: UPLOAD, parts: [part(1), part(2), part(3)] });
    here.removePart(TARGET, ID, NAME, 2);
    expect(there.openUpload(TARGET, ID, NAME)?.parts).toEqual([part(1), part(3)]);
    expect(there.openUploadIds(TARGET)).toEqual(new Set(['u1']));
  });

  test('replaces the one before it with all its parts', () => {
    const store = open();
    store.beginUpload(TARGET, ID, UPLOAD, [part(1), part(2)], 1);
    store.beginUpload(TARGET, ID, { ...UPLOAD, uploadId: 'u2' }, [part(3)], 2);
    expect(store.openUpload(TARGET, ID, NAME)).toEqual({ upload: { ...UPLOAD, uploadId: 'u2' }, parts: [part(3)] });
  });

  test('may be asked for and not yet be known, and may have no token of ours', () => {
    const store = open();
    store.beginUpload(TARGET, ID, { ...UPLOAD, uploadId: null }, [], 1);
    expect(store.openUpload(TARGET, ID, NAME)?.upload.uploadId).toBeNull();
    expect(store.openUploadIds(TARGET)).toEqual(new Set());
    store.beginUpload(TARGET, ID, { ...UPLOAD, token: null }, [], 1);
    expect(store.openUpload(TARGET, ID, NAME)?.upload.token).toBeNull();
  });

  test('of another bucket is another one', () => {
    const store = open();
    store.beginUpload(TARGET, ID, UPLOAD, [], 1);
    expect(store.openUpload('https://elsewhere/fyemeet', ID, NAME)).toBeUndefined();
    store.dropUpload(TARGET, ID, NAME);
    expect(store.openUpload(TARGET, ID, NAME)).toBeUndefined();
  });
});

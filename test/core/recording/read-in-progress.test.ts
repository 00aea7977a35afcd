import { describe, expect, test } from '@jest/globals';
import { peekFolder } from '../../../src/core/recording/peek-folder.ts';
import { readInProgress } from '../../../src/core/recording/read-in-progress.ts';
import { makeRecording } from '../../support/make-recording.ts';
import { makeFolder, read } from './support.ts';

const DEFAULTS = { user: { name: 'Ada', email: 'ada@example.com' }, extraFiles: [] };

describe('a recording in progress', () => {
  test('has an ID behind the prefix, as it has once it is finished; one that was asked for has none', async () => {
    const idPrefix = 'studio-a-';
    const dir = makeRecording({ name: '42' });
    expect(readInProgress(dir, {}, { ...DEFAULTS, idPrefix }).id).toBe('studio-a-42');
    expect((await read(dir, { defaults: { idPrefix } })).id).toBe('studio-a-42');
    expect(peekFolder(dir, undefined, { extraFiles: [], idPrefix }).recordingId).toBe('studio-a-42');
    expect(readInProgress(dir, { id: '42' }, { ...DEFAULTS, idPrefix }).id).toBe('42');
  });

  test('is its video and what the configuration says, as long as there is nothing else', () => {
    const dir = makeFolder({ 'video.mkv': 'the beginning' }, 'standup');
    expect(readInProgress(dir, {}, DEFAULTS)).toMatchObject({
      id: 'standup',
      dir,
      video: { name: 'video.mkv', sizeBytes: 13, contentType: 'video/x-matroska' },
      details: { title: expect.stringContaining('20'), user: { username: 'Ada', email: 'ada@example.com' } },
    });
  });

  test('has the ID and the details of its sidecar, and those that were asked for before them', () => {
    const sidecar = { recording_id: 7, title: 'Planning', user_info: { email: 'grace@example.com' } };
    const dir = makeFolder({ 'video.webm': 'x', 'recording.json': JSON.stringify(sidecar) }, 'standup');
    const { id, details } = readInProgress(dir, {}, DEFAULTS);
    expect({ id, details }).toMatchObject({
      id: '7',
      details: { title: 'Planning', user: { username: 'Ada', email: 'grace@example.com' } },
    });
    expect(readInProgress(dir, { id: '8', title: 'Asked' }, DEFAULTS)).toMatchObject({
      id: '8',
      details: { title: 'Asked' },
    });
  });

  test.each([
    ['whose video is empty yet', { 'video.mkv': '' }, 'is empty'],
    ['whose sidecar is half written', { 'video.mkv': 'x', 'recording.json': '{"title":' }, 'recording.json'],
    ['whose video has no name yet', { 'video.mkv.part': 'x' }, 'video.mkv.part is not finished'],
  ])('%s cannot be read yet', (_, files, said) => {
    expect(() => readInProgress(makeFolder(files), {}, DEFAULTS)).toThrow(said);
  });
});

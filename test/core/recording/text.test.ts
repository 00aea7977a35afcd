import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { makePayload } from '../../../src/core/payload/payload.ts';
import { failure, makeRecording, read } from './support.ts';

const NFC = 'Präsentation.pdf'.normalize('NFC');
const NFD = NFC.normalize('NFD');

describe('a sidecar', () => {
  test.each([
    ['9007199254740991', '9007199254740991'],
    ['9007199254740993', '9007199254740993'],
    ['12345678901234567890', '12345678901234567890'],
    ['"9007199254740993"', '9007199254740993'],
    ['42', '42'],
  ])('with the recording_id %s is read exactly', async (written, id) => {
    const recording = await read(makeRecording({ 'recording.json': `{"recording_id": ${written}}` }));
    expect(recording.id).toBe(id);
    const facts = { bucket: 'b', region: 'r', publicBaseUrl: 'https://s3', uploadSource: 'cli', uploadedAt: 0 };
    expect(String(makePayload({ recording, uploaded: [], ...facts }).recording_id)).toBe(id);
  });

  test.each(['1.5', '-5', '1e400', '1e30'])('with the recording_id %s is refused', async written => {
    const error = await failure(read(makeRecording({ 'recording.json': `{"recording_id": ${written}}` })));
    expect(error).toMatchObject({ code: 'RECORDING', message: expect.stringContaining('recording_id') });
  });

  test.each([
    ['UTF-16', Buffer.from('\ufeff{}', 'utf16le'), 'is UTF-16'],
    ['UTF-16, big-endian', Buffer.from('\ufeff{}', 'utf16le').swap16(), 'is UTF-16'],
    ['UTF-16 without a mark', Buffer.from('{"title": "x"}', 'utf16le'), 'is UTF-16'],
    ['Windows-1252', Buffer.from('{"title": "Zoë"}', 'latin1'), 'is not UTF-8 text'],
  ])('in %s is named as such', async (_what, bytes, says) => {
    const error = await failure(read(makeRecording({ 'recording.json': bytes })));
    expect(error).toMatchObject({
      message: expect.stringMatching(`recording.json ${says}$`),
      hint: 'save it as UTF-8',
    });
  });

  test('loses invisible characters of an e-mail address, and has one form of a name', async () => {
    const sidecar = { title: 'Besprechung mit Zoe\u0308', user_info: { email: ' a\u200bda@exam\u00adple.com\u00a0' } };
    const { details } = await read(makeRecording({ 'recording.json': JSON.stringify(sidecar) }));
    expect(details.user.email).toBe('ada@example.com');
    expect(details.title).toBe('Besprechung mit Zo\u00eb');
  });

  test('so does --email', async () => {
    const { details } = await read(makeRecording(), { overrides: { email: '\ufeffada@example.com\u2060' } });
    expect(details.user.email).toBe('ada@example.com');
  });
});

describe('a name in two Unicode forms', () => {
  test.each([
    ['composed', 'decomposed', NFC, NFD],
    ['decomposed', 'composed', NFD, NFC],
  ])('is found, %s in the folder and %s in the configuration, and is one key', async (_folder, _glob, name, glob) => {
    const dir = makeRecording({ [name]: 'x' });
    const { files, skipped } = await read(dir, { defaults: { extraFiles: [glob] } });
    const [found] = files.filter(({ role }) => role === 'extra');
    // One key, whichever file system the folder is on; the file itself has the path that it has.
    expect(found).toMatchObject({ name: NFC, path: join(dir, name) });
    expect(skipped).toEqual([]);
  });

  test('that is there twice is refused', async () => {
    const dir = makeRecording({ [NFC]: 'x' });
    writeFileSync(join(dir, NFD), 'y');
    const error = await failure(read(dir, { defaults: { extraFiles: ['*.pdf'] } }));
    expect(error).toMatchObject({
      code: 'RECORDING',
      message: `${dir} has two files of one name: ${NFC}, in two Unicode forms (NFC and NFD)`,
      hint: 'rename or remove one of them',
    });
  });
});

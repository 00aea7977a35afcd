import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { encodingOf } from '../../../src/core/file-text.ts';
import { makeRecording, read } from './support.ts';

const TEXT = 'Ada: déjà vu, 会議 😀\n';
const bigEndian = (text: string) => Buffer.from(text, 'utf16le').swap16();

test.each<[string, Buffer, string]>([
  ['plain letters', Buffer.from('Ada: shall we begin?\n'), 'text/plain; charset=utf-8'],
  ['UTF-8', Buffer.from(TEXT), 'text/plain; charset=utf-8'],
  ['UTF-8 with a byte order mark', Buffer.from(`\ufeff${TEXT}`), 'text/plain; charset=utf-8'],
  ['an empty text', Buffer.alloc(0), 'text/plain; charset=utf-8'],
  ['UTF-16', Buffer.from(`\ufeff${TEXT}`, 'utf16le'), 'text/plain; charset=utf-16le'],
  ['UTF-16, big-endian', bigEndian(`\ufeff${TEXT}`), 'text/plain; charset=utf-16be'],
  ['UTF-16 without a mark', Buffer.from('Ada: shall we begin?\n', 'utf16le'), 'text/plain; charset=utf-16le'],
  ['UTF-16, big-endian, without a mark', bigEndian('Ada: shall we begin?\n'), 'text/plain; charset=utf-16be'],
  ['Windows-1252', Buffer.from('Ada: déjà vu\n', 'latin1'), 'text/plain'],
  ['UTF-32', Buffer.from('fffe000041000000', 'hex'), 'text/plain'],
])('a transcript in %s goes to the bucket as such', async (_what, bytes, contentType) => {
  const dir = makeRecording({ 'transcript.txt': bytes });
  const { files } = await read(dir);
  expect(files.find(({ role }) => role === 'transcript')?.contentType).toBe(contentType);
});

test('subtitles too; what is no text keeps its type', async () => {
  const dir = makeRecording({ 'transcript.vtt': Buffer.from('WEBVTT\n\n00:01.000 --> 00:02.000\ndéjà', 'latin1') });
  writeFileSync(join(dir, 'notes.md'), 'déjà');
  writeFileSync(join(dir, 'notes.pdf'), Buffer.from('déjà', 'latin1'));
  const { files } = await read(dir, { defaults: { extraFiles: ['notes.*'] } });
  expect(Object.fromEntries(files.map(({ name, contentType }) => [name, contentType]))).toEqual({
    'video.mkv': 'video/x-matroska',
    'transcript.vtt': 'text/vtt',
    'notes.md': 'text/markdown; charset=utf-8',
    'notes.pdf': 'application/pdf',
  });
});

test.each([1, 2, 3])('a text that is cut %i bytes after the begin of a character is UTF-8', cut => {
  const bytes = Buffer.from('會議😀').subarray(0, 6 + cut);
  expect(encodingOf(bytes, { isCut: true })).toBe('utf-8');
  expect(encodingOf(bytes)).toBeUndefined();
});

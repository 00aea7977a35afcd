import { expect, test } from '@jest/globals';
import { contentTypeOf } from '../../../src/core/recording/content-types.ts';
import { objectKey, publicUrl } from '../../../src/core/recording/object-key.ts';
import { parseRecordingId } from '../../../src/core/recording/recording.ts';

const id = parseRecordingId('3', 'test', 'RECORDING');

test('a key is the id and the name, as they are', () => {
  expect(objectKey(id, 'über 100%.txt')).toBe('3/über 100%.txt');
});

test.each(['a\u0000b', 'a\u007fb', 'a\u0085b', '\ud800', 'ü'.repeat(128)])('%j makes no key', name => {
  expect(() => objectKey(id, name)).toThrow(expect.objectContaining({ code: 'RECORDING' }));
});

test('a public URL is path style', () => {
  expect(publicUrl('https://host:8443/base//', 'bucket', '3/a b/c.txt')).toBe(
    'https://host:8443/base/bucket/3/a%20b/c.txt',
  );
});

test.each([
  ['video.MKV', 'video/x-matroska'],
  ['a.b.jpeg', 'image/jpeg'],
  ['transcript.txt', 'text/plain'],
  ['page.html', 'application/octet-stream'],
  ['constructor', 'application/octet-stream'],
])('%s is %s', (name, type) => {
  expect(contentTypeOf(name)).toBe(type);
});

import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import {
  bareEtag,
  compositeChecksum,
  compositeEtag,
  decodeChecksums,
  encodeChecksums,
  type FileChecksum,
  isMd5,
} from '../../../src/core/storage/checksum.ts';

const sha256 = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest();
const md5 = (text: string) => createHash('md5').update(text).digest('hex');
const entry = (more: Partial<FileChecksum> = {}): FileChecksum => ({
  sizeBytes: 123_456_789,
  partSizeBytes: 8_388_608,
  checksum: `${sha256('x').toString('base64')}-15`,
  etag: `${md5('x')}-15`,
  ...more,
});

describe('A checksum', () => {
  test('of parts is the SHA-256 of their SHA-256s, as S3 writes it', () => {
    const parts = ['a', 'b', 'c'].map(sha256);
    expect(compositeChecksum(parts)).toBe(`${sha256(Buffer.concat(parts)).toString('base64')}-3`);
  });

  test('in an ETag of parts is the MD5 of their MD5s', () => {
    // https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html: MD5 of binary MD5s, "-<parts>".
    expect(compositeEtag([md5('a'), md5('b')])).toBe(
      `${createHash('md5')
        .update(Buffer.from(md5('a') + md5('b'), 'hex'))
        .digest('hex')}-2`,
    );
  });

  test('in an ETag of parts is unknown where a part has no MD5', () => {
    expect(compositeEtag([md5('a'), 'opaque'])).toBeUndefined();
    expect(isMd5(`${md5('a')}-2`)).toBe(false);
  });

  test('is found in an ETag with and without quotes', () => {
    expect([bareEtag('"abc"'), bareEtag('abc'), bareEtag(undefined)]).toEqual(['abc', 'abc', '']);
  });
});

describe('The checksums beside metadata.json', () => {
  test('are read as they were written', () => {
    const files = new Map([
      ['video.mkv', entry()],
      [
        'thumbnail.jpg',
        entry({ sizeBytes: 0, partSizeBytes: 1, checksum: sha256('').toString('base64'), etag: md5('') }),
      ],
      ['transcript.txt', entry({ etag: 'some-opaque-etag' })],
    ]);
    expect(decodeChecksums(encodeChecksums(files))).toEqual(files);
  });

  test('keep to ASCII and one line, whatever the files are called', () => {
    const names = ['video ü 🎥.mkv', 'a=b:c.txt', 'new\nline.srt', '100%.vtt'];
    const files = new Map(names.map(name => [name, entry()]));
    const header = encodeChecksums(files);
    expect(header).toMatch(/^[\x21-\x7e ]*$/);
    expect([...decodeChecksums(header).keys()]).toEqual(names);
  });

  test('fit into the 2 KB that S3 has for metadata: files that do not are left out whole', () => {
    const files = new Map(Array.from({ length: 50 }, (_, index) => [`file-${index}.txt`, entry()]));
    const header = encodeChecksums(files);
    expect(header.length).toBeLessThanOrEqual(1_700);
    const names = [...decodeChecksums(header).keys()];
    expect(names).toEqual([...files.keys()].slice(0, names.length));
    expect(names.length).toBeGreaterThan(5);
  });

  test.each([
    undefined,
    '',
    'nonsense',
    'a=1:2',
    'a=x:y:z:w',
    'video.mkv=1:2:!!!:etag',
    '%FF=1:1:abcd:e',
    'video.mkv=99999999:1:abcd:e',
    'video.mkv=5:0:abcd:e',
  ])('that are %j are taken for none', header => {
    expect(decodeChecksums(header)).toEqual(new Map());
  });
});

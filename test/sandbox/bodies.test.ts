import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterEach, expect, test } from '@jest/globals';
import { cleanUp, rawRequest, sandbox, signedHead, tempDir } from './support.ts';

afterEach(cleanUp);
const PATH = '/fyemeet/a';
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const md5 = (text: string) => createHash('md5').update(text).digest('base64');
const crc = (text: string) => {
  const digest = Buffer.alloc(4);
  digest.writeUInt32BE(crc32(text));
  return digest.toString('base64');
};
const CHUNKED = {
  'content-encoding': 'aws-chunked',
  'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
  'x-amz-decoded-content-length': '10',
  'x-amz-trailer': 'x-amz-checksum-crc32',
};
const chunkedBody = (checksum: string) => `6\r\nabcdef\r\n4\r\nghij\r\n0\r\nx-amz-checksum-crc32:${checksum}\r\n\r\n`;

test.each<[string, Record<string, string>, string, string, string]>([
  ['Content-MD5 is another', { 'content-md5': md5('other') }, 'hello', '400', 'BadDigest'],
  ['Content-MD5 is none', { 'content-md5': 'bm9uZQ==' }, 'hello', '400', 'InvalidDigest'],
  ['SHA-256 is another', { 'x-amz-content-sha256': sha256('x') }, 'hello', '400', 'XAmzContentSHA256Mismatch'],
  ['SHA-256 is none', { 'x-amz-content-sha256': 'abc' }, 'hello', '400', 'InvalidArgument'],
  ['CRC32 is another', { 'x-amz-checksum-crc32': crc('x') }, 'hello', '400', 'BadDigest'],
  ['checksum cannot be verified', { 'x-amz-checksum-crc64nvme': 'AAAAAAAAAAA=' }, 'hello', '501', 'NotImplemented'],
  ['trailing CRC32 is another', CHUNKED, chunkedBody(crc('x')), '400', 'BadDigest'],
  ['trailer is missing', CHUNKED, '6\r\nabcdef\r\n4\r\nghij\r\n0\r\n\r\n', '400', 'InvalidRequest'],
  ['chunks break off', CHUNKED, '6\r\nabcdef\r\n4\r\ngh', '400', 'IncompleteBody'],
  ['chunks have no frame', CHUNKED, 'abcdefghij\r\n', '400', 'InvalidRequest'],
  ['chunks are too many', CHUNKED, `b\r\nabcdefghijk\r\n${chunkedBody('')}`, '400', 'IncompleteBody'],
  ['streaming kind is unknown', { 'x-amz-content-sha256': 'STREAMING-X' }, 'hello', '501', 'NotImplemented'],
  ['header asks for a copy', { 'x-amz-copy-source': '/fyemeet/b' }, '', '501', 'NotImplemented'],
])('a body is not stored where its %s', async (_, headers, body, status, code) => {
  const dataDir = await tempDir();
  const box = await sandbox({ dataDir });
  const head = signedHead(box, 'PUT', PATH, { 'content-length': `${body.length}`, ...headers });
  const answer = await rawRequest(box.s3.url, head + body);
  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(answer).toContain(`<Code>${code}</Code>`);
  expect(box.s3.objects()).toEqual([]);
});

test.each<[string, Record<string, string>, string, string]>([
  ['Content-MD5', { 'content-md5': md5('hello') }, 'hello', 'hello'],
  ['SHA-256', { 'x-amz-content-sha256': sha256('hello') }, 'hello', 'hello'],
  ['CRC32 header', { 'x-amz-checksum-crc32': crc('hello') }, 'hello', 'hello'],
  ['CRC32 trailer', CHUNKED, chunkedBody(crc('abcdefghij')), 'abcdefghij'],
])('a body is stored where its %s is right', async (_, headers, body, stored) => {
  const box = await sandbox();
  const head = signedHead(box, 'PUT', PATH, { 'content-length': `${body.length}`, ...headers });
  expect(await rawRequest(box.s3.url, head + body)).toMatch(/^HTTP\/1.1 200 /);
  expect((await box.s3.read('a')).toString()).toBe(stored);
  expect(box.s3.objects()[0]?.headers['content-encoding']).toBeUndefined();
});

test('a body shorter than its Content-Length is not stored, nor left on disk', async () => {
  const dataDir = await tempDir();
  const box = await sandbox({ dataDir });
  const head = signedHead(box, 'PUT', PATH, { 'content-length': '100' });
  await rawRequest(box.s3.url, `${head}hello`, { half: true });
  expect(box.s3.objects()).toEqual([]);
  expect(box.s3.requests()).toMatchObject([{ operation: 'PutObject', status: null, bodyBytes: 5 }]);
  await box.close();
  expect(await readdir(join(dataDir, 's3', 'segments'))).toEqual([]);
});

test('a body without a length is refused', async () => {
  const box = await sandbox();
  const head = signedHead(box, 'PUT', PATH, { 'transfer-encoding': 'chunked' });
  const answer = await rawRequest(box.s3.url, `${head}5\r\nhello\r\n0\r\n\r\n`);
  expect(answer).toMatch(/^HTTP\/1.1 411 /);
  expect(box.s3.objects()).toEqual([]);
});

test('Expect: 100-continue is told to go on, or refused before the body', async () => {
  const box = await sandbox();
  const good = signedHead(box, 'PUT', PATH, { 'content-length': '5', expect: '100-continue' });
  expect(await rawRequest(box.s3.url, `${good}hello`)).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 /);
  const bad = signedHead(box, 'PUT', '/nowhere/a', { 'content-length': '5', expect: '100-continue' });
  expect(await rawRequest(box.s3.url, bad)).toMatch(/^HTTP\/1.1 404 /);
});

test('what this server does not speak is refused, not taken for something else', async () => {
  const box = await sandbox();
  for (const path of ['/fyemeet/a?acl=', '/fyemeet/a?tagging=']) {
    const answer = await rawRequest(box.s3.url, `${signedHead(box, 'PUT', path, { 'content-length': '1' })}x`);
    expect(answer).toMatch(/^HTTP\/1.1 501 /);
  }
  const bad = await fetch(`${box.s3.url}/fyemeet/%ff`);
  expect([bad.status, await bad.text()]).toEqual([400, expect.stringContaining('<Code>InvalidURI</Code>')]);
  expect(box.s3.objects()).toEqual([]);
});

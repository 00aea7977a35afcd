import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { afterEach, describe, expect, test } from '@jest/globals';
import { bytes, cleanUp, clientFor, failure, MIB, sandbox } from './support.ts';

afterEach(cleanUp);
const Bucket = 'fyemeet';
const Key = '3/video.mkv';

async function begin(client: S3Client, key = Key) {
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: key, Metadata: { t: '1' } }));
  const part = async (PartNumber: number, Body: Buffer) => {
    const { ETag } = await client.send(new UploadPartCommand({ Bucket, Key: key, UploadId, PartNumber, Body }));
    return { PartNumber, ETag };
  };
  const complete = (Parts: { PartNumber: number; ETag: string | undefined }[], more = {}) =>
    client.send(
      new CompleteMultipartUploadCommand({ Bucket, Key: key, UploadId, MultipartUpload: { Parts }, ...more }),
    );
  return { UploadId, part, complete };
}

describe.each(['WHEN_REQUIRED', 'WHEN_SUPPORTED'] as const)("lib-storage's Upload, with checksums %s", mode => {
  test.each(['a Buffer', 'a stream of unknown length'])('stores %s of many parts whole', async kind => {
    const box = await sandbox();
    const client = clientFor(box, { requestChecksumCalculation: mode, responseChecksumValidation: mode });
    const whole = bytes(12 * MIB + 5);
    const Body = kind === 'a Buffer' ? whole : Readable.from([whole]);
    await new Upload({ client, params: { Bucket, Key, Body, ContentType: 'video/x-matroska' } }).done();
    expect((await box.s3.read(Key)).equals(whole)).toBe(true);
    expect(box.s3.objects()).toMatchObject([{ key: Key, size: whole.length, contentType: 'video/x-matroska' }]);
    expect(box.s3.objects()[0]?.etag).toMatch(/^[0-9a-f]{32}-3$/);
    expect(box.s3.uploads()).toEqual([]);
    const got = await client.send(new GetObjectCommand({ Bucket, Key, Range: `bytes=${5 * MIB - 2}-${5 * MIB + 1}` }));
    const across = Buffer.from((await got.Body?.transformToByteArray()) ?? []);
    expect(across.equals(whole.subarray(5 * MIB - 2, 5 * MIB + 2))).toBe(true);
  });
});

test('the ETag of a multipart object is the MD5 of its parts’ MD5s, and their number', async () => {
  const box = await sandbox();
  const client = clientFor(box);
  const { part, complete } = await begin(client);
  const [one, two] = [bytes(5 * MIB), bytes(100)];
  const { ETag } = await complete([await part(1, one), await part(7, two)]);
  const md5 = (data: Buffer) => createHash('md5').update(data).digest();
  const expected = `"${md5(Buffer.concat([md5(one), md5(two)])).toString('hex')}-2"`;
  expect(ETag).toBe(expected);
  expect(await client.send(new HeadObjectCommand({ Bucket, Key }))).toMatchObject({
    ETag: expected,
    ContentLength: 5 * MIB + 100,
    Metadata: { t: '1' },
  });
});

test('a part sent again replaces the one before', async () => {
  const box = await sandbox();
  const { part, complete } = await begin(clientFor(box));
  const first = await part(1, Buffer.from('old'));
  const second = await part(1, Buffer.from('new'));
  expect(await failure(complete([first]))).toEqual({ name: 'InvalidPart', status: 400 });
  await complete([second]);
  expect((await box.s3.read(Key)).toString()).toBe('new');
});

test('parts in the wrong order, unknown or too small are refused, and the upload goes on', async () => {
  const box = await sandbox();
  const { part, complete } = await begin(clientFor(box));
  const one = await part(1, Buffer.alloc(5 * MIB));
  const two = await part(2, Buffer.from('small'));
  const three = await part(3, Buffer.from('last'));
  expect(await failure(complete([two, one]))).toEqual({ name: 'InvalidPartOrder', status: 400 });
  expect(await failure(complete([one, one]))).toEqual({ name: 'InvalidPartOrder', status: 400 });
  expect(await failure(complete([{ PartNumber: 9, ETag: '"x"' }]))).toEqual({ name: 'InvalidPart', status: 400 });
  expect(await failure(complete([one, two, three]))).toEqual({ name: 'EntityTooSmall', status: 400 });
  expect(await failure(complete([]))).toEqual({ name: 'MalformedXML', status: 400 });
  await complete([one, three]);
  expect(box.s3.objects()).toMatchObject([{ size: 5 * MIB + 4 }]);
});

test('a completed or aborted upload is no more', async () => {
  const box = await sandbox();
  const client = clientFor(box);
  const first = await begin(client);
  const part = await first.part(1, Buffer.from('x'));
  await first.complete([part]);
  const gone = { name: 'NoSuchUpload', status: 404 };
  expect(await failure(first.complete([part]))).toEqual(gone);

  const second = await begin(client);
  await second.part(1, Buffer.from('y'));
  const { UploadId } = second;
  await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
  expect(await failure(client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId })))).toEqual(gone);
  expect(await failure(client.send(new ListPartsCommand({ Bucket, Key, UploadId })))).toEqual(gone);
  expect(await failure(second.part(2, Buffer.from('z')))).toEqual(gone);
  expect((await box.s3.read(Key)).toString()).toBe('x');
});

test('If-None-Match: * on Complete keeps what is there, and the upload', async () => {
  const box = await sandbox();
  const client = clientFor(box);
  const { part, complete } = await begin(client);
  const one = await part(1, Buffer.from('new'));
  await client.send(new PutObjectCommand({ Bucket, Key, Body: 'old' }));
  expect(await failure(complete([one], { IfNoneMatch: '*' }))).toEqual({ name: 'PreconditionFailed', status: 412 });
  expect((await box.s3.read(Key)).toString()).toBe('old');
  expect(box.s3.uploads()).toHaveLength(1);
});

test('parts are listed page by page', async () => {
  const box = await sandbox();
  const client = clientFor(box);
  const { UploadId, part } = await begin(client);
  for (const number of [1, 2, 5, 10]) await part(number, Buffer.alloc(number));
  const seen: [number | undefined, number | undefined][] = [];
  let PartNumberMarker: string | undefined;
  let IsTruncated: boolean | undefined = true;
  while (IsTruncated) {
    const page = await client.send(new ListPartsCommand({ Bucket, Key, UploadId, MaxParts: 3, PartNumberMarker }));
    seen.push(...(page.Parts ?? []).map(({ PartNumber, Size }) => [PartNumber, Size] as (typeof seen)[0]));
    ({ IsTruncated, NextPartNumberMarker: PartNumberMarker } = page);
  }
  expect(seen).toEqual([
    [1, 1],
    [2, 2],
    [5, 5],
    [10, 10],
  ]);
});

test('open uploads are listed page by page, by key and then by age', async () => {
  const box = await sandbox();
  const client = clientFor(box);
  const begun: (string | undefined)[] = [];
  for (const key of ['3/a', '3/b', '3/b', '3/b', '30/c', '4/d']) begun.push((await begin(client, key)).UploadId);
  const seen: (string | undefined)[] = [];
  let KeyMarker: string | undefined;
  let UploadIdMarker: string | undefined;
  let IsTruncated: boolean | undefined = true;
  while (IsTruncated) {
    const page = await client.send(
      new ListMultipartUploadsCommand({ Bucket, Prefix: '3/', MaxUploads: 2, KeyMarker, UploadIdMarker }),
    );
    seen.push(...(page.Uploads ?? []).map(({ UploadId }) => UploadId));
    ({ IsTruncated, NextKeyMarker: KeyMarker, NextUploadIdMarker: UploadIdMarker } = page);
  }
  expect(seen).toEqual(begun.slice(0, 4));
});

test('discarded bodies are counted, hashed and read back as zeros', async () => {
  const box = await sandbox({ s3: { discardBodies: true } });
  const client = clientFor(box);
  const { part, complete } = await begin(client);
  const first = bytes(5 * MIB);
  const one = await part(1, first);
  expect(one.ETag).toBe(`"${createHash('md5').update(first).digest('hex')}"`);
  await complete([one, await part(2, bytes(9))]);
  expect(box.s3.objects()).toMatchObject([{ size: 5 * MIB + 9 }]);
  expect((await box.s3.read(Key)).equals(Buffer.alloc(5 * MIB + 9))).toBe(true);
});

test('bodies that are not verified still make an object', async () => {
  const box = await sandbox({ s3: { discardBodies: true, verifyBodies: false } });
  const client = clientFor(box);
  await new Upload({ client, params: { Bucket, Key, Body: bytes(11 * MIB) } }).done();
  expect(box.s3.objects()).toMatchObject([{ size: 11 * MIB }]);
});

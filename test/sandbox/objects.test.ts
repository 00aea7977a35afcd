import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { afterEach, describe, expect, test } from '@jest/globals';
import { bytes, cleanUp, clientFor, failure, MIB, sandbox } from './support.ts';

afterEach(cleanUp);
const Bucket = 'fyemeet';

describe.each(['WHEN_REQUIRED', 'WHEN_SUPPORTED'] as const)('objects, with checksums %s', mode => {
  const checksums = { requestChecksumCalculation: mode, responseChecksumValidation: mode };

  test('an object comes back with its bytes, type, headers and metadata', async () => {
    const box = await sandbox();
    const client = clientFor(box, checksums);
    const Body = bytes(3 * MIB + 17);
    await client.send(
      new PutObjectCommand({
        Bucket,
        Key: '3/vidéo (1)+&=.mkv',
        Body,
        ContentType: 'video/x-matroska',
        CacheControl: 'max-age=60',
        ContentDisposition: 'attachment; filename="a.mkv"',
        Metadata: { token: 'abc', 'two-words': 'x y' },
      }),
    );
    const got = await client.send(new GetObjectCommand({ Bucket, Key: '3/vidéo (1)+&=.mkv' }));
    expect(Buffer.from((await got.Body?.transformToByteArray()) ?? []).equals(Body)).toBe(true);
    expect(got).toMatchObject({
      ContentType: 'video/x-matroska',
      CacheControl: 'max-age=60',
      ContentDisposition: 'attachment; filename="a.mkv"',
      Metadata: { token: 'abc', 'two-words': 'x y' },
      ContentLength: Body.length,
      ETag: `"${createHash('md5').update(Body).digest('hex')}"`,
    });
    expect(got.ContentEncoding).toBeUndefined();
    expect((await box.s3.read('3/vidéo (1)+&=.mkv')).equals(Body)).toBe(true);
    expect(box.s3.objects()).toMatchObject([{ key: '3/vidéo (1)+&=.mkv', size: Body.length }]);
  });

  test('a stream of known length comes back whole, however it is encoded on the wire', async () => {
    const box = await sandbox();
    const client = clientFor(box, checksums);
    const whole = bytes(MIB + 3);
    const Body = Readable.from([whole.subarray(0, 100_000), whole.subarray(100_000)]);
    await client.send(new PutObjectCommand({ Bucket, Key: 'stream', Body, ContentLength: whole.length }));
    expect((await box.s3.read('stream')).equals(whole)).toBe(true);
  });
});

test('an empty object is an object', async () => {
  const box = await sandbox();
  const client = clientFor(box);
  await client.send(new PutObjectCommand({ Bucket, Key: 'empty', Body: Buffer.alloc(0) }));
  const got = await client.send(new GetObjectCommand({ Bucket, Key: 'empty' }));
  expect(await got.Body?.transformToString()).toBe('');
  expect(got.ContentLength).toBe(0);
});

test('HEAD tells what GET would, and 404 for what is not there', async () => {
  const box = await sandbox();
  const client = clientFor(box);
  await client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'hello', Metadata: { m: '1' } }));
  const head = await client.send(new HeadObjectCommand({ Bucket, Key: 'a' }));
  expect(head).toMatchObject({ ContentLength: 5, ContentType: 'application/octet-stream', Metadata: { m: '1' } });
  expect(await failure(client.send(new HeadObjectCommand({ Bucket, Key: 'b' })))).toEqual({
    name: 'NotFound',
    status: 404,
  });
  expect(await failure(client.send(new GetObjectCommand({ Bucket, Key: 'b' })))).toEqual({
    name: 'NoSuchKey',
    status: 404,
  });
});

test.each([
  ['bytes=0-3', 'abcd', 'bytes 0-3/10'],
  ['bytes=8-', 'ij', 'bytes 8-9/10'],
  ['bytes=-2', 'ij', 'bytes 8-9/10'],
  ['bytes=4-100', 'efghij', 'bytes 4-9/10'],
])('a range %s is answered with 206', async (Range, text, contentRange) => {
  const box = await sandbox();
  const client = clientFor(box);
  await client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'abcdefghij' }));
  const got = await client.send(new GetObjectCommand({ Bucket, Key: 'a', Range }));
  expect(await got.Body?.transformToString()).toBe(text);
  expect(got.ContentRange).toBe(contentRange);
  expect(got.$metadata.httpStatusCode).toBe(206);
});

test('a range beyond the end is answered with 416', async () => {
  const box = await sandbox();
  const client = clientFor(box);
  await client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'abc' }));
  const beyond = client.send(new GetObjectCommand({ Bucket, Key: 'a', Range: 'bytes=3-' }));
  expect(await failure(beyond)).toEqual({ name: 'InvalidRange', status: 416 });
});

test('If-None-Match: * stores only where nothing is, and If-Match only what is known', async () => {
  const box = await sandbox();
  const client = clientFor(box);
  const put = (Body: string, more: object) => client.send(new PutObjectCommand({ Bucket, Key: 'a', Body, ...more }));
  expect(await failure(put('0', { IfMatch: '"x"' }))).toEqual({ name: 'NoSuchKey', status: 404 });
  const { ETag } = await put('1', { IfNoneMatch: '*' });
  expect(await failure(put('2', { IfNoneMatch: '*' }))).toEqual({ name: 'PreconditionFailed', status: 412 });
  expect(await failure(put('3', { IfMatch: '"x"' }))).toEqual({ name: 'PreconditionFailed', status: 412 });
  expect((await box.s3.read('a')).toString()).toBe('1');
  await put('4', { IfMatch: ETag });
  expect((await box.s3.read('a')).toString()).toBe('4');
});

test('of many writers with If-None-Match: * one wins', async () => {
  const box = await sandbox();
  const client = clientFor(box);
  const tries = Array.from({ length: 10 }, (_, n) =>
    client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: `${n}`, IfNoneMatch: '*' })),
  );
  const outcomes = await Promise.allSettled(tries);
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});

test('lists page by page in UTF-8 order, with prefixes rolled up', async () => {
  const box = await sandbox();
  const client = clientFor(box);
  const keys = ['1/a', '1/b', '2/a b&<>', '2/\u{1F600}', '2/\uFF5E', 'top'];
  for (const Key of keys) await client.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }));

  const seen: (string | undefined)[] = [];
  let ContinuationToken: string | undefined;
  do {
    const page = await client.send(new ListObjectsV2Command({ Bucket, MaxKeys: 2, ContinuationToken }));
    seen.push(...(page.Contents ?? []).map(({ Key }) => Key));
    ContinuationToken = page.NextContinuationToken;
  } while (ContinuationToken);
  expect(seen).toEqual(['1/a', '1/b', '2/a b&<>', '2/\uFF5E', '2/\u{1F600}', 'top']);

  const rolled = await client.send(new ListObjectsV2Command({ Bucket, Delimiter: '/' }));
  expect(rolled.CommonPrefixes).toEqual([{ Prefix: '1/' }, { Prefix: '2/' }]);
  expect(rolled.Contents?.map(({ Key }) => Key)).toEqual(['top']);

  const encoded = await client.send(new ListObjectsV2Command({ Bucket, Prefix: '2/a', EncodingType: 'url' }));
  expect(encoded.Contents?.[0]?.Key).toBe('2/a%20b%26%3C%3E');
});

test('objects are deleted one by one and in bulk, and deleting nothing is no error', async () => {
  const box = await sandbox();
  const client = clientFor(box);
  for (const Key of ['a', 'b&c', 'd']) await client.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }));
  await client.send(new DeleteObjectCommand({ Bucket, Key: 'a' }));
  await client.send(new DeleteObjectCommand({ Bucket, Key: 'never' }));
  await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: 'b&c' }] } }));
  expect(box.s3.objects().map(({ key }) => key)).toEqual(['d']);
});

test('buckets are created, listed and missed', async () => {
  const box = await sandbox({ s3: { buckets: ['second'] } });
  const client = clientFor(box);
  await client.send(new CreateBucketCommand({ Bucket: 'third' }));
  const { Buckets } = await client.send(new ListBucketsCommand({}));
  expect(Buckets?.map(({ Name }) => Name)).toEqual(['fyemeet', 'second', 'third']);
  await client.send(new HeadBucketCommand({ Bucket: 'third' }));
  expect(await failure(client.send(new HeadBucketCommand({ Bucket: 'fourth' })))).toMatchObject({ status: 404 });
  expect(
    await failure(client.send(new PutObjectCommand({ Bucket: 'fourth', Key: 'a', Body: Buffer.alloc(0) }))),
  ).toEqual({
    name: 'NoSuchBucket',
    status: 404,
  });
});

test('opaque ETags are no MD5', async () => {
  const box = await sandbox({ s3: { etags: 'opaque' } });
  const { ETag } = await clientFor(box).send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'hello' }));
  expect(ETag).toMatch(/^"[0-9a-f]{32}"$/);
  expect(ETag).not.toContain(createHash('md5').update('hello').digest('hex'));
});

test('an operation that is denied is answered with 403, and no other', async () => {
  const box = await sandbox({ s3: { deny: ['HeadObject'] } });
  const client = clientFor(box);
  await client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'x' }));
  expect(await failure(client.send(new HeadObjectCommand({ Bucket, Key: 'a' })))).toMatchObject({ status: 403 });
  await client.send(new GetObjectCommand({ Bucket, Key: 'a' }));
  box.s3.deny(['GetObject']);
  await client.send(new HeadObjectCommand({ Bucket, Key: 'a' }));
  expect(await failure(client.send(new GetObjectCommand({ Bucket, Key: 'a' })))).toEqual({
    name: 'AccessDenied',
    status: 403,
  });
});

test('the log tells operation, key, status, bytes and connection of each request', async () => {
  const box = await sandbox();
  const client = clientFor(box);
  await client.send(new PutObjectCommand({ Bucket, Key: 'a/b', Body: 'hello' }));
  await failure(client.send(new GetObjectCommand({ Bucket, Key: 'c' })));
  expect(box.s3.requests()).toMatchObject([
    { operation: 'PutObject', bucket: Bucket, key: 'a/b', status: 200, bodyBytes: 5, connectionId: 1 },
    { operation: 'GetObject', key: 'c', status: 404, errorCode: 'NoSuchKey', bodyBytes: 0, connectionId: 1 },
  ]);
  const overHttp = await (await fetch(`${box.s3.url}/__requests`)).json();
  expect(overHttp).toEqual(JSON.parse(JSON.stringify(box.s3.requests())));
  box.s3.resetRequests();
  expect(box.s3.requests()).toEqual([]);
});

import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterEach, describe, expect, test } from '@jest/globals';
import { AwsChunkedDecoder } from '../../src/sandbox/s3/aws-chunked.ts';
import { authenticate, type SignedRequest } from '../../src/sandbox/s3/sigv4.ts';
import { cleanUp, clientFor, failure, sandbox } from './support.ts';

afterEach(cleanUp);
const Bucket = 'fyemeet';

// Amazon's own examples: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
const EXAMPLE_KEY = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
};
const SCOPE = 'AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request';
const EXAMPLE_TIME = { nowMs: Date.UTC(2013, 4, 24) };

describe("Amazon's examples", () => {
  const get: SignedRequest = {
    method: 'GET',
    rawPath: '/test.txt',
    query: [],
    headers: {
      host: ['examplebucket.s3.amazonaws.com'],
      range: ['bytes=0-9'],
      'x-amz-content-sha256': ['e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
      'x-amz-date': ['20130524T000000Z'],
      authorization: [
        `AWS4-HMAC-SHA256 Credential=${SCOPE},SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,` +
          'Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
      ],
    },
  };

  test('a signed GET is good', () => {
    expect(() => authenticate(get, EXAMPLE_KEY, EXAMPLE_TIME)).not.toThrow();
  });

  test.each([
    ['another path', { rawPath: '/test.tx' }],
    ['another method', { method: 'PUT' }],
    ['a query', { query: [['acl', '']] as [string, string][] }],
    ['another range', { headers: { ...get.headers, range: ['bytes=0-99'] } }],
  ])('the same signature with %s is not', (_, change) => {
    expect(() => authenticate({ ...get, ...change }, EXAMPLE_KEY, EXAMPLE_TIME)).toThrow(
      expect.objectContaining({ code: 'SignatureDoesNotMatch', status: 403 }),
    );
  });

  test('an x-amz header that is not signed is refused', () => {
    const added = { ...get, headers: { ...get.headers, 'x-amz-meta-a': ['1'] } };
    expect(() => authenticate(added, EXAMPLE_KEY, EXAMPLE_TIME)).toThrow(
      expect.objectContaining({ code: 'AccessDenied' }),
    );
  });

  test.each([
    [-15 * 60_000, true],
    [15 * 60_000, true],
    [-15 * 60_000 - 1000, false],
    [15 * 60_000 + 1000, false],
  ])('a clock that is %d ms off: accepted %s', (off, accepted) => {
    const attempt = () => authenticate(get, EXAMPLE_KEY, { nowMs: EXAMPLE_TIME.nowMs + off });
    if (accepted) expect(attempt).not.toThrow();
    else expect(attempt).toThrow(expect.objectContaining({ code: 'RequestTimeTooSkewed', status: 403 }));
  });

  test('a presigned URL is good until it expires', () => {
    const presigned: SignedRequest = {
      method: 'GET',
      rawPath: '/test.txt',
      query: [
        ['X-Amz-Algorithm', 'AWS4-HMAC-SHA256'],
        ['X-Amz-Credential', SCOPE],
        ['X-Amz-Date', '20130524T000000Z'],
        ['X-Amz-Expires', '86400'],
        ['X-Amz-SignedHeaders', 'host'],
        ['X-Amz-Signature', 'aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404'],
      ],
      headers: { host: ['examplebucket.s3.amazonaws.com'] },
    };
    expect(() => authenticate(presigned, EXAMPLE_KEY, EXAMPLE_TIME)).not.toThrow();
    expect(() => authenticate(presigned, EXAMPLE_KEY, { nowMs: EXAMPLE_TIME.nowMs + 86_401_000 })).toThrow(
      'Request has expired',
    );
  });

  // https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
  const streaming: SignedRequest = {
    method: 'PUT',
    rawPath: '/examplebucket/chunkObject.txt',
    query: [],
    headers: {
      host: ['s3.amazonaws.com'],
      'x-amz-date': ['20130524T000000Z'],
      'x-amz-storage-class': ['REDUCED_REDUNDANCY'],
      'x-amz-content-sha256': ['STREAMING-AWS4-HMAC-SHA256-PAYLOAD'],
      'content-encoding': ['aws-chunked'],
      'x-amz-decoded-content-length': ['66560'],
      'content-length': ['66824'],
      authorization: [
        `AWS4-HMAC-SHA256 Credential=${SCOPE},SignedHeaders=content-encoding;content-length;host;x-amz-content-sha256;` +
          'x-amz-date;x-amz-decoded-content-length;x-amz-storage-class,' +
          'Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9',
      ],
    },
  };
  const chunks = [
    `10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n${'a'.repeat(65536)}\r\n`,
    `400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n${'a'.repeat(1024)}\r\n`,
    '0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n',
  ].join('');

  test.each([1, 7, 1000, 100_000])('a chunk-signed body, in pieces of %d bytes, is good', size => {
    const decoder = new AwsChunkedDecoder(authenticate(streaming, EXAMPLE_KEY, EXAMPLE_TIME));
    const wire = Buffer.from(chunks);
    let length = 0;
    for (let at = 0; at < wire.length; at += size) {
      for (const piece of decoder.decode(wire.subarray(at, at + size))) length += piece.length;
    }
    expect(length).toBe(66_560);
    expect(decoder.done).toBe(true);
  });

  test('a chunk-signed body with one byte changed is not', () => {
    const decoder = new AwsChunkedDecoder(authenticate(streaming, EXAMPLE_KEY, EXAMPLE_TIME));
    expect(() => [...decoder.decode(Buffer.from(chunks.replace('\naaa', '\naab')))]).toThrow(
      expect.objectContaining({ code: 'SignatureDoesNotMatch' }),
    );
  });
});

describe('over the wire', () => {
  test('a wrong key and a wrong secret are told apart', async () => {
    const box = await sandbox();
    const { accessKeyId, secretAccessKey } = box.s3;
    const list = (credentials: { accessKeyId: string; secretAccessKey: string }) =>
      failure(clientFor(box, { credentials }).send(new ListObjectsV2Command({ Bucket })));
    expect(await list({ accessKeyId: 'other', secretAccessKey })).toEqual({ name: 'InvalidAccessKeyId', status: 403 });
    expect(await list({ accessKeyId, secretAccessKey: 'other' })).toEqual({
      name: 'SignatureDoesNotMatch',
      status: 403,
    });
  });

  test('a request without a signature is denied', async () => {
    const box = await sandbox();
    const answer = await fetch(`${box.s3.url}/${Bucket}?list-type=2`);
    expect(answer.status).toBe(403);
    expect(await answer.text()).toContain('<Code>AccessDenied</Code>');
    expect(answer.headers.get('x-amz-request-id')).toMatch(/^[0-9A-F]{16}$/);
  });

  test('a region that is demanded must be the signature’s', async () => {
    const box = await sandbox({ s3: { region: 'us-west-1' } });
    await clientFor(box).send(new ListObjectsV2Command({ Bucket }));
    const elsewhere = clientFor(box, { region: 'eu-central-1' }).send(new ListObjectsV2Command({ Bucket }));
    expect(await failure(elsewhere)).toEqual({ name: 'AuthorizationHeaderMalformed', status: 400 });
  });

  test('a server whose clock is off rejects, and the client that learns from Date succeeds', async () => {
    const box = await sandbox();
    const client = clientFor(box, { maxAttempts: 3 });
    box.faults.add({ server: 's3', times: Infinity, action: { clockSkewMs: 3600_000 } });
    await client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'x' }));
    expect(box.s3.requests()).toMatchObject([{ errorCode: 'RequestTimeTooSkewed', status: 403 }, { status: 200 }]);
  });

  test.each(["a'b(c)*!~.txt", 'a//b', '../up', 'ünï/cödé %20', '+ &=?#'])('the key %j is signed alike', async Key => {
    const box = await sandbox();
    const client = clientFor(box);
    await client.send(new PutObjectCommand({ Bucket, Key, Body: Key }));
    const got = await client.send(new GetObjectCommand({ Bucket, Key }));
    expect(await got.Body?.transformToString()).toBe(Key);
    expect(box.s3.objects().map(({ key }) => key)).toEqual([Key]);
  });
});

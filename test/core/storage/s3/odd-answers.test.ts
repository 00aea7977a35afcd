import { createHash } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import { describe, expect, jest, test } from '@jest/globals';
import { bufferBody } from '../../../../src/core/storage/body.ts';
import type { Bucket } from '../../../../src/core/storage/bucket.ts';
import { openBucket } from '../../../../src/core/storage/s3/s3-bucket.ts';
import { unlimited } from '../../../../src/core/storage/throttle.ts';
import { afterTest, failure } from '../support.ts';

const { signal } = new AbortController();

/** A bucket behind a server that says whatever it is told to say to each request, which is its number. */
async function bucketThat(
  answers: (socket: Socket, request: number, head: string) => void,
  stallMs?: number,
): Promise<Bucket> {
  const sockets = new Set<Socket>();
  let requests = 0;
  const server = createServer(socket => {
    sockets.add(socket.on('error', () => {}));
    let head = '';
    socket.on('data', bytes => {
      head += bytes.toString('latin1');
      if (!head.includes('\r\n\r\n')) return;
      const whole = head;
      head = '';
      answers(socket, ++requests, whole);
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const credentials = { accessKeyId: 'ada', secretAccessKey: 'fake-secret-for-tests' };
  const endpoint = `http://127.0.0.1:${port}`;
  const bucket = openBucket({
    endpoint,
    region: 'us-west-1',
    bucket: 'meetings',
    credentials,
    env: {},
    stallMs,
    machine: 'recorder-1',
  });
  afterTest(() => {
    bucket.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return bucket;
}

const answer = (head: string, body = '') => `HTTP/1.1 ${head}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const always = (text: string) => (socket: Socket) => socket.write(text);
const emptyBody = () => bufferBody(Buffer.alloc(0), createHash('sha256').digest(), { throttle: unlimited });
const putNothing = (bucket: Bucket) =>
  bucket.put('a', emptyBody(), { contentType: 'text/plain', metadata: {} }, signal);

describe('An answer out of the ordinary', () => {
  test('that wants another protocol (101) is a lost connection, and not waited for', async () => {
    const bucket = await bucketThat(
      always('HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n'),
    );
    expect(await failure(putNothing(bucket))).toMatchObject({ kind: 'transient', reason: 'ECONNRESET' });
  });

  test('that comes a byte at a time is waited for no longer than one that does not come', async () => {
    const bucket = await bucketThat(socket => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
      const drip = setInterval(() => socket.write('1\r\n<\r\n'), 5);
      socket.on('close', () => clearInterval(drip));
    }, 100);
    expect(await failure(bucket.list('a/', {}, signal))).toMatchObject({ kind: 'transient', reason: 'Stalled' });
  });

  test('that is longer than it says counts as it says, and is not waited for', async () => {
    const bucket = await bucketThat(always(`${answer('200 OK\r\nETag: "e"', 'ab')}and more`));
    expect(await putNothing(bucket)).toEqual({ etag: 'e' });
  });

  test('that stops in the middle is told as one in which no byte moved', async () => {
    const bucket = await bucketThat(always('HTTP/1.1 200 OK\r\nETag: "e"\r\nContent-Length: 9\r\n\r\nab'), 300);
    expect(await failure(putNothing(bucket))).toMatchObject({ kind: 'transient', reason: 'Stalled' });
  });

  test('whose ETag a proxy has made weak has the same ETag', async () => {
    const bucket = await bucketThat((socket, request) => {
      socket.write(answer(`200 OK\r\nETag: ${request === 1 ? '"e"' : 'W/"e"'}`));
    });
    expect((await bucket.head('a', signal))?.etag).toBe((await putNothing(bucket)).etag);
  });

  test('that announces a web page with the 404 to a HEAD says that there is no object', async () => {
    const bucket = await bucketThat(
      always('HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nContent-Length: 207\r\n\r\n'),
    );
    expect(await bucket.head('a', signal)).toBeUndefined();
  });

  test('whose document is called a Response in place of a Result is read', async () => {
    const part = '<Part><PartNumber>1</PartNumber><ETag>"e"</ETag><Size>5</Size></Part>';
    const bucket = await bucketThat(always(answer('200 OK', `<ListPartsResponse>${part}</ListPartsResponse>`)));
    expect((await bucket.listParts('a', 'u', signal)).parts).toMatchObject([{ number: 1, etag: 'e', sizeBytes: 5 }]);
  });

  test('of more bytes than any list has is none of an S3 service', async () => {
    const page = Buffer.alloc(1024 * 1024, ' ');
    const bucket = await bucketThat(socket => {
      socket.write('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<ListBucketResult>');
      for (let i = 0; i < 17; i++) socket.write(page);
      socket.end('</ListBucketResult>');
    });
    expect(await failure(bucket.list('', {}, signal))).toMatchObject({ reason: 'NotS3' });
  });
});

test('A request says which program and which machine sends it', async () => {
  let heard = '';
  const bucket = await bucketThat((socket, _request, head) => {
    heard = head;
    socket.write(answer('200 OK\r\nETag: "e"'));
  });
  await putNothing(bucket);
  expect(heard).toMatch(/^user-agent: .*\bapp\/recorder-1 recordupload\b/im);
});

const LISTS: [string, (bucket: Bucket) => Promise<unknown>][] = [
  ['ListBucketResult', bucket => bucket.list('', {}, signal)],
  ['ListPartsResult', bucket => bucket.listParts('a', 'u', signal)],
  ['ListMultipartUploadsResult', bucket => bucket.listUploads('', signal)],
];

describe.each([
  ['nothing', ''],
  ['white space', ' \n '],
  ['half a document', '<ListBucketResult><Name>meetings</Name>'],
  ['another document', '<InitiateMultipartUploadResult><Foo>bar</Foo></InitiateMultipartUploadResult>'],
  ['a web page', '<!doctype html><title>Log in</title>'],
  ['elements within elements without end', '<List>'.repeat(200_000)],
])('A list that is answered 200 with %s', (_, body) => {
  test.each(LISTS)('is no empty list (%s)', async (root, list) => {
    const error = await failure(list(await bucketThat(always(answer('200 OK', body)))));
    expect(error).toMatchObject({ kind: 'refused', reason: 'NotS3' });
    expect(error.message).toContain(`no ${root} in the answer`);
  });
});

describe('A document', () => {
  const part = '<Part><PartNumber>1</PartNumber><ETag>&quot;e&quot;</ETag><Size>5</Size></Part>';
  test.each([
    ['a byte order mark', `\xef\xbb\xbf<ListPartsResult>${part}</ListPartsResult>`],
    ['white space around it', `\n\n<ListPartsResult>\n${part}\n</ListPartsResult>\n\n`],
    ['a declaration and a comment', `<?xml version="1.0"?>\n<!-- 1 --><ListPartsResult>${part}</ListPartsResult>`],
    ['attributes', `<ListPartsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${part}</ListPartsResult>`],
  ])('with %s is read', async (_, text) => {
    const bucket = await bucketThat(socket => socket.write(answer('200 OK', text), 'latin1'));
    expect((await bucket.listParts('a', 'u', signal)).parts).toMatchObject([{ number: 1, etag: 'e', sizeBytes: 5 }]);
  });

  test('of an error in a 200 counts with white space behind it too', async () => {
    const bucket = await bucketThat(always(answer('200 OK', '<Error><Code>InvalidPart</Code></Error>\n')));
    const error = await failure(bucket.completeUpload('a', 'u', [{ number: 1, etag: 'e' }], {}, signal));
    expect(error).toMatchObject({ kind: 'refused', status: 400, reason: 'InvalidPart' });
  });
});

describe('The SDK', () => {
  test('says nothing on the console, whatever fails', async () => {
    const said: unknown[] = [];
    const spies = (['log', 'warn', 'error', 'info', 'debug'] as const).map(name =>
      jest.spyOn(console, name).mockImplementation((...words) => void said.push(words)),
    );
    const bucket = await bucketThat((socket, request) => {
      if (request === 1) socket.destroy();
      else socket.write(answer('503 Slow Down', request === 2 ? 'no document' : ''));
    });
    const send = () => bucket.uploadPart('a', 'u', 1, emptyBody(), signal);
    for (let tries = 0; tries < 3; tries++) expect(await failure(send())).toMatchObject({ kind: 'transient' });
    expect(await failure(putNothing(bucket))).toMatchObject({ kind: 'transient', status: 503 });
    for (const spy of spies) spy.mockRestore();
    expect(said).toEqual([]);
  });

  test('goes by our configuration alone, not by what the environment says to AWS tools', async () => {
    const before = { ...process.env };
    Object.assign(process.env, {
      AWS_PROFILE: 'nobody',
      AWS_REGION: 'eu-north-1',
      AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:9',
      AWS_USE_FIPS_ENDPOINT: 'true',
      AWS_USE_DUALSTACK_ENDPOINT: 'true',
      AWS_MAX_ATTEMPTS: '5',
      AWS_RETRY_MODE: 'adaptive',
      AWS_SDK_UA_APP_ID: 'not-ours',
      AWS_CONFIG_FILE: '/nowhere/config',
    });
    afterTest(() => {
      process.env = before;
    });
    const heads: string[] = [];
    const bucket = await bucketThat((socket, _, head) => {
      heads.push(head);
      socket.write('HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\n\r\n');
    });
    expect(await failure(bucket.head('a', signal))).toMatchObject({ status: 503 });
    // The GET that asks for the reason aside: AWS_MAX_ATTEMPTS does not count.
    expect(heads.filter(head => head.startsWith('HEAD '))).toHaveLength(1);
    expect(heads[0]).toMatch(/^HEAD \/meetings\/a HTTP/);
    expect(heads[0]).toMatch(/Credential=ada\/\d+\/us-west-1\/s3/);
    expect(heads[0]).not.toMatch(/not-ours/);
  });
});

describe('A refusal that comes before the whole body', () => {
  test('counts, and the rest is not sent', async () => {
    let received = 0;
    const bucket = await bucketThat(socket => {
      socket.on('data', bytes => {
        received += bytes.length;
      });
      socket.write(answer('403 Forbidden', '<Error><Code>AccessDenied</Code></Error>'));
    });
    const bytes = Buffer.alloc(64 * 1024 * 1024, 7);
    const body = bufferBody(bytes, createHash('sha256').update(bytes).digest(), { throttle: unlimited });
    const error = await failure(bucket.uploadPart('a', 'u', 1, body, signal));
    expect(error).toMatchObject({ status: 403, reason: 'AccessDenied' });
    expect(received).toBeLessThan(bytes.length);
  });
});

test('A list of parts that has no more is not asked on, though it says where it would go on', async () => {
  let requests = 0;
  const page =
    '<ListPartsResult><NextPartNumberMarker>7</NextPartNumberMarker><IsTruncated>false</IsTruncated></ListPartsResult>';
  const bucket = await bucketThat((socket, request) => {
    requests = request;
    socket.write(answer('200 OK', page));
  });
  expect((await bucket.listParts('a', 'u', signal)).parts).toEqual([]);
  expect(requests).toBe(1);
});

describe('A list that says it goes on', () => {
  const page = (root: string, marker: string, value: string) =>
    answer('200 OK', `<${root}><IsTruncated>true</IsTruncated><${marker}>${value}</${marker}></${root}>`);

  test.each<[string, string, (bucket: Bucket) => Promise<unknown>]>([
    ['ListBucketResult', 'NextContinuationToken', bucket => bucket.list('', {}, signal)],
    ['ListPartsResult', 'NextPartNumberMarker', bucket => bucket.listParts('a', 'u', signal)],
    ['ListMultipartUploadsResult', 'NextKeyMarker', bucket => bucket.listUploads('', signal)],
  ])('and begins again (%s) is no list of an S3 service', async (root, marker, list) => {
    // 1, 2, 0, 1: it goes in circles.
    const bucket = await bucketThat((socket, request) => socket.write(page(root, marker, String(request % 3))));
    expect(await failure(list(bucket))).toMatchObject({ kind: 'refused', reason: 'NotS3' });
  });
});

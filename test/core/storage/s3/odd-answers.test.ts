import { createHash } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { bufferBody } from '../../../../src/core/storage/body.ts';
import type { Bucket } from '../../../../src/core/storage/bucket.ts';
import { openBucket } from '../../../../src/core/storage/s3/s3-bucket.ts';
import { unlimited } from '../../../../src/core/storage/throttle.ts';
import { afterTest, failure } from '../support.ts';

const { signal } = new AbortController();

/** A bucket behind a server that says whatever it is told to say to each request, which is its number. */
async function bucketThat(answers: (socket: Socket, request: number) => void, stallMs?: number): Promise<Bucket> {
  const sockets = new Set<Socket>();
  let requests = 0;
  const server = createServer(socket => {
    sockets.add(socket.on('error', () => {}));
    let head = '';
    socket.on('data', bytes => {
      head += bytes.toString('latin1');
      if (!head.includes('\r\n\r\n')) return;
      head = '';
      answers(socket, ++requests);
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const credentials = { accessKeyId: 'ada', secretAccessKey: 'fake-secret-for-tests' };
  const endpoint = `http://127.0.0.1:${port}`;
  const bucket = openBucket({ endpoint, region: 'us-west-1', bucket: 'meetings', credentials, env: {}, stallMs });
  afterTest(() => {
    bucket.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return bucket;
}

const answer = (head: string, body = '') => `HTTP/1.1 ${head}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const always = (text: string) => (socket: Socket) => socket.write(text);
const putNothing = (bucket: Bucket) => {
  const body = bufferBody(Buffer.alloc(0), createHash('sha256').digest(), { throttle: unlimited });
  return bucket.put('a', body, { contentType: 'text/plain', metadata: {} }, signal);
};

describe('An answer out of the ordinary', () => {
  test('that wants another protocol (101) is a lost connection, and not waited for', async () => {
    const bucket = await bucketThat(
      always('HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n'),
    );
    expect(await failure(putNothing(bucket))).toMatchObject({ kind: 'transient', reason: 'ECONNRESET' });
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

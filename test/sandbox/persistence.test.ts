import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterEach, expect, test } from '@jest/globals';
import { bytes, cleanUp, clientFor, MIB, payload, post, sandbox, tempDir } from './support.ts';

afterEach(cleanUp);
const Bucket = 'fyemeet';

test('objects, open uploads and recordings are there after a restart, on the same ports', async () => {
  const dataDir = await tempDir();
  const before = await sandbox({ dataDir });
  const client = clientFor(before);
  const Body = bytes(2 * MIB);
  await client.send(new PutObjectCommand({ Bucket, Key: 'a', Body, ContentType: 'text/plain', Metadata: { m: '1' } }));
  await client.send(new PutObjectCommand({ Bucket, Key: 'b', Body }));
  await client.send(new DeleteObjectCommand({ Bucket, Key: 'b' }));
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'c' }));
  const part = (PartNumber: number) => ({ Bucket, Key: 'c', UploadId, PartNumber });
  const one = await client.send(new UploadPartCommand({ ...part(1), Body: bytes(5 * MIB) }));
  await post(before, payload());
  await post(before, payload({ test: true }));
  await before.close();

  const after = await sandbox({ dataDir });
  expect([after.s3.port, after.receiver.port]).toEqual([before.s3.port, before.receiver.port]);
  expect(after.s3.objects()).toEqual(before.s3.objects());
  expect((await after.s3.read('a')).equals(Body)).toBe(true);
  expect(after.s3.uploads()).toEqual(before.s3.uploads());
  expect(after.receiver.recordings()).toEqual(before.receiver.recordings());
  expect(after.receiver.testRecordings()).toHaveLength(1);
  expect((await post(after, payload())).status).toBe(200);

  const next = clientFor(after);
  const two = await next.send(new UploadPartCommand({ ...part(2), Body: 'end' }));
  const Parts = [one, two].map(({ ETag }, n) => ({ PartNumber: n + 1, ETag }));
  await next.send(new CompleteMultipartUploadCommand({ Bucket, Key: 'c', UploadId, MultipartUpload: { Parts } }));
  await after.close();
  const last = await sandbox({ dataDir });
  expect((await last.s3.read('c')).subarray(-3).toString()).toBe('end');
  expect(last.s3.uploads()).toEqual([]);
});

test('where a port of the last run is taken, another one does', async () => {
  const dataDir = await tempDir();
  const before = await sandbox({ dataDir });
  await before.close();
  const squatter = createServer().listen(before.s3.port, '127.0.0.1');
  try {
    const after = await sandbox({ dataDir });
    expect(after.s3.port).not.toBe(before.s3.port);
    expect(after.receiver.port).toBe(before.receiver.port);
  } finally {
    squatter.close();
  }
});

test('a port that was demanded and is taken is an error, and nothing stays open', async () => {
  const squatter = await sandbox();
  await expect(sandbox({ receiver: { port: squatter.s3.port } })).rejects.toThrow('EADDRINUSE');
});

test('only the bytes of objects and open uploads stay on disk', async () => {
  const dataDir = await tempDir();
  const segments = join(dataDir, 's3', 'segments');
  await mkdir(segments, { recursive: true });
  await writeFile(join(segments, 'left-by-a-crash.tmp'), 'x');
  const box = await sandbox({ dataDir });
  expect(await readdir(segments)).toEqual([]);

  const client = clientFor(box);
  for (const Body of ['one', 'two']) await client.send(new PutObjectCommand({ Bucket, Key: 'a', Body }));
  expect(await readdir(segments)).toHaveLength(1);
  await client.send(new DeleteObjectCommand({ Bucket, Key: 'a' }));
  expect(await readdir(segments)).toEqual([]);
});

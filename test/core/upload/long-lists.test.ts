import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { bufferBody } from '../../../src/core/storage/body.ts';
import { unlimited } from '../../../src/core/storage/throttle.ts';
import { count, isStored, KEY, machine, makeSource, sandbox, sentParts, THREE_PARTS } from '../storage/support.ts';
import { virtualClock } from '../storage/virtual-clock.ts';

const never = new AbortController().signal;
const PART = 16 * 1024;

test('An upload of more than a thousand parts is resumed whole: S3 lists a thousand at a time', async () => {
  const clock = virtualClock();
  const server = await sandbox({ now: clock.now, s3: { minPartSizeBytes: PART } });
  const file = await makeSource(THREE_PARTS);
  const bytes = readFileSync(file.path);
  const parts = bytes.length / PART;
  expect(parts).toBe(1088);
  const { bucket } = (await machine(server, { clock })).run().session;
  const { uploadId } = await bucket.createUpload(KEY, { contentType: 'video/x-matroska', metadata: {} }, never);
  for (let number = 1; number <= parts - 2; number++) {
    const part = bytes.subarray((number - 1) * PART, number * PART);
    const body = bufferBody(part, createHash('sha256').update(part).digest(), { throttle: unlimited });
    await bucket.uploadPart(KEY, uploadId, number, body, never);
  }
  clock.advance(3_600_000);
  server.s3.resetRequests();

  await (await machine(server, { clock })).run().upload(file);
  expect(sentParts(server)).toEqual([parts - 1, parts]);
  expect(count(server, 'ListParts')).toBeGreaterThanOrEqual(2);
  expect(await isStored(server, file)).toBe(true);
});

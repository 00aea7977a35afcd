import { createHash } from 'node:crypto';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createHasher } from '../../../src/core/storage/hasher.ts';
import { filler } from '../../support/make-recording.ts';
import { tempDir } from '../../support/temp-dir.ts';

/** Bytes: a range of this size is hashed by a thread, where there is one. */
const RANGE = 5 * 1024 * 1024;
const RANGES = 6;
const bytes = filler(RANGE * RANGES);
const digestOf = (algorithm: string, index: number) =>
  createHash(algorithm)
    .update(bytes.subarray(index * RANGE, (index + 1) * RANGE))
    .digest('hex');

const dir = tempDir();
let fd: number;
beforeAll(() => {
  writeFileSync(join(dir, 'video.mkv'), bytes);
  fd = openSync(join(dir, 'video.mkv'), 'r');
});
afterAll(() => closeSync(fd));

const realWorker = new URL('../../../src/core/storage/hash-worker.ts', import.meta.url).href;
/** A thread that runs these lines of a module. */
const threadOf = (...lines: string[]) => new URL(`data:text/javascript,${encodeURIComponent(lines.join('\n'))}`);

async function hashAll(workerUrl?: URL) {
  const hasher = createHasher({ cores: 3, ...(workerUrl && { workerUrl }) });
  try {
    hasher.prepare(64 * 1024 * 1024);
    const indexes = Array.from({ length: RANGES }, (_, index) => index);
    const digests = await Promise.all(indexes.map(index => hasher.hash(fd, index * RANGE, RANGE, { md5: true })));
    expect(digests.map(({ sha256 }) => sha256.toString('hex'))).toEqual(indexes.map(i => digestOf('sha256', i)));
    expect(digests.map(({ md5 }) => md5?.toString('hex'))).toEqual(indexes.map(i => digestOf('md5', i)));
  } finally {
    hasher.close();
  }
}

describe('every range gets its digest', () => {
  test('from threads', () => hashAll());

  test.each([
    ['cannot be loaded', new URL('file:///nowhere/hash-worker.js')],
    ['throw when they start', threadOf("throw new Error('too little memory')")],
    ['end when they start', threadOf('process.exit(0)')],
    [
      'end with their first range',
      threadOf("import { parentPort } from 'node:worker_threads'", "parentPort.on('message', () => process.exit(1))"),
    ],
    [
      'throw with their first range',
      threadOf(
        "import { parentPort } from 'node:worker_threads'",
        "parentPort.on('message', () => { throw new Error('too little memory') })",
      ),
    ],
  ])('where all threads %s', (_, workerUrl) => hashAll(workerUrl));

  test('where one thread ends, and another one is left', async () => {
    await hashAll(
      threadOf(
        `import '${realWorker}'`,
        "import { parentPort } from 'node:worker_threads'",
        "parentPort.on('message', ({ id }) => { if (id === 2) process.exit(1) })",
      ),
    );
  });
});

describe('what cannot be hashed', () => {
  test.each([
    ['a thread', undefined],
    ['the main thread', new URL('file:///nowhere/hash-worker.js')],
  ])('rejects with the error’s own fields, from %s', async (_, workerUrl) => {
    const hasher = createHasher({ ...(workerUrl && { workerUrl }) });
    const folder = openSync(dir, 'r');
    try {
      await expect(hasher.hash(folder, 0, RANGE)).rejects.toMatchObject({ code: 'EISDIR', syscall: 'read' });
      await expect(hasher.hash(fd, bytes.length, RANGE)).rejects.toThrow('the file became shorter');
    } finally {
      hasher.close();
      closeSync(folder);
    }
  });

  test('rejects once the hasher is closed', async () => {
    const hanging = threadOf("import { parentPort } from 'node:worker_threads'", "parentPort.on('message', () => {})");
    const hasher = createHasher({ workerUrl: hanging });
    const hashing = hasher.hash(fd, 0, RANGE);
    hasher.close();
    await expect(hashing).rejects.toThrow('closed');
  });
});

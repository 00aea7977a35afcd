import { truncateSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { statFile } from '../../../src/core/recording/file-identity.ts';
import { planParts } from '../../../src/core/storage/part-plan.ts';
import { hashAhead } from '../../../src/core/upload/hash-ahead.ts';
import { fileContext, type UploadSession } from '../../../src/core/upload/session.ts';
import { openSource } from '../../../src/core/upload/source-file.ts';
import {
  afterTest,
  count,
  ID,
  isStored,
  KEY,
  MIB,
  machine,
  makeSource,
  sandbox,
  THREE_PARTS,
} from '../storage/support.ts';

/** The session's hasher, which notes what it is asked for. */
function noting({ hasher }: UploadSession, note: (offset: number) => void): UploadSession['hasher'] {
  return {
    ...hasher,
    hash(fd, offset, ...rest) {
      note(offset);
      return hasher.hash(fd, offset, ...rest);
    },
  };
}

test('The first parts of a new upload are hashed while the store is asked for it', async () => {
  const server = await sandbox();
  const file = await makeSource(THREE_PARTS);
  const { session, upload } = (await machine(server)).run();
  const created: number[] = [];
  session.hasher = noting(session, () => created.push(count(server, 'CreateMultipartUpload')));
  await upload(file);
  expect(created).toEqual([0, 0, 0]);
  expect(await isStored(server, file)).toBe(true);
});

test.each([
  { partMib: 2, parts: 80, ahead: 64 },
  { partMib: 48, parts: 6, ahead: 4 },
])('Parts of $partMib MiB come in order, each hashed once, $ahead ahead at most', async ({ partMib, parts, ahead }) => {
  const server = await sandbox();
  const file = await makeSource(0);
  const sizeBytes = partMib * parts * MIB;
  truncateSync(file.path, sizeBytes);
  const { session } = (await machine(server)).run();
  const asked: number[] = [];
  session.hasher = noting(session, offset => asked.push(offset / partMib / MIB));
  const source = openSource({ ...file, ...statFile(file.path) });
  afterTest(() => source.close());
  const planned = planParts(sizeBytes, partMib * MIB);
  await using hashed = hashAhead(planned, source, fileContext(session, ID, file.name, KEY));
  expect(asked).toHaveLength(ahead);
  const numbers: number[] = [];
  for await (const { part } of hashed) {
    numbers.push(part.number);
    expect(asked.length).toBeLessThan(part.number + ahead);
  }
  expect(numbers).toEqual(planned.map(({ number }) => number));
  expect(asked).toEqual(planned.map((_, index) => index));
});

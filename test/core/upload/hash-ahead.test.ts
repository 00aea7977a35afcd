import { expect, test } from '@jest/globals';
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

test('Parts come in order, each hashed once, four ahead at most', async () => {
  const server = await sandbox();
  const file = await makeSource(8 * MIB);
  const { session } = (await machine(server)).run();
  const asked: number[] = [];
  session.hasher = noting(session, offset => asked.push(offset / MIB));
  const source = await openSource(file);
  afterTest(() => source.close());
  await using parts = hashAhead(planParts(file.sizeBytes, MIB), source, fileContext(session, ID, file.name, KEY));
  expect(asked).toEqual([0, 1, 2, 3]);
  const numbers: number[] = [];
  for await (const { part } of parts) {
    numbers.push(part.number);
    expect(asked.length).toBeLessThanOrEqual(part.number + 3);
  }
  expect(numbers).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(asked).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});

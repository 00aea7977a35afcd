import { appendFileSync, renameSync, rmSync, truncateSync, utimesSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import type { RecordingFile } from '../../../src/core/recording/recording.ts';
import {
  count,
  failure,
  lookAt,
  type Machine,
  MIB,
  machine,
  makeSource,
  refOf,
  sandbox,
  sentParts,
  THREE_PARTS,
  writeSource,
} from '../storage/support.ts';

const CHANGES: [string, (file: RecordingFile) => void][] = [
  ['grows', ({ path }) => appendFileSync(path, 'and one more thing')],
  ['is cut', ({ path }) => truncateSync(path, MIB)],
  ['vanishes', ({ path }) => rmSync(path)],
  [
    'is replaced by one that looks the same',
    ({ path, sizeBytes, mtimeNs }) => {
      const mtime = Number(BigInt(mtimeNs) / 1_000_000n) / 1000;
      writeSource(`${path}.new`, sizeBytes, 4);
      utimesSync(`${path}.new`, mtime, mtime);
      renameSync(`${path}.new`, path);
    },
  ],
  ['is written to in place', ({ path, sizeBytes }) => writeSource(path, sizeBytes, 4)],
  ['is touched', ({ path }) => utimesSync(path, 1, 1)],
];

/** A run in whose course the file changes as soon as one part of it is stored. */
function runWithChange(at: Machine, file: RecordingFile, change: (file: RecordingFile) => void) {
  const run = at.run();
  const { bucket } = run.session;
  let changed = false;
  const before =
    <Call extends unknown[], Answer>(method: (...call: Call) => Answer) =>
    (...call: Call) => {
      if (!changed) change(file);
      changed = true;
      return method(...call);
    };
  run.session.bucket = { ...bucket, put: before(bucket.put), uploadPart: before(bucket.uploadPart) };
  return run;
}

describe('A file that is being uploaded', () => {
  test.each(CHANGES)('and %s never completes', async (_, change) => {
    const server = await sandbox();
    const file = await makeSource(THREE_PARTS);
    const error = await failure(runWithChange(await machine(server), file, change).upload(file));
    expect(error).toMatchObject({ code: 'SOURCE_CHANGED', message: expect.stringMatching(/video\.mkv/) });
    // The store refuses bytes that are not those that were hashed; that is looked into before they are sent again.
    expect(sentParts(server)).toEqual([...new Set(sentParts(server))]);
    expect(count(server, 'CompleteMultipartUpload')).toBe(0);
    expect(server.s3.objects()).toEqual([]);
  });

  test.each(CHANGES)('in one request and %s is not claimed to be there', async (_, change) => {
    const server = await sandbox();
    const here = await machine(server);
    const file = await makeSource(100_000);
    const error = await failure(runWithChange(here, file, change).upload(file));
    expect(error.code).toBe('SOURCE_CHANGED');
    const ref = refOf(here.run().session.bucket, 'video.mkv');
    expect((await here.journal.file(ref))?.state).not.toBe('uploaded');
  });

  test.each(CHANGES)('and %s before the first byte is sent sends none', async (_, change) => {
    const server = await sandbox();
    const file = await makeSource(THREE_PARTS);
    change(file);
    const error = await failure((await machine(server)).run().upload(file));
    expect(error.code).toBe('SOURCE_CHANGED');
    expect(count(server, 'CreateMultipartUpload')).toBe(0);
  });

  test('and becomes another one is uploaded anew by the next run, which leaves nothing of the old one', async () => {
    const server = await sandbox();
    const here = await machine(server);
    const file = await makeSource(THREE_PARTS);
    await failure(
      runWithChange(here, file, ({ path, sizeBytes }) => writeSource(path, sizeBytes + MIB, 4)).upload(file),
    );

    const now = await lookAt(file.path);
    expect(await here.run().upload(now)).toMatchObject({ outcome: 'uploaded', sentBytes: now.sizeBytes });
    expect(server.s3.uploads()).toEqual([]);
    expect(server.s3.objects()).toEqual([expect.objectContaining({ size: now.sizeBytes })]);
  });

  test('and becomes a small one is uploaded in one request, and the upload in parts is given up', async () => {
    const server = await sandbox();
    const here = await machine(server);
    const file = await makeSource(THREE_PARTS);
    await failure(runWithChange(here, file, ({ path }) => writeSource(path, 1024, 4)).upload(file));
    expect(server.s3.uploads()).toHaveLength(1);

    await here.run().upload(await lookAt(file.path));
    expect(server.s3.uploads()).toEqual([]);
    expect(server.s3.objects()).toEqual([expect.objectContaining({ size: 1024 })]);
  });
});

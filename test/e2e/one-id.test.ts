import { rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { S3Operation } from '../../src/sandbox/s3/route.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { openDesk, openSandbox, readJson, sentBytes, webhooksOf } from '../support/desk.ts';
import { filler, freshId, makeRecording, type RecordingFolder } from '../support/make-recording.ts';

/* One id, one recording: what another machine stored under an id is not replaced. */

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await openSandbox();
});
beforeEach(() => {
  sandbox.faults.clear();
  sandbox.s3.resetRequests();
});
const keysOf = (id: string) =>
  sandbox.s3
    .objects()
    .map(({ key }) => key)
    .filter(key => key.startsWith(`${id}/`))
    .sort();
const read = async (key: string) => (await sandbox.s3.read(key)).toString();
const MACHINE = hostname().slice(0, 50);

/** Two recorders that have a recording of the same id. */
async function twoRecorders(first: RecordingFolder, second: RecordingFolder) {
  const id = freshId();
  const here = openDesk(sandbox);
  expect((await here.run(['upload', makeRecording({ ...first, name: id })])).code).toBe(0);
  const other = openDesk(sandbox);
  return { id, here, other, dir: makeRecording({ ...second, name: id }) };
}

describe('another recording with the id of one in the bucket', () => {
  test.each<[string, RecordingFolder, RecordingFolder]>([
    ['other files', { files: { 'video.mkv': 'one' } }, { files: { 'video.mkv': 'another' } }],
    ['files of the same size', { files: { 'video.mkv': 'one' } }, { files: { 'video.mkv': 'two' } }],
    [
      'a video of another kind',
      { files: { 'thumbnail.jpg': null, 'transcript.txt': null } },
      { files: { 'video.mkv': null, 'video.mp4': 'another', 'thumbnail.jpg': null, 'transcript.txt': null } },
    ],
    ['a large video', { videoBytes: 9_000_000 }, { files: { 'video.mkv': filler(9_000_001) } }],
  ])('that has %s is refused before a byte is sent; --force replaces it', async (_what, first, second) => {
    const { id, other, dir } = await twoRecorders(first, second);
    const before = sandbox.s3.objects().filter(({ key }) => key.startsWith(`${id}/`));
    sandbox.s3.resetRequests();

    const { code, stderr, stdout } = await other.run(['upload', dir]);
    expect(code).toBe(3);
    expect(stderr + stdout).toMatch(
      new RegExp(
        `the bucket has another one with this id: .*${id}/video\\.mkv \\(.*, stored 20.* UTC by ${MACHINE}\\)`,
      ),
    );
    expect(sentBytes(sandbox, id)).toEqual({});
    expect(sandbox.s3.objects().filter(({ key }) => key.startsWith(`${id}/`))).toEqual(before);
    expect(webhooksOf(sandbox, id)).toHaveLength(1);
    expect((await other.run(['status'])).stdout).toContain(id);

    const forced = await other.run(['upload', '--force', dir]);
    expect(forced.code).toBe(0);
    expect(webhooksOf(sandbox, id)).toHaveLength(2);
  });

  test('goes up under another id, as the hint says, and nothing is left to do then', async () => {
    const { other, dir } = await twoRecorders({}, { files: { 'video.mkv': 'another' } });
    expect((await other.run(['upload', dir])).stderr).toContain('upload it under another id with --id');
    expect((await other.run(['retry'])).code).toBe(3);
    expect((await other.run(['upload', dir, '--id', freshId()])).code).toBe(0);
    expect((await other.run(['status'])).code).toBe(0);
    expect((await other.run(['retry'])).code).toBe(0);
  });

  test('is refused as well if the key may only upload', async () => {
    const { id, other, dir } = await twoRecorders({}, { files: { 'video.mkv': 'another' } });
    const operations: S3Operation[] = ['HeadObject', 'GetObject', 'ListObjectsV2', 'ListMultipartUploads', 'ListParts'];
    sandbox.s3.deny(operations);
    const { code, stdout, stderr } = await other.run(['upload', dir]);
    sandbox.s3.deny([]);
    expect(code).toBe(3);
    expect(stdout + stderr).toContain('the access key may not read whose it is');
    expect(await read(`${id}/transcript.txt`)).toBe('Ada: shall we begin?\n');
  });
});

test('the same files from another machine are adopted: not a byte is sent', async () => {
  const { id, other, dir } = await twoRecorders({}, {});
  sandbox.s3.resetRequests();
  expect((await other.run(['upload', dir])).code).toBe(0);
  expect(Object.keys(sentBytes(sandbox, id)).filter(key => !key.endsWith('metadata.json'))).toEqual([]);
});

test("what was adopted from another machine is not this one's to replace", async () => {
  const { other, dir } = await twoRecorders({}, {});
  expect((await other.run(['upload', dir])).code).toBe(0);
  writeFileSync(join(dir, 'transcript.txt'), 'Ada: something else.\n');
  const { code, stdout, stderr } = await other.run(['upload', dir]);
  expect(code).toBe(3);
  expect(stdout + stderr).toContain('transcript.txt (21 B, stored');
  expect((await other.run(['upload', dir, '--force'])).code).toBe(0);
});

test('a recording that this machine uploaded is replaced when its files have changed', async () => {
  const id = freshId();
  const desk = openDesk(sandbox);
  const dir = makeRecording({ name: id });
  expect((await desk.run(['upload', dir])).code).toBe(0);
  writeFileSync(join(dir, 'transcript.txt'), 'Ada: corrected.\n');
  const { code, stdout } = await desk.run(['upload', dir]);
  expect(code).toBe(0);
  expect(stdout).not.toContain('delivered already');
  expect(await read(`${id}/transcript.txt`)).toBe('Ada: corrected.\n');
});

test('a run that uploads something again tells the server again', async () => {
  const id = freshId();
  const desk = openDesk(sandbox);
  const dir = makeRecording({ name: id });
  expect((await desk.run(['upload', dir])).code).toBe(0);
  // The same size, so that the payload says the same.
  writeFileSync(join(dir, 'transcript.txt'), 'Ada: shall we finish?'.slice(0, 21));
  const { code, stdout } = await desk.run(['upload', dir]);
  expect(code).toBe(0);
  expect(stdout).toContain('transcript.txt');
  expect(stdout).not.toContain('delivered already');
  expect(webhooksOf(sandbox, id)).toHaveLength(2);
  expect((await desk.run(['upload', dir])).stdout).toContain('delivered already');
});

describe('a race of two recorders', () => {
  test.each([
    ['small files', 3],
    ['videos in parts', 9_000_000],
  ])('with %s: one wins, and the server is told of it alone', async (_what, bytes) => {
    const id = freshId();
    const [one, two] = ['a', 'b'].map(letter => {
      const files = { 'video.mkv': Buffer.alloc(bytes, letter), 'thumbnail.jpg': null, 'transcript.txt': null };
      return { letter, desk: openDesk(sandbox), dir: makeRecording({ name: id, files }) };
    }) as [Recorder, Recorder];
    // Both have looked before either stores its video.
    const operation = bytes > 1000 ? 'CompleteMultipartUpload' : 'PutObject';
    sandbox.faults.add({ server: 's3', operation, key: `${id}/video.mkv`, times: 2, action: { delayMs: 1_500 } });
    const ends = await Promise.all([one, two].map(({ desk, dir }) => desk.run(['upload', dir])));
    expect(ends.map(({ code }) => code).sort()).toEqual([0, 3]);
    const winner = ends[0]?.code === 0 ? one : two;
    expect((await sandbox.s3.read(`${id}/video.mkv`)).equals(Buffer.alloc(bytes, winner.letter))).toBe(true);
    expect(webhooksOf(sandbox, id)).toHaveLength(1);
    expect(sandbox.s3.uploads()).toEqual([]);
  });
  interface Recorder {
    letter: string;
    desk: ReturnType<typeof openDesk>;
    dir: string;
  }

  test.each(['PutObject', 'CompleteMultipartUpload'])('is not what a lost answer of %s looks like', async operation => {
    const id = freshId();
    const desk = openDesk(sandbox);
    sandbox.faults.add({ server: 's3', operation, times: 3, action: { drop: 'after' } });
    const dir = makeRecording({ name: id, videoBytes: 9_000_000 });
    expect(await desk.run(['upload', dir])).toMatchObject({ code: 0 });
    expect(keysOf(id)).toHaveLength(4);
  });

  test('is not what a lost answer looks like to a key that may only upload', async () => {
    const id = freshId();
    const desk = openDesk(sandbox);
    sandbox.s3.deny(['HeadObject', 'GetObject', 'ListObjectsV2', 'ListMultipartUploads', 'ListParts']);
    sandbox.faults.add({ server: 's3', operation: 'PutObject', times: 3, action: { drop: 'after' } });
    sandbox.faults.add({ server: 's3', operation: 'CompleteMultipartUpload', action: { drop: 'after' } });
    const result = await desk.run(['upload', makeRecording({ name: id, videoBytes: 9_000_000 })]);
    sandbox.s3.deny([]);
    expect(result).toMatchObject({ code: 0 });
  });

  test('cannot be closed by a store that does not know conditional writes, and uploads work there all the same', async () => {
    for (const answer of [
      { status: 501, code: 'NotImplemented' },
      { status: 400, code: 'InvalidArgument', message: 'If-None-Match is not supported' },
      { status: 400, code: 'InvalidRequest' },
      { status: 400, body: 'bad header' },
    ]) {
      const desk = openDesk(sandbox);
      // The condition is refused once: then this store gets none any more.
      sandbox.faults.add({ server: 's3', operation: 'PutObject', action: { answer } });
      const files = { 'transcript.txt': null, 'thumbnail.jpg': null };
      expect(await desk.run(['upload', makeRecording({ files })])).toMatchObject({ code: 0 });
    }
  });
});

test('objects carry the name of their machine', async () => {
  const id = freshId();
  const desk = openDesk(sandbox);
  expect((await desk.run(['upload', makeRecording({ name: id, videoBytes: 9_000_000 })])).code).toBe(0);
  for (const { key, metadata } of sandbox.s3.objects()) {
    if (key.startsWith(`${id}/`)) expect({ key, ...metadata }).toMatchObject({ key, 'recordupload-machine': MACHINE });
  }
});

test('a refused recording stays unfinished, and its JSON says why', async () => {
  const { id, other, dir } = await twoRecorders({}, { files: { 'video.mkv': 'another' } });
  const { code, stdout, stderr } = await other.run(['upload', '--json', dir]);
  expect(code).toBe(3);
  expect(stdout + stderr).toContain(`recording ${id}: the bucket has another one with this id`);
  const { result } = readJson<{ uploads: unknown[] }>(await other.run(['retry', '--list', '--json']));
  expect(result.uploads).toMatchObject([{ recordingId: id, state: 'partial' }]);
  rmSync(dir, { recursive: true });
});

import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Fault } from '../../src/sandbox/faults/faults.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { type Desk, openDesk, openSandbox, webhooksOf } from '../support/desk.ts';
import { filler, freshId, makeRecording, type RecordingFolder } from '../support/make-recording.ts';

/* Two recorders begin one ID at the same moment, with videos of different names: no object of one is in the other's way. */

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await openSandbox();
});
beforeEach(() => {
  sandbox.faults.clear();
  sandbox.s3.deny([]);
});

const MACHINE = hostname().slice(0, 50);
const times = Number.POSITIVE_INFINITY;

interface Recorder {
  desk: Desk;
  dir: string;
  video: string;
}

function recorders(id: string, { videoBytes = 3, onlyVideos = false } = {}): { mkv: Recorder; mp4: Recorder } {
  const of = (video: string, other: string): Recorder => {
    const others: RecordingFolder['files'] = onlyVideos ? { 'thumbnail.jpg': null, 'transcript.txt': null } : {};
    const files = { [video]: filler(videoBytes), [other]: null, ...others };
    return { desk: openDesk(sandbox), dir: makeRecording({ name: id, files }), video };
  };
  return { mkv: of('video.mkv', 'video.mp4'), mp4: of('video.mp4', 'video.mkv') };
}

/** Runs `first` to its end after `second` has looked at the bucket, and before its video is there. */
async function secondComesLater(id: string, { first, second, options = [] }: Order) {
  // Cut off before the store has it, until the other has ended.
  const rule = { server: 's3', operation: 'PutObject', key: `${id}/${second.video}`, times } as const;
  const held = sandbox.faults.add({ ...rule, action: { drop: 'before' } });
  const later = second.desk.start(['upload', second.dir, ...options]);
  await matched(held);
  const early = await first.desk.run(['upload', first.dir]);
  held.remove();
  return { early, late: await later.result };
}
interface Order {
  first: Recorder;
  second: Recorder;
  options?: string[];
}

async function matched(fault: Fault): Promise<void> {
  while (fault.matched() === 0) await sleep(10);
}

const videoOf = async (id: string) =>
  (JSON.parse((await sandbox.s3.read(`${id}/metadata.json`)).toString()) as Told).uploaded_files.video;
interface Told {
  uploaded_files: Record<string, string>;
}
const toldOf = (id: string) =>
  webhooksOf(sandbox, id).map(({ body }) => (body as unknown as Told).uploaded_files.video);

/** What the loser says, and that the winner's recording is whole. */
async function expectWinner(id: string, winner: Recorder, loser: Recorder, said: string): Promise<void> {
  expect(said).toMatch(
    new RegExp(`another one with this id: ${id}/${winner.video} \\(.*, stored 20.* UTC by ${MACHINE}\\)`),
  );
  const link = expect.stringMatching(new RegExp(`/${id}/${winner.video}$`)) as unknown;
  expect(await videoOf(id)).toEqual(link);
  expect(toldOf(id)).toEqual([link]);
  expect((await winner.desk.run(['verify', id, '--full'])).code).toBe(0);
  expect((await loser.desk.run(['status', id])).stdout).toContain('another one with this id');
  expect((await loser.desk.run(['retry'])).code).toBe(3);
  expect(toldOf(id)).toEqual([link]);
}

describe('of two recorders', () => {
  test.each([
    ['small videos', 3],
    ['videos in parts', 9_000_000],
  ])('with %s, which both have stored all their files: one wins', async (_what, videoBytes) => {
    const id = freshId();
    const { mkv, mp4 } = recorders(id, { videoBytes });
    const rule = { server: 's3', operation: 'PutObject', key: `${id}/metadata.json`, times: 2 } as const;
    sandbox.faults.add({ ...rule, action: { delayMs: 2_000 } });
    const ends = await Promise.all([mkv, mp4].map(({ desk, dir }) => desk.run(['upload', dir])));
    expect(ends.map(({ code }) => code).sort()).toEqual([0, 3]);
    const [winner, loser] = ends[0]?.code === 0 ? [mkv, mp4] : [mp4, mkv];
    const lost = ends.find(({ code }) => code === 3);
    await expectWinner(id, winner, loser, `${lost?.stdout}${lost?.stderr}`);
  });

  test.each([[false], [true]])('the one that stores metadata.json first wins (only videos: %s)', async onlyVideos => {
    const id = freshId();
    const { mkv, mp4 } = recorders(id, { onlyVideos });
    const { early, late } = await secondComesLater(id, { first: mkv, second: mp4 });
    expect([early.code, late.code]).toEqual([0, 3]);
    await expectWinner(id, mkv, mp4, `${late.stdout}${late.stderr}`);
  });

  test('the loser does what the hint says, and nothing is left to do then', async () => {
    const id = freshId();
    const { mkv, mp4 } = recorders(id);
    const { late } = await secondComesLater(id, { first: mkv, second: mp4 });
    expect(late.stderr).toContain('upload it under another id with --id, and end this upload: recordupload forget');
    const other = freshId();
    expect((await mp4.desk.run(['upload', mp4.dir, '--id', other])).code).toBe(0);
    expect((await mp4.desk.run(['forget', id])).code).toBe(0);
    expect((await mp4.desk.run(['status'])).code).toBe(0);
    expect((await mp4.desk.run(['retry'])).code).toBe(0);
    expect((await mkv.desk.run(['verify', id])).code).toBe(0);
    expect(toldOf(other)).toHaveLength(1);
  });

  test('the later one replaces what the bucket has with --force', async () => {
    const id = freshId();
    const { mkv, mp4 } = recorders(id);
    const { late } = await secondComesLater(id, { first: mkv, second: mp4, options: ['--force'] });
    expect(late.code).toBe(0);
    expect(await videoOf(id)).toMatch(/video\.mp4$/);
    expect(toldOf(id)).toHaveLength(2);
  });

  test('none is told of if both see each other in a store without conditional writes', async () => {
    const id = freshId();
    const { mkv, mp4 } = recorders(id, { onlyVideos: true });
    for (const { video } of [mkv, mp4]) withoutConditions(`${id}/${video}`);
    const ends = await Promise.all([mkv, mp4].map(({ desk, dir }) => desk.run(['upload', dir])));
    const codes = ends.map(({ code }) => code);
    expect(codes).toContain(3);
    expect(toldOf(id)).toHaveLength(codes.filter(code => code === 0).length);
  });

  test('the later one sees the other in a store without conditional writes, too', async () => {
    const id = freshId();
    const { mkv, mp4 } = recorders(id, { onlyVideos: true });
    withoutConditions(`${id}/video.mp4`);
    const { early, late } = await secondComesLater(id, { first: mkv, second: mp4 });
    expect([early.code, late.code]).toEqual([0, 3]);
    await expectWinner(id, mkv, mp4, `${late.stdout}${late.stderr}`);
  });

  test('the later one does not tell the server even if its key may only upload', async () => {
    const id = freshId();
    const { mkv, mp4 } = recorders(id, { onlyVideos: true });
    sandbox.s3.deny(['HeadObject', 'GetObject', 'ListObjectsV2', 'ListMultipartUploads', 'ListParts']);
    const { early, late } = await secondComesLater(id, { first: mkv, second: mp4 });
    sandbox.s3.deny([]);
    expect([early.code, late.code]).toEqual([0, 3]);
    expect(late.stderr).toContain(`${id}/metadata.json (the access key may not read whose it is)`);
    expect(toldOf(id)).toHaveLength(1);
  });
});

describe('one recorder is not refused by its own metadata.json', () => {
  test('whose response was lost', async () => {
    const id = freshId();
    const { mkv } = recorders(id);
    const rule = { server: 's3', operation: 'PutObject', key: `${id}/metadata.json`, times: 3 } as const;
    const lost = sandbox.faults.add({ ...rule, action: { drop: 'after' } });
    expect(await mkv.desk.run(['upload', mkv.dir])).toMatchObject({ code: 0 });
    expect(lost.hits()).toBe(3);
    expect(toldOf(id)).toHaveLength(1);
  });

  test('whose response was lost, with a key that may only upload', async () => {
    const id = freshId();
    const { mkv } = recorders(id);
    sandbox.s3.deny(['HeadObject', 'GetObject', 'ListObjectsV2', 'ListMultipartUploads', 'ListParts']);
    const rule = { server: 's3', operation: 'PutObject', key: `${id}/metadata.json` } as const;
    sandbox.faults.add({ ...rule, action: { drop: 'after' } });
    expect(await mkv.desk.run(['upload', mkv.dir])).toMatchObject({ code: 0 });
  });

  test('that a killed run stored and did not note', async () => {
    const id = freshId();
    const { mkv } = recorders(id);
    const rule = { server: 's3', operation: 'PutObject', key: `${id}/metadata.json` } as const;
    const hung = sandbox.faults.add({ ...rule, action: { hang: 'after' } });
    const run = mkv.desk.start(['upload', mkv.dir]);
    await matched(hung);
    while (!sandbox.s3.objects().some(({ key }) => key === `${id}/metadata.json`)) await sleep(10);
    run.kill('SIGKILL');
    await run.result;
    expect(await mkv.desk.run(['upload', mkv.dir, '--title', 'Another title'])).toMatchObject({ code: 0 });
    expect(toldOf(id)).toHaveLength(1);
  });

  test('of another machine with the same files: both may announce it', async () => {
    const id = freshId();
    const { mkv } = recorders(id);
    expect((await mkv.desk.run(['upload', mkv.dir])).code).toBe(0);
    const other = openDesk(sandbox);
    expect((await other.run(['upload', mkv.dir, '--title', 'Another title'])).code).toBe(0);
    expect(toldOf(id)).toHaveLength(2);
  });
});

/** Each process learns from its first write that the store does not know the condition. */
function withoutConditions(key: string): void {
  const answer = { status: 501, code: 'NotImplemented' };
  sandbox.faults.add({ server: 's3', operation: 'PutObject', key, action: { answer } });
}

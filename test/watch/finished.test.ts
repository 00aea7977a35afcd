import { describe, expect, test } from '@jest/globals';
import { createBackoff } from '../../src/app/watch/backoff.ts';
import { judge, Observation, type Verdict } from '../../src/app/watch/finished.ts';
import type { FolderLook, SeenFile } from '../../src/app/watch/folder-look.ts';
import { isUnfinishedName } from '../../src/core/recording/file-roles.ts';
import type { Openness } from '../../src/core/recording/writers.ts';

/* When a recording is finished, on a clock that the tests turn. */

const NOW = Date.UTC(2025, 9, 25, 1, 55);
const HOUR = 3_600_000;
const RULES = { settleMs: 3_000, quietMs: 60_000, isEnqueued: false };

interface Seen {
  sizeBytes?: number;
  /** How long before the start its time stamp is, in milliseconds. */
  ageMs?: number;
  open?: Openness;
  unfinished?: string;
  marker?: string;
  isEnqueued?: boolean;
}

/** A recording that is looked at; `at` is the time since the first look. */
function recording() {
  const observation = new Observation();
  return async (at: number, { sizeBytes = 100, ageMs = HOUR, open = 'unknown', ...seen }: Seen = {}) => {
    const mtimeMs = NOW - ageMs;
    const video: SeenFile = {
      name: 'video.mkv',
      role: 'video',
      path: '/r/42/video.mkv',
      sizeBytes,
      mtimeNs: String(BigInt(mtimeMs) * 1_000_000n),
      inode: '7',
      device: 1,
      uid: 1000,
      gid: 1000,
      mode: 0o644,
      changedAt: mtimeMs,
    };
    const { unfinished, marker, isEnqueued = false } = seen;
    const look: FolderLook = { dir: '/r/42', files: [video], unfinished, marker };
    const moment = { now: NOW + at, monotonic: 5_000 + at };
    observation.see(look, moment);
    const verdict = await judge(look, observation, { ...RULES, isEnqueued }, moment, async () => open);
    return says(verdict);
  };
}

const says = (verdict: Verdict) => (verdict.finished ? verdict.by : verdict.reason);

describe('a recording is finished', () => {
  test('once nobody has it open and it has settled, confirmed by two looks', async () => {
    const look = recording();
    expect(await look(0, { open: 'closed' })).toBe('was found a moment ago');
    expect(await look(1_000, { open: 'closed' })).toBe('closed');
  });

  test('not while somebody has it open, however quiet it is', async () => {
    const look = recording();
    await look(0, { open: 'open' });
    expect(await look(2 * HOUR, { open: 'open' })).toBe('video.mkv is still open for writing');
  });

  test('where nobody can tell who has it open, once nothing has changed for the quiet time', async () => {
    const look = recording();
    await look(0, { sizeBytes: 100, ageMs: 0 });
    expect(await look(1_000, { sizeBytes: 200, ageMs: -1_000 })).toBe('video.mkv is still being written');
    expect(await look(31_000, { sizeBytes: 200, ageMs: -1_000 })).toBe('video.mkv changed 30 s ago');
    expect(await look(61_000, { sizeBytes: 200, ageMs: -1_000 })).toBe('quiet');
  });

  test('at once if its marker is there, not while a file in it has an unfinished name', async () => {
    const look = recording();
    expect(await look(0, { marker: 'done' })).toBe('marker');
    expect(await look(10, { marker: 'done', unfinished: 'video.mp4.part' })).toBe(
      'has video.mp4.part, which is not finished',
    );
  });

  test('once it was handed over, if it is closed or has settled', async () => {
    const look = recording();
    const fresh = { ageMs: 0, isEnqueued: true };
    expect(await look(0, { ...fresh, open: 'open' })).toBe('video.mkv is still open for writing');
    expect(await look(10, { ...fresh, open: 'closed' })).toBe('enqueued');
    expect(await look(3_100, { ...fresh, open: 'unknown' })).toBe('enqueued');
  });

  test('never while it is empty', async () => {
    const look = recording();
    await look(0, { sizeBytes: 0 });
    expect(await look(2 * HOUR, { sizeBytes: 0, open: 'closed' })).toBe('video.mkv is empty');
  });
});

describe('clocks that lie', () => {
  test('a time stamp in the future counts as now: the file settles by what is seen of it', async () => {
    const look = recording();
    expect(await look(0, { ageMs: -HOUR, open: 'closed' })).toBe('video.mkv is still being written');
    expect(await look(3_100, { ageMs: -HOUR, open: 'closed' })).toBe('closed');
  });

  test('an old time stamp on a file that has just changed proves nothing', async () => {
    const look = recording();
    await look(0, { sizeBytes: 100 });
    expect(await look(1_000, { sizeBytes: 200, ageMs: HOUR - 1, open: 'closed' })).toBe(
      'video.mkv is still being written',
    );
    expect(await look(4_000, { sizeBytes: 200, ageMs: HOUR - 1, open: 'closed' })).toBe('closed');
  });
});

describe('names of files that are not finished', () => {
  test.each([
    'video.mkv.part',
    'video.mp4.tmp',
    'video.mp4.crdownload',
    'meeting.mp4.partial',
    '.video.mkv.x7Ka3P',
    '.syncthing.video.mkv.tmp',
    'video.webm.download',
    'video.mkv~',
    'recording.json.tmp',
  ])('%s', name => expect(isUnfinishedName(name)).toBe(true));

  test.each(['video.mkv', 'transcript.txt~', 'notes.tmp', '.bashrc', 'thumbnail.jpg', 'part.mkv'])('but not %s', name =>
    expect(isUnfinishedName(name)).toBe(false),
  );
});

test('an upload that fails is tried again after 5 s, 30 s, 2 min, 10 min and every 30 min', () => {
  const backoff = createBackoff();
  const pauses = [1, 2, 3, 4, 5, 6].map(() => backoff.failed('42', 1_000));
  expect(pauses.map(ms => ms / 1_000)).toEqual([5, 30, 120, 600, 1_800, 1_800]);
  expect(backoff.waitMs('42', 1_801_000)).toBe(0);
  expect(backoff.waitMs('42', 1_000)).toBe(1_800_000);
  expect(backoff.waitMs('43', 1_000)).toBe(0);
  backoff.hurry();
  expect(backoff.waitMs('42', 1_000)).toBe(0);
  expect(backoff.failed('42', 1_000)).toBe(1_800_000);
  backoff.ended('42');
  expect(backoff.waitMs('42', 1_000)).toBe(0);
});

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { AppError } from '../../../src/core/errors.ts';
import { openOverview, openState } from '../../../src/state/open.ts';
import { RECORDING, TARGET } from '../conformance/facts.ts';
import { tempFolder } from './support.ts';

/* Whatever is damaged: the state says so or is read as it was, and is never an unknown error or said to be empty. */

const PAGE = 4096;
const RECORDINGS = 60;

let whole: Buffer;
beforeAll(async () => {
  const dir = tempFolder();
  const state = await openState(dir);
  for (let number = 1; number <= RECORDINGS; number++) {
    const id = String(number);
    const payload = JSON.stringify({ recording_id: number, title: 'Weekly '.repeat(40) });
    await state.journal.begin(TARGET, { ...RECORDING, id: id as never }, { webhooks: true, now: number });
    await state.outbox.enqueue({ recordingId: id, endpoints: ['ops'], payload, contentHash: id, now: number });
  }
  await state.close();
  whole = readFileSync(join(dir, 'state.db'));
});

/** What is read of a file: how many recordings and webhooks, and whether damage is reported. */
async function readingOf(bytes: Buffer) {
  const dir = tempFolder();
  mkdirSync(join(dir, 'owners'), { mode: 0o700 });
  writeFileSync(join(dir, 'state.db'), bytes, { mode: 0o600 });
  try {
    const open = await openOverview(dir);
    if (!open) return { known: 'nothing was ever uploaded' };
    const { counts } = await open.all({ limit: 5 });
    const recordings = (await open.recent({ limit: 1000 })).length;
    await open.recording('30');
    const damage = open.damage();
    open.close();
    return { damage, recordings, webhooks: counts.waiting, known: damage ? 'damaged' : 'sound' };
  } catch (error) {
    if (error instanceof AppError && error.code === 'STATE') return { known: 'unreadable' };
    throw error;
  }
}

const changed = (change: (bytes: Buffer) => void) => {
  const bytes = Buffer.from(whole);
  change(bytes);
  return bytes;
};

describe('a damaged state', () => {
  test('each page of zeros costs only what it had: rows on both sides of it are read', async () => {
    const worst = { recordings: RECORDINGS, webhooks: RECORDINGS, unreadable: 0 };
    for (let start = 0; start < whole.length; start += PAGE) {
      const found = await readingOf(changed(bytes => bytes.fill(0, start, start + PAGE)));
      expect({ start, known: found.known }).toEqual({ start, known: expect.stringMatching(/^(damaged|unreadable)$/) });
      if (found.known === 'unreadable') worst.unreadable++;
      // Pages from which all others of a table are reached.
      else if (found.damage?.unreadable.some(one => one.all)) continue;
      else worst.recordings = Math.min(worst.recordings, found.recordings ?? 0);
    }
    // A leaf has less than twenty recordings. Unreadable: the pages of the schema alone.
    expect(worst.recordings).toBeGreaterThan(RECORDINGS - 20);
    expect(worst.recordings).toBeLessThan(RECORDINGS);
    expect(worst.unreadable).toBeLessThanOrEqual(5);
  });

  test('each bit of the header, and many others: read whole, or reported', async () => {
    const places = [
      ...Array.from({ length: 100 }, (_, at) => at),
      ...Array.from({ length: 400 }, (_, index) => (index * 2_654_435_761) % whole.length),
    ];
    for (const [index, at] of places.entries()) {
      const found = await readingOf(changed(bytes => bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << (index % 8)), at)));
      const isWhole = found.recordings === RECORDINGS && found.webhooks === RECORDINGS;
      expect({ at, found: isWhole ? 'whole' : found.known }).toEqual({
        at,
        found: expect.stringMatching(/^(whole|damaged|unreadable)$/),
      });
    }
  });

  test.each([0.2, 0.4, 0.6, 0.8, 0.95])('that ends at %d of its length is reported', async share => {
    const { known } = await readingOf(whole.subarray(0, Math.floor(whole.length * share)));
    expect(known).toMatch(/^(damaged|unreadable)$/);
  });
});

test('folders that wait are kept in the new file, whichever system their paths are of', async () => {
  const dir = tempFolder();
  const dirs = ['/r/3', 'C:\\r\\4', 'd:/r/5', '\\\\nas\\r\\6', 'r/7'];
  const asked = { title: 'Weekly sync', webhook: true, force: false, finished: false };
  const first = await openState(dir);
  await first.journal.begin(TARGET, RECORDING, { webhooks: true, now: 1 });
  await first.queue.add(
    dirs.map(one => ({ dir: one, recordingId: one.slice(-1), origin: 'enqueued', asked })),
    1,
  );
  await first.close();
  const file = join(dir, 'state.db');
  const database = new DatabaseSync(file);
  const page = Number(database.prepare("SELECT rootpage AS n FROM sqlite_schema WHERE name = 'recordings'").get()?.n);
  database.close();
  const bytes = readFileSync(file);
  writeFileSync(file, bytes.fill(0, (page - 1) * PAGE, page * PAGE));
  writeFileSync(join(dir, 'state.db.damaged'), '');

  const second = await openState(dir);
  expect((await second.queue.due(Number.MAX_SAFE_INTEGER)).map(one => one.dir).sort()).toEqual(
    dirs.slice(0, -1).sort(),
  );
  await second.close();
});

describe('a large state, whose file is not checked at each look', () => {
  let file: Buffer;
  beforeAll(async () => {
    const dir = tempFolder();
    const state = await openState(dir);
    await state.journal.begin(TARGET, RECORDING, { webhooks: true, now: 1 });
    const payload = JSON.stringify({ title: 'x'.repeat(5 * 1024 * 1024) });
    const recordingId = RECORDING.id;
    await state.outbox.enqueue({ recordingId, endpoints: ['ops'], payload, contentHash: '1', now: 1 });
    await state.queue.add(
      [
        {
          dir: '/r/5',
          recordingId: '5',
          origin: 'enqueued',
          asked: { title: 'Weekly sync', webhook: true, force: false, finished: false },
        },
      ],
      1,
    );
    await state.close();
    file = readFileSync(join(dir, 'state.db'));
  });

  /** Makes a table's first page one without rows, as a write that went to another place would. */
  async function emptied(table: string) {
    const dir = tempFolder();
    mkdirSync(join(dir, 'owners'), { mode: 0o700 });
    writeFileSync(join(dir, 'state.db'), file, { mode: 0o600 });
    const database = new DatabaseSync(join(dir, 'state.db'));
    const page = Number(database.prepare('SELECT rootpage AS n FROM sqlite_schema WHERE name = ?').get(table)?.n);
    database.close();
    const bytes = readFileSync(join(dir, 'state.db'));
    bytes.fill(0, (page - 1) * PAGE, page * PAGE);
    Buffer.from([0x0d, 0, 0, 0, 0, PAGE >> 8, 0, 0]).copy(bytes, (page - 1) * PAGE);
    writeFileSync(join(dir, 'state.db'), bytes);
    const open = await openOverview(dir);
    if (!open) throw new Error('no state');
    return open;
  }

  test('is never said to have an empty queue, or no recordings, unless that is so', async () => {
    const queue = await emptied('queue');
    expect(await queue.queue({ limit: 20 })).toEqual([]);
    expect(queue.damage()).toBeDefined();
    queue.close();
    const recordings = await emptied('recordings');
    expect(await recordings.recent({ limit: 20 })).toEqual([]);
    expect(recordings.damage()).toBeDefined();
    recordings.close();
  });

  test('is not checked as a whole because its queue is empty, or none of a state', async () => {
    const open = await emptied('deliveries');
    expect(await open.queue({ state: 'refused', limit: 20 })).toEqual([]);
    expect(await open.recent({ state: 'held', limit: 20 })).toEqual([]);
    expect(open.damage()).toBeUndefined();
    expect(await open.recording('no-such-one')).toMatchObject({ recordings: [] });
    open.close();
  });
});

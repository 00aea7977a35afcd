import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { openOverview, openState } from '../../../src/state/open.ts';
import { openDatabase } from '../../../src/state/sqlite/database.ts';
import { stateOver } from '../../../src/state/sqlite/sqlite-state.ts';
import { virtualClock } from '../../core/storage/virtual-clock.ts';
import { enqueue } from '../conformance/facts.ts';
import { afterTest, failureOf, startHelper, tempFolder } from './support.ts';

/** Two seconds of timers: if the event loop stood still, none of them would fire, and nobody would free the lock. */
async function letTimersFire(): Promise<number> {
  let fired = 0;
  while (fired < 100) {
    await sleep(20);
    fired++;
  }
  return fired;
}

describe('a lock of another process', () => {
  test('is awaited by writes: timers fire meanwhile, and the writes succeed', async () => {
    const dir = tempFolder();
    const state = await openState(dir);
    afterTest(() => state.close());
    const holder = await startHelper('lock', join(dir, 'state.db'), 'BEGIN IMMEDIATE');
    let written = 0;
    const write = async (id: number) => {
      await enqueue(state, id);
      written++;
    };
    const first = write(1);
    expect(await letTimersFire()).toBe(100);
    const second = write(2);
    // Readers never wait for a writer.
    expect([written, await state.outbox.list({})]).toEqual([0, []]);
    await holder.go();
    await Promise.all([first, second]);
    expect((await state.outbox.list({})).map(({ recordingId }) => recordingId)).toEqual(['1', '2']);
  });

  test('is awaited by opening: of a new file, and of one that is being upgraded', async () => {
    for (const statements of ['BEGIN EXCLUSIVE', 'PRAGMA journal_mode = WAL; BEGIN IMMEDIATE']) {
      const dir = tempFolder();
      const holder = await startHelper('lock', join(dir, 'state.db'), statements);
      const opening = openState(dir);
      expect(await letTimersFire()).toBe(100);
      await holder.go();
      const state = await opening;
      await enqueue(state, 1);
      await state.close();
    }
  });

  test('is awaited by the overview, where it keeps readers out', async () => {
    const dir = tempFolder();
    await (await openState(dir)).close();
    const holder = await startHelper(
      'lock',
      join(dir, 'state.db'),
      `PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; INSERT INTO endpoints (name) VALUES ('x')`,
    );
    const opening = openOverview(dir);
    let timers = 0;
    for (; timers < 10; timers++) await sleep(20);
    await holder.go();
    const overview = (await opening)!;
    expect([timers, (await overview.all({ limit: 1 })).counts.done]).toEqual([10, 0]);
    overview.close();
  });

  test('that stays for 30 s fails the writes that wait for it, and no later one', async () => {
    const dir = tempFolder();
    const clock = virtualClock();
    const database = await openDatabase(dir, { lock: { clock } });
    const state = stateOver(database, { pid: process.pid, stateDir: dir });
    afterTest(() => state.close());
    const holder = await startHelper('lock', join(dir, 'state.db'), 'BEGIN IMMEDIATE');
    const failures = await Promise.all([1, 2].map(id => failureOf(enqueue(state, id))));
    expect(failures.map(({ code, message }) => [code, message])).toEqual(
      ['1', '2'].map(id => [
        'STATE',
        `the webhook delivery of recording ${id} could not be stored: another process has kept the state in ${dir} locked for 30 s`,
      ]),
    );
    expect(clock.elapsed()).toBeGreaterThanOrEqual(30_000);
    expect(clock.elapsed()).toBeLessThan(31_000);
    await holder.go();
    await enqueue(state, 3);
    expect((await state.outbox.list({})).map(({ recordingId }) => recordingId)).toEqual(['3']);
  });
});

import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { openState } from '../../../src/state/open.ts';
import { type Database, openDatabase, openTemporaryDatabase } from '../../../src/state/sqlite/database.ts';
import { openLiveness } from '../../../src/state/sqlite/liveness.ts';
import { MIGRATIONS } from '../../../src/state/sqlite/migrations.ts';
import { openSql } from '../../../src/state/sqlite/sql.ts';
import { stateOver } from '../../../src/state/sqlite/sqlite-state.ts';
import { claimedOf, enqueue } from '../conformance/facts.ts';
import { afterTest, failureOf, tempFolder } from './support.ts';

const MIB = 1024 * 1024;
const fileIn = (dir: string) => join(dir, 'state.db');

async function open(dir: string, warnings: string[] = []): Promise<Database> {
  const database = await openDatabase(dir, { warn: message => warnings.push(message) });
  afterTest(() => database.close());
  return database;
}

describe('the state', () => {
  test('is for its owner’s eyes, and leaves no lock behind', async () => {
    const dir = join(tempFolder(), 'new', 'state');
    await (await open(dir)).close();
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    expect(statSync(fileIn(dir)).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(dir, 'owners'))).toEqual([]);
  });

  test('in memory knows that it is not kept', async () => {
    const database = await openTemporaryDatabase();
    expect([database.isKept, stateOver(database, { pid: 1 }).isKept]).toEqual([false, false]);
    await database.close();
  });

  test('of a newer version is refused and left as it is', async () => {
    const dir = tempFolder();
    const database = await open(dir);
    await database.write(sql => sql.exec('PRAGMA user_version = 99'));
    await database.close();
    const error = await failureOf(open(dir));
    expect(error).toMatchObject({ code: 'STATE', message: expect.stringContaining('newer version') });
    expect(readdirSync(dir).filter(name => name.includes('corrupt'))).toEqual([]);
  });

  test('of an older version keeps its refused folders, in the queue', async () => {
    const dir = tempFolder();
    const before = MIGRATIONS.findIndex(step => step.includes('CREATE TABLE queue'));
    const sql = openSql(fileIn(dir));
    for (const step of MIGRATIONS.slice(0, before)) sql.exec(step);
    sql.exec(`PRAGMA user_version = ${before};
      INSERT INTO refusals VALUES ('/r/42', '42', 'has no video', NULL, '{"title":"Weekly","webhook":true}', 10, 20)`);
    sql.close();
    const state = await openState(dir);
    afterTest(() => state.close());
    expect(await state.queue.list()).toEqual([
      {
        dir: '/r/42',
        recordingId: '42',
        origin: 'upload',
        asked: { title: 'Weekly', webhook: true },
        state: 'refused',
        reason: 'has no video',
        hint: null,
        since: 10,
        askedAt: 10,
        updatedAt: 20,
        nextAt: 20,
      },
    ]);
  });

  test('that has no room says so, and names what could not be stored', async () => {
    const dir = tempFolder();
    const database = await open(dir);
    const state = stateOver(database, { pid: 1, stateDir: dir });
    await database.write(sql => {
      sql.exec(`PRAGMA max_page_count = ${Number(sql.get('PRAGMA page_count')?.page_count)}`);
    });
    const [big, small] = await Promise.allSettled([
      enqueue(state, 3, { title: 'x'.repeat(100_000) }),
      state.endpoints.disable('default', 'by an operator', 1),
    ]);
    expect(big).toMatchObject({
      status: 'rejected',
      reason: {
        code: 'STATE',
        message: `the webhook delivery of recording 3 could not be stored: the disk of the state folder ${dir} is full`,
        hint: expect.stringContaining('free some space'),
      },
    });
    // What was asked for at the same time and fits is stored.
    expect(small.status).toBe('fulfilled');
    expect([await state.outbox.list({}), (await state.endpoints.list()).length]).toEqual([[], 1]);
  });

  test('names the delivery whose outcome a full disk did not keep', async () => {
    const dir = tempFolder();
    const database = await open(dir);
    const state = stateOver(database, { pid: 1, stateDir: dir });
    const [queued] = await enqueue(state, 3);
    const candidates = await state.claims.candidates({ endpoint: 'default', dueBy: undefined });
    const [claimed] = await state.claims.claim(candidates, 1, Date.now(), { restart: false });
    await database.write(sql => {
      sql.exec(`PRAGMA max_page_count = ${Number(sql.get('PRAGMA page_count')?.page_count)}`);
    });
    const excerpt = 'x'.repeat(100_000);
    const attempt = { trigger: 'retry', at: 1, durationMs: 1, outcome: 'pending', status: 500, error: null } as const;
    const settling = state.claims.settle({ delivery: claimedOf(claimed), now: 1, attempt: { ...attempt, excerpt } });
    expect((await failureOf(settling)).message).toContain(
      `what came of the webhook delivery ${queued!.delivery.webhookId} of recording 3 could not be stored: `,
    );
  });

  test('gives room back to the disk when it is pruned', async () => {
    const dir = tempFolder();
    const state = await openState(dir);
    afterTest(() => state.close());
    const titles = ['x'.repeat(3 * MIB), 'short'];
    for (const title of titles) await enqueue(state, 3, { title, now: 1 });
    const report = await state.housekeeping.prune({ settledBefore: 2, now: Date.now(), dryRun: false });
    expect(report.deliveries).toBe(1);
    expect(report.freedBytes).toBeGreaterThan(2 * MIB);
    expect(statSync(fileIn(dir)).size).toBeLessThan(MIB);
    await enqueue(state, 4);
    expect(await state.outbox.list({})).toHaveLength(2);
  });
});

describe('damage', () => {
  test('is set aside only once nobody uses the file any more', async () => {
    const dir = tempFolder();
    await (await open(dir)).close();
    writeFileSync(fileIn(dir), 'no database '.repeat(1000));
    const user = await openLiveness(dir);
    expect((await failureOf(open(dir))).message).toContain('is damaged, and another process still uses it');
    user.close();
    const warnings: string[] = [];
    await open(dir, warnings);
    expect(warnings).toEqual([expect.stringMatching(/^the state file was damaged: it is kept as .*corrupt-/)]);
  });

  test('that was met in the middle of the work is looked for at the next start, and forgotten if there is none', async () => {
    const dir = tempFolder();
    await (await open(dir)).close();
    writeFileSync(`${fileIn(dir)}.damaged`, '');
    const warnings: string[] = [];
    await open(dir, warnings);
    expect([warnings, existsSync(`${fileIn(dir)}.damaged`)]).toEqual([[], false]);
  });
});

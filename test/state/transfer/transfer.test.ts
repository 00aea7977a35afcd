import { describe, expect, test } from '@jest/globals';
import { postgresTransfer, sqliteTransfer, type Transfer } from '../../../src/state/transfer/transfer.ts';
import { enqueue, HOUR, NOW, RECORDING, REF, TARGET } from '../conformance/facts.ts';
import { describeWithPostgres, useCluster, useDatabase } from '../postgres/support.ts';
import { copy, everything, fill, openSqlite } from './support.ts';

/** What every state must do that takes in what another one gives. */
function transfersConform(open: () => Promise<Transfer>): void {
  test('what a state gives, another gives again after it has taken it in', async () => {
    const source = await openSqlite();
    await fill(source.state);
    const from = sqliteTransfer(source.database);
    const to = await open();
    await copy(from, to);
    const given = await everything(from);
    expect(given.recordings.map(({ recordingId }) => recordingId)).toEqual([
      'announced',
      'done',
      'live',
      'partial',
      'pruned',
    ]);
    expect(await everything(to)).toEqual(given);
    const back = sqliteTransfer((await openSqlite()).database);
    await copy(to, back);
    expect(await everything(back)).toEqual(given);
  });

  test('what is taken in again changes nothing', async () => {
    const source = await openSqlite();
    await fill(source.state);
    const [from, to] = [sqliteTransfer(source.database), await open()];
    await copy(from, to);
    await copy(from, to);
    expect(await everything(to)).toEqual(await everything(from));
  });

  test('what was counted since is added, and nothing twice', async () => {
    const source = await openSqlite();
    await fill(source.state);
    const [from, to] = [sqliteTransfer(source.database), await open()];
    await copy(from, to);
    await source.state.journal.begin(TARGET, RECORDING, { webhooks: true, now: NOW });
    await source.state.journal.finish(REF, { state: 'done', error: null, now: NOW + 1000 });
    await copy(from, to);
    expect((await to.readBeside()).totals).toEqual((await from.readBeside()).totals);
  });

  test('a delivery stays behind those that the other state has made later, and is due no more', async () => {
    const source = await openSqlite();
    await enqueue(source.state, 3, { title: 'old', now: NOW });
    const other = await openSqlite();
    await enqueue(other.state, 3, { title: 'new', now: NOW + HOUR });
    const to = await open();
    await copy(sqliteTransfer(other.database), to);
    const taken = await to.take(await sqliteTransfer(source.database).read('3'), { prefer: 'source', now: NOW });
    expect(taken.deliveries).toMatchObject([{ how: 'older' }]);
    const { deliveries } = await to.read('3');
    expect(deliveries.map(({ row }) => [row.created_at, row.state])).toEqual([[NOW + HOUR, 'pending']]);
  });

  test('a delivery ends what the other state has of older ones, and the same content is not sent twice', async () => {
    const other = await openSqlite();
    await enqueue(other.state, 3, { title: 'old', now: NOW });
    const to = await open();
    await copy(sqliteTransfer(other.database), to);
    const source = await openSqlite();
    await enqueue(source.state, 3, { title: 'new', now: NOW + 1 });
    const taken = await to.take(await sqliteTransfer(source.database).read('3'), { prefer: 'source', now: NOW + 2 });
    expect(taken.deliveries).toMatchObject([{ how: 'new' }]);
    expect((await to.read('3')).deliveries.map(({ row }) => row.state)).toEqual(['superseded', 'pending']);
    const same = await openSqlite();
    await enqueue(same.state, 3, { title: 'new', now: NOW + 3 });
    const known = await sqliteTransfer(same.database).read('3');
    expect((await to.take(known, { prefer: 'source', now: NOW })).deliveries).toMatchObject([{ how: 'reused' }]);
    const forced = new Set(known.deliveries.map(({ row }) => String(row.webhook_id)));
    expect((await to.take(known, { prefer: 'source', now: NOW, forced })).deliveries).toMatchObject([{ how: 'new' }]);
    expect((await to.read('3')).deliveries.map(({ row }) => row.state)).toEqual([
      'superseded',
      'superseded',
      'pending',
    ]);
  });

  test('a recording that was changed since is not removed', async () => {
    const source = await openSqlite();
    await fill(source.state);
    const to = await open();
    await copy(sqliteTransfer(source.database), to);
    const known = await to.read('done');
    const { row, attempts } = known.deliveries[0]!;
    const other = { ...known, deliveries: [{ row: { ...row, attempts: 9 }, attempts }, ...known.deliveries.slice(1)] };
    expect(await to.remove(other)).toBe(false);
    expect(await to.read('done')).toEqual(known);
    expect(await to.remove(known)).toBe(true);
    expect(await to.ids('', 10)).toEqual(['announced', 'live', 'partial', 'pruned']);
  });
}

describe('a state in SQLite', () => {
  transfersConform(async () => sqliteTransfer((await openSqlite()).database));
});

describeWithPostgres('a state in PostgreSQL', () => {
  const stage = useCluster();
  const place = useDatabase(stage);
  const open = async (machine?: string) => postgresTransfer(await place.open(machine));
  transfersConform(() => open());

  test('gives what belongs to the machine, and takes nothing from another one', async () => {
    const source = await openSqlite();
    await fill(source.state);
    const [from, a, b] = [sqliteTransfer(source.database), await open('studio-a'), await open('studio-b')];
    await copy(from, a);
    expect(await b.ids('', 10)).toEqual(['announced', 'pruned']);
    expect((await b.readBeside()).queue).toEqual([]);
    const known = await from.read('done');
    const taken = await b.take(known, { prefer: 'source', now: NOW });
    expect(taken.others).toEqual([{ target: TARGET, machine: 'studio-a', isAtWork: false }]);
    expect(await a.read('done')).toEqual(known);
  });
});

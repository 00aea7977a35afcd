import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, jest, test } from '@jest/globals';
import { openState } from '../../../src/state/open.ts';
import { ATTEMPT, claimAll, deliver, enqueue, HOUR, hold, NOW, RECORDING, REF, TARGET } from '../conformance/facts.ts';
import { afterTest, tempFolder } from './support.ts';

/** Statements that read every row of a table, by SQLite's own plan. */
function fullScans(dir: string, statements: Iterable<string>): string[] {
  const database = new DatabaseSync(join(dir, 'state.db'));
  afterTest(() => database.close());
  return [...statements]
    .filter(text => /^\s*(SELECT|UPDATE|DELETE|INSERT)/.test(text))
    .filter(text =>
      database
        .prepare(`EXPLAIN QUERY PLAN ${text}`)
        .all()
        .some(({ detail }) =>
          /^SCAN (deliveries|attempts|recordings|files|parts|multipart_uploads|queue)$/.test(String(detail)),
        ),
    );
}

test('what uploads, retries and the overview ask reads no table in full, however much is done', async () => {
  const prepare = jest.spyOn(DatabaseSync.prototype, 'prepare');
  afterTest(() => prepare.mockRestore());
  const dir = tempFolder();
  const state = await openState(dir);
  afterTest(() => state.close());
  const { journal, outbox, claims, endpoints, overview, housekeeping, queue } = state;

  const asked = { webhook: true, force: false, finished: true };
  await queue.add([{ dir: '/r/3', recordingId: '3', origin: 'enqueued', asked }], NOW);
  await queue.due(NOW);
  await queue.nextAt();
  await queue.postpone('/r/3', { state: 'waiting', reason: null, hint: null, nextAt: NOW }, NOW);
  await queue.remove('/r/3');
  await journal.beginLive(TARGET, RECORDING, { now: NOW });
  await journal.liveIn(TARGET, RECORDING.dir, RECORDING.id);
  await journal.forgetLive(REF);
  await journal.begin(TARGET, RECORDING, { webhooks: true, now: NOW });
  await journal.files(REF);
  await journal.finish(REF, { state: 'done', error: null, now: NOW });
  await journal.unfinished(TARGET);
  for (const id of [1, 2, 3]) await enqueue(state, id);
  await claims.repair('default', NOW);
  const claimed = await claimAll(state);
  await deliver(state, claimed[0]!);
  await hold(state, claimed[1]!);
  await claims.release(claimed);
  await claims.releaseHeld({ endpoint: 'default' }, NOW);
  await claims.candidates({ endpoint: 'default', dueBy: undefined, recordingIds: ['1'] });
  await claims.candidates({ endpoint: 'default', dueBy: undefined, seqs: [1] });
  const refused = { hash: 'ab', salt: 'cd' };
  const [again] = await claimAll(state);
  const consequence = { kind: 'refuse' as const, fingerprint: refused };
  await claims.settle({ delivery: again!, now: NOW, attempt: ATTEMPT, consequence });
  await endpoints.leaveToOthers('default', [refused], NOW);
  await endpoints.useToken('default', [refused], NOW);
  await outbox.waiting();
  await outbox.nextDue();
  await state.folders.get(TARGET, RECORDING.dir);
  await outbox.history('1');
  await overview.all({ limit: 20 });
  await overview.recording('1');
  for (const state of [undefined, 'done', 'partial', 'recording', 'held'] as const)
    await overview.recent({ state, limit: 20 });
  for (const text of [undefined, 'x'] as const)
    await overview.recordingsPage({ text, since: NOW, until: NOW + HOUR, after: '1.1', limit: 20 });
  for (const state of [undefined, 'done'] as const)
    await overview.recordingsPage({ text: 'x', state, limit: 20, searchAtMost: 1 });
  for (const state of ['held', 'waiting'] as const)
    await overview.deliveriesPage({ state, endpoint: 'default', after: '1.1', limit: 20 });
  for (const state of ['held', 'waiting'] as const) await overview.deliveriesPage({ state, limit: 20 });
  await overview.activity({ doneSince: NOW, bytesSince: NOW });
  await outbox.discard('2', { now: NOW });
  await journal.forget(RECORDING.id, NOW);
  await housekeeping.prune({ settledBefore: NOW + HOUR, now: NOW, dryRun: true });
  await housekeeping.takeTurn({ everyMs: HOUR, againMs: HOUR, now: NOW });

  const statements = new Set(prepare.mock.calls.map(([text]) => text));
  expect(statements.size).toBeGreaterThan(30);
  expect(fullScans(dir, statements)).toEqual([]);
  const everything = 'SELECT * FROM deliveries WHERE payload = 1';
  expect(fullScans(dir, [everything])).toEqual([everything]);
});

import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { describeWithPostgres, useCluster } from '../state/postgres/support.ts';
import { type Desk, openDesk, openSandbox, sentBytes, webhooksOf } from '../support/desk.ts';
import { freshId, makeRecording } from '../support/make-recording.ts';
import { makeRecorderDatabase } from '../support/postgres.ts';
import { moveIn, QUICK, startWorker, until } from '../watch/support.ts';

/* A machine's own file forgets what the fleet's database has known for long, and nothing else. */

const OLD_MS = 91 * 86_400_000;
const TABLES = ['recordings', 'files', 'spooled'];

describeWithPostgres('the spool of a machine', () => {
  let sandbox: Sandbox;
  const stage = useCluster({ isDurable: true });
  let database: string;
  let url: string;
  let desk: Desk;
  beforeAll(async () => {
    sandbox = await openSandbox();
  });
  beforeEach(async () => {
    ({ database, url } = await makeRecorderDatabase(stage.cluster));
    desk = openDesk(sandbox, {
      ...QUICK,
      RECORDUPLOAD_STATE_URL: url,
      RECORDUPLOAD_MACHINE: 'studio-a',
    });
  });

  const inFile = <T>(work: (file: DatabaseSync) => T): T => {
    const file = new DatabaseSync(join(desk.stateDir, 'state.db'), { timeout: 5_000 });
    try {
      return work(file);
    } finally {
      file.close();
    }
  };
  const idsIn = (table: string) =>
    inFile(file =>
      file
        .prepare(`SELECT DISTINCT ${table === 'recordings' ? 'id' : 'recording_id'} AS id FROM ${table}`)
        .all()
        .map(row => String(row.id))
        .filter(id => id !== ''),
    );
  /** As if everything so far had happened a quarter of a year ago, and nobody had tidied up for a day. */
  const aQuarterLater = () =>
    inFile(file => {
      file.exec(`UPDATE recordings SET updated_at = updated_at - ${OLD_MS};
        UPDATE spooled SET since = since - ${OLD_MS};
        UPDATE successes SET at = at - ${OLD_MS} WHERE name IN ('tidied', 'tidying')`);
    });
  const inDatabase = async (): Promise<string[]> =>
    (await stage.cluster.run('SELECT id FROM recordupload.recordings', database)).map(row => String(row.id));
  const upload = async (count: number) => {
    const ids = Array.from({ length: count }, () => freshId());
    expect((await desk.run(['upload', ...ids.map(name => makeRecording({ name }))])).code).toBe(0);
    return ids;
  };

  test('forgets what was brought over and done for as long as delivered webhooks are kept, in the same pass', async () => {
    const [old] = await upload(1);
    aQuarterLater();
    const [young] = await upload(1);
    expect((await desk.run(['retry'])).code).toBe(0);
    for (const table of TABLES) expect(idsIn(table)).toEqual([young]);
    // Each machine does so itself, although the fleet's database was tidied up by then.
    expect((await inDatabase()).sort()).toEqual([old, young].sort());
    expect((await desk.run(['status', old!])).code).toBe(0);
    expect((await desk.run(['verify', old!])).code).toBe(0);
  });

  test('keeps what the database does not know, however old, and forgets it a quarter after it was brought over', async () => {
    await upload(1);
    await stage.cluster.stop('immediate');
    const waiting = await upload(2);
    aQuarterLater();
    await desk.run(['prune']);
    expect(idsIn('recordings')).toEqual(expect.arrayContaining(waiting));
    await stage.cluster.start();
    expect((await desk.run(['retry'])).code).toBe(0);
    for (const id of waiting) expect(webhooksOf(sandbox, id)).toHaveLength(1);
    expect(idsIn('recordings').sort()).toEqual([...waiting].sort());
    aQuarterLater();
    expect((await desk.run(['prune'])).code).toBe(0);
    for (const table of TABLES) expect(idsIn(table)).toEqual([]);
  });

  test('keeps an unfinished upload', async () => {
    const id = freshId();
    const answer = { status: 403, code: 'AccessDenied' };
    sandbox.faults.add({ server: 's3', operation: 'PutObject', key: `${id}/video.mkv`, action: { answer } });
    expect((await desk.run(['upload', makeRecording({ name: id })])).code).toBe(4);
    aQuarterLater();
    await desk.run(['prune']);
    expect(idsIn('recordings')).toEqual([id]);
    sandbox.faults.clear();
  });

  test('loses nothing where a process is killed while it brings over and forgets', async () => {
    const all = await upload(3);
    await stage.cluster.stop('immediate');
    all.push(...(await upload(6)));
    await stage.cluster.start();
    for (let round = 0; round < 8; round++) {
      aQuarterLater();
      const killed = desk.start([round % 2 === 0 ? 'retry' : 'prune']);
      await sleep(250 + 60 * round);
      killed.kill('SIGKILL');
      await killed.result;
      const known = new Set([...idsIn('recordings'), ...(await inDatabase())]);
      expect(all.filter(id => !known.has(id))).toEqual([]);
    }
    expect((await desk.run(['retry', '--now'])).code).toBe(0);
    aQuarterLater();
    expect((await desk.run(['prune'])).code).toBe(0);
    expect((await inDatabase()).sort()).toEqual([...all].sort());
    expect(idsIn('recordings')).toEqual([]);
    for (const id of all) expect(new Set(webhooksOf(sandbox, id).map(({ status }) => status))).toContain(201);
    const doubles = 'SELECT recording_id FROM recordupload.deliveries GROUP BY recording_id HAVING COUNT(*) > 1';
    expect(await stage.cluster.run(doubles, database)).toEqual([]);
  });

  test('does not take a folder for a new one that it has forgotten, while the database is away', async () => {
    const worker = await startWorker(sandbox, { desk });
    const dir = moveIn(worker.root);
    const old = dir.split('/').at(-1)!;
    await until('it is delivered', () => webhooksOf(sandbox, old).length > 0);
    await worker.stop();
    aQuarterLater();
    // What was uploaded before any of this is old by the clock of this test.
    expect((await desk.run(['prune', '--older-than', '0s'])).code).toBe(0);
    expect(idsIn('recordings')).toEqual([]);
    await stage.cluster.stop('immediate');
    sandbox.s3.resetRequests();
    const again = await startWorker(sandbox, { desk });
    const young = moveIn(again.root).split('/').at(-1)!;
    await until('the new one is uploaded', () =>
      sandbox.s3.objects().some(({ key }) => key === `${young}/metadata.json`),
    );
    await again.stop();
    expect(sandbox.s3.requests().filter(({ key }) => key?.startsWith(`${old}/`))).toEqual([]);
    expect(Object.keys(sentBytes(sandbox, young))).not.toEqual([]);
    await stage.cluster.start();
  });
});

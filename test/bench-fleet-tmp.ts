import { startCluster } from './support/postgres.ts';
import { start, startReceiver, clear, countBy, EMAIL } from './delivery/campaign/stage.ts';
import { openState } from '../src/state/open.ts';
import { readFileSync, readdirSync } from 'node:fs';
import { contentHash } from '../src/core/payload/payload.ts';
const DUE = Number(process.argv[2] ?? 10000), PROCS = Number(process.argv[3] ?? 8);
const cpu = (pid: number | string) => { const f = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' '); return { own: (Number(f[11]) + Number(f[12])) / 100, children: (Number(f[13]) + Number(f[14])) / 100 }; };
const postmaster = () => readdirSync('/proc').filter(p => /^\d+$/.test(p)).find(p => { try { return readFileSync(`/proc/${p}/cmdline`, 'utf8').includes(cluster.dir) && readFileSync(`/proc/${p}/cmdline`, 'utf8').includes('bin/postgres\0'); } catch { return false; } })!;
const cluster = await startCluster({ isDurable: true, settings: ["shared_preload_libraries = 'pg_stat_statements'", 'pg_stat_statements.track = all', 'pg_stat_statements.track_planning = on'] });
try {
  const db = await cluster.createDatabase();
  const url = cluster.url(db);
  await cluster.run('CREATE EXTENSION pg_stat_statements', db); 
  const state = await openState('', { fleet: { url, machine: 'filler', sharedFolders: false, program: 'test' } as never });
  const ids = Array.from({ length: DUE }, (_, i) => i + 1);
  let t = performance.now();
  const lanes = Array.from({length: 8}, async () => { for (let id = ids.pop(); id !== undefined; id = ids.pop()) {
    const payload = { recording_id: id, title: `Meeting ${id}`, user_info: { email: EMAIL } };
    await state.outbox.enqueue({ recordingId: String(id), endpoints: ['default'], payload: JSON.stringify(payload), contentHash: contentHash(payload as never), now: Date.now() });
  }});
  await Promise.all(lanes);
  console.log('enqueue/s', DUE / (performance.now() - t) * 1000);
  await state.close();
  const stats = async () => { for (const r of await cluster.run(`SELECT calls, round(total_exec_time) AS ms, round(total_plan_time) AS plan, round(mean_exec_time::numeric,2) AS mean, toplevel AS t, regexp_replace(left(query, 110), '\\s+', ' ', 'g') AS q FROM pg_stat_statements ORDER BY total_exec_time + total_plan_time DESC LIMIT 22`, db)) console.log(Object.values(r).join(' | ')); };
  await stats(); await cluster.run('SELECT pg_stat_statements_reset()', db);
  await new Promise(r => setTimeout(r, 500)); console.log('before: postgres', cpu(postmaster()), cpu('self'));
  const receiver = await startReceiver();
  t = performance.now();
  const runs = Array.from({ length: PROCS }, (_, n) => start(['retry', '--quiet'], {
    RECORDUPLOAD_STATE_DIR: `/tmp/pgout-bench-${n}`, WEBHOOK_URL: receiver.url, WEBHOOK_TOKEN: 'fake-token-for-bench', WEBHOOK_SECRET: `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
    RECORDUPLOAD_STATE_URL: url, RECORDUPLOAD_MACHINE: `m${n}` }));
  const results = await Promise.all(runs.map(r => r.result));
  const ms = performance.now() - t;
  for (const r of results) if (r.code !== 0) console.log(r.code, r.stderr.slice(0, 400));
  console.log(results.map(r => Math.round(r.durationMs)).join(' '));
  await new Promise(r => setTimeout(r, 500)); console.log('cpu s: postgres', cpu(postmaster()), 'senders', cpu('self').children);
  await stats();
  const got = await receiver.received();
  const by = countBy(got, r => r.recordingId);
  console.log({ perSecond: DUE / ms * 1000, received: by.size, twice: [...by.values()].filter(x => x.length > 1).length });
  console.log(await cluster.run(`SELECT state, count(*) FROM recordupload.deliveries GROUP BY 1`, db), await cluster.run(`SELECT xact_commit, xact_rollback, deadlocks FROM pg_stat_database WHERE datname='${db}'`));
  console.log(await cluster.run(`SELECT count(*), sum(count) from recordupload.sharded_totals`, db));
} finally { await clear(); await cluster.remove(); }
